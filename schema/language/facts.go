package language

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"cuelang.org/go/cue"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// Facts holds the data about AWS and the defaults, from regions.cue, catalog.cue, metrics.cue and defaults.cue.
// They are read once and shared by all workers, which must not change them.
type Facts struct {
	Regions  map[string]Region
	Catalog  Catalog
	Metrics  Metrics
	Defaults *manifest.Tree
}

// Region is an AWS region: the ids of its zones, and the zones without some service, with the reason.
type Region struct {
	Zones       []string          `json:"zones"`
	Constrained map[string]string `json:"constrained"`
}

// Catalog is the data of catalog.cue: engines and their versions, limits of storage, instance types with special
// needs, and things that AWS no longer offers, with a hint what to use.
type Catalog struct {
	Databases map[string]Engine            `json:"databases"`
	Caches    map[string]Engine            `json:"caches"`
	Withdrawn map[string]map[string]string `json:"withdrawn"`
	Storage   struct {
		Volumes   map[string]Storage `json:"volumes"`
		Databases map[string]Storage `json:"databases"`
	} `json:"storage"`
	Architectures struct {
		ARM64 Pattern `json:"arm64"`
		MacOS Pattern `json:"macos"`
	} `json:"architectures"`
	Shapes struct {
		Database Pattern `json:"database"`
		Cache    Pattern `json:"cache"`
	} `json:"shapes"`
	InstanceStore    Pattern           `json:"instance_store"`
	MappedDisks      map[string]int    `json:"mapped_disks"`
	BalancerPolicies map[string]string `json:"balancer_policies"`
}

// Engine is an engine of databases or caches.
type Engine struct {
	Port      int            `json:"port"`
	Versions  []string       `json:"versions"`
	Oldest    map[string]int `json:"oldest"`
	Extended  []string       `json:"extended"`
	Default   string         `json:"default"`
	Withdrawn string         `json:"withdrawn"`
}

// Storage holds AWS's limits for one type of storage, in GiB and I/O operations per second.
type Storage struct {
	Size       Limits  `json:"size"`
	IOPS       *Limits `json:"iops"`
	IOPSPerGiB int     `json:"iops_per_gib"`
	Striped    int     `json:"striped"`
}

// Limits is a range of numbers, both ends included.
type Limits struct {
	Min int `json:"min"`
	Max int `json:"max"`
}

// Pattern is a regular expression that can be decoded from JSON.
type Pattern struct{ *regexp.Regexp }

// UnmarshalJSON compiles the expression.
func (p *Pattern) UnmarshalJSON(text []byte) error {
	var written string
	if err := json.Unmarshal(text, &written); err != nil {
		return err
	}
	compiled, err := regexp.Compile(written)
	p.Regexp = compiled
	return err
}

// facts decodes the data through JSON, which is simpler than walking CUE's values. The defaults keep the form of a
// tree, so that they can stand in for a manifest's values.
func (l *definitions) facts() (*Facts, error) {
	f := &Facts{Defaults: plain(l.root.LookupPath(cue.ParsePath("defaults")))}
	for name, into := range map[string]any{"regions": &f.Regions, "catalog": &f.Catalog, "metrics": &f.Metrics} {
		body, err := l.root.LookupPath(cue.ParsePath(name)).MarshalJSON()
		if err != nil {
			return nil, fmt.Errorf("read %s of the language: %w", name, err)
		}
		if err := json.Unmarshal(body, into); err != nil {
			return nil, fmt.Errorf("read %s of the language: %w", name, err)
		}
	}
	return f, nil
}

// plain converts a concrete CUE value into a tree without places.
func plain(v cue.Value) *manifest.Tree {
	t := &manifest.Tree{}
	switch v.Kind() {
	case cue.StructKind:
		t.Kind = manifest.Object
		for fields, _ := v.Fields(); fields.Next(); {
			t.Fields = append(t.Fields, manifest.Field{Key: fields.Selector().Unquoted(), Value: plain(fields.Value())})
		}
	case cue.ListKind:
		t.Kind = manifest.List
		for items, _ := v.List(); items.Next(); {
			t.Items = append(t.Items, plain(items.Value()))
		}
	case cue.StringKind:
		t.Kind = manifest.Text
		t.Text, _ = v.String()
	case cue.BoolKind:
		t.Kind, t.Text = manifest.Boolean, fmt.Sprint(v)
	case cue.IntKind, cue.FloatKind, cue.NumberKind:
		t.Kind, t.Text = manifest.Number, fmt.Sprint(v)
	}
	return t
}

// RegionNames returns the names of all AWS regions, sorted.
func (f *Facts) RegionNames() []string { return slices.Sorted(maps.Keys(f.Regions)) }

// regionShape matches every region's name. It is a little wider than #RegionKey, to catch misspelt ones.
var regionShape = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$`)

// LooksLikeRegion reports whether a name is most likely a misspelt region.
func (f *Facts) LooksLikeRegion(name string) bool {
	return regionShape.MatchString(name) && report.Suggest(name, f.RegionNames()) != ""
}

// Architecture returns the processor architecture of an instance type in Debian's words: amd64 or arm64.
func (f *Facts) Architecture(instanceType string) string {
	if f.Catalog.Architectures.ARM64.MatchString(instanceType) {
		return "arm64"
	}
	return "amd64"
}

// CheckRegion reports whether AWS has a region of this name, and adds a mistake if not.
func (f *Facts) CheckRegion(found *report.Report, name string, at report.Pos) bool {
	if _, ok := f.Regions[name]; ok {
		return true
	}
	found.Errorf(at, "must be a region of AWS, got %q%s", name, report.Suggest(name, f.RegionNames()))
	return false
}
