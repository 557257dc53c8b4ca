package manifest

import (
	"slices"
	"strings"

	"github.com/pebble/spacel/schema/report"
)

// combine merges the layers of an app directory into one manifest, as if everything had been written in app.json.
// Units come first, because variables belong to units. The region's layers come after the common one, because they
// override it.
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

// merger adds the files of an app directory to its manifest. Parts of a wrong type are left alone: the check
// against the definitions reports them.
type merger struct {
	root *Tree
	r    *report.Report
}

// section returns the part of the manifest for a layer, and makes it if it is missing. It is nil if it has a wrong type.
func (m *merger) section(l *layer) *Tree {
	if l.name == "" {
		return m.root.ensure("all", l.at)
	}
	return m.root.ensure(l.name, l.at)
}

// written returns the sections of regions in the manifest. Every object beside all may be one, but for those of x-…: fields outside
// of sections are reported by the check.
func (m *merger) written() []*Tree {
	var sections []*Tree
	for _, f := range m.root.Fields {
		if f.Key != "all" && f.Value.Kind == Object && !strings.HasPrefix(f.Key, "x-") {
			sections = append(sections, f.Value)
		}
	}
	return sections
}

// keyed lists the objects of a section to merge key by key. Others replace the inherited value as a whole.
var keyed = []string{"services", "files", "registries", "public_ports", "private_ports"}

// mergeSection merges two sections. The values of over win.
func mergeSection(into, over *Tree) {
	for _, f := range over.Fields {
		old := into.Lookup(f.Key)
		switch {
		case f.Value.Kind == Null && old != nil: // null is as good as absent
		case f.Value.Kind == Object && old != nil && old.Kind == Object && slices.Contains(keyed, f.Key):
			for _, entry := range f.Value.Fields {
				key := entry.Key
				// The two may write one unit as web and as web.service. The name of the first stays.
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

// unitEverywhere sets a unit's text in all regions. A region that redefines the unit gets the text, too, unless it
// leaves the unit out.
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

// unitIn sets a unit's text in one region, or removes the unit there.
func (m *merger) unitIn(l *layer, unit dirFile) {
	own := m.inherit(l, unit.name)
	services := m.services(l)
	switch {
	case services == nil:
	// A unit file with content replaces the unit. An empty one, read as null, removes it in this region.
	case unit.value.Kind != Null:
		m.replace(services, unit)
	case own != nil:
		services.Set(own.Key, unit.value.At, unit.value)
	default:
		services.Set(unit.name, unit.value.At, unit.value)
	}
}

// services returns the units in a layer's section, nil if they have a wrong type.
func (m *merger) services(l *layer) *Tree {
	section := m.section(l)
	if section == nil {
		return nil
	}
	return section.ensure("services", l.at)
}

// replace puts a unit's text in place of the manifest's image. The environment stays.
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

// inherit returns a unit of a region's section. If the region does not mention the unit, it is copied from all
// first, so that changing it leaves other regions alone.
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

// envEverywhere adds variables to a unit in all regions. If there is no such unit, the file is deployed unchanged.
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
		m.r.Errorf(env.file.value.At.Pos(""), "%s.service is left out in %s, so its environment has no effect", env.base, l.name)
	default:
		addVariables(own.Value, env, l.at)
	}
}

// addVariables sets variables in a unit's environment. Existing ones keep their position, new ones go to the end.
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

// files adds a layer's files. They come last, because files of variables without a unit have joined them by then.
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

// mergeable refuses an encrypted file of variables if the unit has variables in the manifest, too. Only the
// instance can decrypt the file, so the two cannot be merged here.
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
	m.r.Errorf(f.value.At.Pos(""),
		"cannot be merged with the environment of %s.service, as only the instance can read it; encrypt the values that are "+
			"secret one by one", base)
}

// findUnit returns a unit by name, with or without .service.
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

// leftOut reports whether a section removes a unit: with null, or with {} as in the 2016 tool.
func leftOut(unit *Tree) bool {
	return unit.Kind == Null || unit.Kind == Object && len(unit.Fields) == 0
}
