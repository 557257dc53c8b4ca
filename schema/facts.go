package schema

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"cuelang.org/go/cue"
)

// facts are what the language knows of AWS, and its defaults: the data of regions.cue, catalog.cue, metrics.cue and
// defaults.cue. They are read once and shared by all workers.
type facts struct {
	regions  map[string]region
	catalog  catalog
	metrics  metrics
	defaults *tree
}

// region is what regions.cue says of one.
type region struct {
	Zones       []string          `json:"zones"`
	Constrained map[string]string `json:"constrained"`
}

// catalog is catalog.cue.
type catalog struct {
	Databases map[string]engine            `json:"databases"`
	Caches    map[string]engine            `json:"caches"`
	Withdrawn map[string]map[string]string `json:"withdrawn"`
	Storage   struct {
		Volumes   map[string]storage `json:"volumes"`
		Databases map[string]storage `json:"databases"`
	} `json:"storage"`
	Architectures struct {
		ARM64 pattern `json:"arm64"`
		MacOS pattern `json:"macos"`
	} `json:"architectures"`
	Shapes struct {
		Database pattern `json:"database"`
		Cache    pattern `json:"cache"`
	} `json:"shapes"`
	InstanceStore    pattern           `json:"instance_store"`
	MappedDisks      map[string]int    `json:"mapped_disks"`
	BalancerPolicies map[string]string `json:"balancer_policies"`
}

// engine is a database's or a cache's.
type engine struct {
	Port      int            `json:"port"`
	Versions  []string       `json:"versions"`
	Oldest    map[string]int `json:"oldest"`
	Extended  []string       `json:"extended"`
	Default   string         `json:"default"`
	Withdrawn string         `json:"withdrawn"`
}

// storage is what AWS allows of a type of volume: GiB and I/O operations per second.
type storage struct {
	Size       limits  `json:"size"`
	IOPS       *limits `json:"iops"`
	IOPSPerGiB int     `json:"iops_per_gib"`
	Striped    int     `json:"striped"`
}

type limits struct {
	Min int `json:"min"`
	Max int `json:"max"`
}

// pattern is a regular expression.
type pattern struct{ *regexp.Regexp }

// UnmarshalJSON compiles the expression.
func (p *pattern) UnmarshalJSON(text []byte) error {
	var written string
	if err := json.Unmarshal(text, &written); err != nil {
		return err
	}
	compiled, err := regexp.Compile(written)
	p.Regexp = compiled
	return err
}

func (l *language) facts() (*facts, error) {
	f := &facts{defaults: plain(l.root.LookupPath(cue.ParsePath("defaults")))}
	for name, into := range map[string]any{"regions": &f.regions, "catalog": &f.catalog, "metrics": &f.metrics} {
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
func plain(v cue.Value) *tree {
	t := &tree{}
	switch v.Kind() {
	case cue.StructKind:
		t.kind = object
		for fields, _ := v.Fields(); fields.Next(); {
			t.fields = append(t.fields, field{key: fields.Selector().Unquoted(), value: plain(fields.Value())})
		}
	case cue.ListKind:
		t.kind = list
		for items, _ := v.List(); items.Next(); {
			t.items = append(t.items, plain(items.Value()))
		}
	case cue.StringKind:
		t.kind = text
		t.text, _ = v.String()
	case cue.BoolKind:
		t.kind, t.text = boolean, fmt.Sprint(v)
	case cue.IntKind, cue.FloatKind, cue.NumberKind:
		t.kind, t.text = number, fmt.Sprint(v)
	}
	return t
}

// regionNames are AWS's regions, sorted.
func (f *facts) regionNames() []string { return slices.Sorted(maps.Keys(f.regions)) }
