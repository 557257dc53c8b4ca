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

// Facts are what the language knows of AWS, and its defaults: the data of regions.cue, catalog.cue, metrics.cue and
// defaults.cue. They are read once and shared by all workers.
type Facts struct {
	Regions  map[string]Region
	Catalog  Catalog
	Metrics  Metrics
	Defaults *manifest.Tree
}

// Region is what regions.cue says of one.
type Region struct {
	Zones       []string          `json:"zones"`
	Constrained map[string]string `json:"constrained"`
}

// Catalog is catalog.cue.
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

// Engine is a database's or a cache's.
type Engine struct {
	Port      int            `json:"port"`
	Versions  []string       `json:"versions"`
	Oldest    map[string]int `json:"oldest"`
	Extended  []string       `json:"extended"`
	Default   string         `json:"default"`
	Withdrawn string         `json:"withdrawn"`
}

// Storage is what AWS allows of a type of volume: GiB and I/O operations per second.
type Storage struct {
	Size       Limits  `json:"size"`
	IOPS       *Limits `json:"iops"`
	IOPSPerGiB int     `json:"iops_per_gib"`
	Striped    int     `json:"striped"`
}

type Limits struct {
	Min int `json:"min"`
	Max int `json:"max"`
}

// Pattern is a regular expression.
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

// plain is a concrete CUE value as a tree without places.
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

// RegionNames are AWS's regions, sorted.
func (f *Facts) RegionNames() []string { return slices.Sorted(maps.Keys(f.Regions)) }

// regionShape is what every region's name looks like, a little wider than #RegionKey.
var regionShape = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$`)

// LooksLikeRegion reports whether a name that is no region's must have been meant for one.
func (f *Facts) LooksLikeRegion(name string) bool {
	return regionShape.MatchString(name) && report.Suggest(name, f.RegionNames()) != ""
}

// Architecture is the processor of an instance type, as Debian calls it.
func (f *Facts) Architecture(instanceType string) string {
	if f.Catalog.Architectures.ARM64.MatchString(instanceType) {
		return "arm64"
	}
	return "amd64"
}
