package manifest

import (
	"slices"
	"strings"

	"github.com/pebble/spacel/schema/report"
)

// combine makes the layers of an app directory one manifest, as if all had been written in its app.json.
func combine(all *layer, regions []*layer, r *report.Report) *Tree {
	m := &merger{root: all.app, r: r}
	for _, region := range regions {
		if section := m.section(region); section != nil && region.app != nil {
			mergeSection(section, region.app)
		}
	}
	for _, unit := range all.units {
		m.unitEverywhere(all, unit)
	}
	for _, region := range regions {
		for _, unit := range region.units {
			m.unitIn(region, unit)
		}
	}
	for _, env := range all.envs {
		m.envEverywhere(all, env)
	}
	for _, region := range regions {
		for _, env := range region.envs {
			m.envIn(region, env)
		}
	}
	for _, l := range append([]*layer{all}, regions...) {
		m.files(l)
	}
	return m.root
}

// merger adds the files of an app directory to its manifest. Parts that have a wrong shape are left for the schema to report.
type merger struct {
	root *Tree
	r    *report.Report
}

// section is the part of the manifest that a layer adds to.
func (m *merger) section(l *layer) *Tree {
	if l.name == "" {
		return m.root.ensure("all", l.at)
	}
	return m.root.ensure(l.name, l.at)
}

// written are the sections of regions that the manifest has.
func (m *merger) written() []*Tree {
	var sections []*Tree
	for _, f := range m.root.Fields {
		if f.Key != "all" && f.Value.Kind == Object {
			sections = append(sections, f.Value)
		}
	}
	return sections
}

// keyed are the objects of a section that are merged key by key; others replace.
var keyed = []string{"services", "files", "public_ports", "private_ports"}

// mergeSection lets what over says win.
func mergeSection(into, over *Tree) {
	for _, f := range over.Fields {
		old := into.Lookup(f.Key)
		switch {
		case f.Value.Kind == Null && old != nil: // null is as good as absent
		case f.Value.Kind == Object && old != nil && old.Kind == Object && slices.Contains(keyed, f.Key):
			for _, entry := range f.Value.Fields {
				key := entry.Key
				if same := findUnit(old, key); same != nil && f.Key == "services" {
					key = same.Key
				}
				old.Set(key, entry.At, entry.Value)
			}
		default:
			into.Set(f.Key, f.At, f.Value)
		}
	}
}

// unitEverywhere gives all regions a unit's text.
func (m *merger) unitEverywhere(l *layer, unit dirFile) {
	if services := m.services(l); services != nil {
		m.replace(services, unit)
	}
	for _, section := range m.written() {
		services := section.Lookup("services")
		if services == nil || services.Kind != Object {
			continue
		}
		if own := findUnit(services, unit.name); own != nil && !leftOut(own.Value) {
			m.replace(services, unit)
		}
	}
}

// unitIn gives a region a unit's text, or takes the unit away there.
func (m *merger) unitIn(l *layer, unit dirFile) {
	own := m.inherit(l, unit.name)
	services := m.services(l)
	switch {
	case services == nil:
	case unit.value.Kind != Null:
		m.replace(services, unit)
	case own != nil:
		services.Set(own.Key, unit.value.At, unit.value)
	default:
		services.Set(unit.name, unit.value.At, unit.value)
	}
}

// services are the units of the section that a layer adds to, nil when they have a wrong shape.
func (m *merger) services(l *layer) *Tree {
	section := m.section(l)
	if section == nil {
		return nil
	}
	return section.ensure("services", l.at)
}

// replace puts a unit's text in place of what ran it; the environment stays.
func (m *merger) replace(services *Tree, unit dirFile) {
	key, entry := unit.name, &Tree{Kind: Object, At: unit.value.At}
	entry.Set("unit_file", unit.value.At, unit.value.Clone())
	if own := findUnit(services, unit.name); own != nil {
		if own.Value.Kind != Object && own.Value.Kind != Null {
			return
		}
		key = own.Key
		if environment := own.Value.Lookup("environment"); environment != nil {
			entry.Set("environment", environment.At, environment)
		}
		if image := own.Value.Lookup("image"); image != nil {
			m.r.Notef(unit.value.At.Pos(""), "runs in place of the image at %s; the environment there stays", image.At.Pos(""))
		}
	}
	services.Set(key, unit.value.At, entry)
}

// inherit is a unit of a region, copied from all when the region doesn't say anything of it yet.
func (m *merger) inherit(l *layer, unit string) *Field {
	if own := findUnit(m.root.Lookup(l.name).Lookup("services"), unit); own != nil {
		return own
	}
	everywhere := findUnit(m.root.Lookup("all").Lookup("services"), unit)
	if everywhere == nil || everywhere.Value.Kind != Object {
		return nil
	}
	services := m.services(l)
	if services == nil {
		return nil
	}
	services.Set(everywhere.Key, everywhere.At, everywhere.Value.Clone())
	return findUnit(services, unit)
}

// envEverywhere adds variables to a unit in all regions. Without such a unit it is a file like any other.
func (m *merger) envEverywhere(l *layer, env envFile) {
	found := false
	sections := m.written()
	if all := m.root.Lookup("all"); all != nil {
		sections = append(sections, all)
	}
	for _, section := range sections {
		own := findUnit(section.Lookup("services"), env.base+".service")
		if own == nil {
			continue
		}
		found = true
		if !leftOut(own.Value) {
			addVariables(own.Value, env, l.at)
		}
	}
	if !found {
		l.files = append(l.files, env.file)
	}
}

// envIn adds variables to a unit in one region.
func (m *merger) envIn(l *layer, env envFile) {
	own := m.inherit(l, env.base+".service")
	switch {
	case own == nil:
		l.files = append(l.files, env.file)
	case leftOut(own.Value):
		m.r.Errorf(env.file.value.At.Pos(""), "%s.service is left out in %s, so its environment has no use", env.base, l.name)
	default:
		addVariables(own.Value, env, l.at)
	}
}

// addVariables sets variables in a unit's environment: those it has where they stand, others at the end.
func addVariables(unit *Tree, env envFile, at Place) {
	if unit.Kind != Object {
		return
	}
	environment := unit.ensure("environment", at)
	if environment == nil {
		return
	}
	for _, v := range env.variables() {
		environment.Set(v.Key, v.At, v.Value.Clone())
	}
}

// files adds a layer's files.
func (m *merger) files(l *layer) {
	section := m.section(l)
	if section == nil || len(l.files) == 0 {
		return
	}
	files := section.ensure("files", l.at)
	if files == nil {
		return
	}
	for _, f := range l.files {
		m.mergeable(section, f)
		files.Set(f.name, f.value.At, f.value)
	}
}

// mergeable refuses an encrypted environment file beside an environment: only the instance could merge them.
func (m *merger) mergeable(section *Tree, f dirFile) {
	base, isEnv := strings.CutSuffix(f.name, ".env")
	if !isEnv || f.value.Kind != Object || f.value.Lookup("ciphertext") == nil {
		return
	}
	own := findUnit(section.Lookup("services"), base+".service")
	if own == nil {
		own = findUnit(m.root.Lookup("all").Lookup("services"), base+".service")
	}
	if own == nil {
		return
	}
	if environment := own.Value.Lookup("environment"); environment == nil || len(environment.Fields) == 0 {
		return
	}
	m.r.Errorf(f.value.At.Pos(""), "cannot be merged with the environment of %s.service, as only the instance can read it; encrypt the values that are secret one by one", base)
}

// findUnit is a unit among services, whether or not .service is written out.
func findUnit(services *Tree, unit string) *Field {
	if services == nil || services.Kind != Object {
		return nil
	}
	for i, f := range services.Fields {
		if UnitName(f.Key) == UnitName(unit) {
			return &services.Fields[i]
		}
	}
	return nil
}

// leftOut says whether a section takes a unit away: with null, or with {}.
func leftOut(unit *Tree) bool {
	return unit.Kind == Null || unit.Kind == Object && len(unit.Fields) == 0
}
