package schema

import (
	"slices"
	"strings"
)

// combine makes the layers of an app directory one manifest, as if all had been written in its app.json.
func combine(all *layer, regions []*layer, r *Report) *tree {
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
	root *tree
	r    *Report
}

// section is the part of the manifest that a layer adds to.
func (m *merger) section(l *layer) *tree {
	if l.name == "" {
		return m.root.ensure("all", l.at)
	}
	return m.root.ensure(l.name, l.at)
}

// written are the sections of regions that the manifest has.
func (m *merger) written() []*tree {
	var sections []*tree
	for _, f := range m.root.fields {
		if f.key != "all" && f.value.kind == object {
			sections = append(sections, f.value)
		}
	}
	return sections
}

// keyed are the objects of a section that are merged key by key; others replace.
var keyed = []string{"services", "files", "public_ports", "private_ports"}

// mergeSection lets what over says win.
func mergeSection(into, over *tree) {
	for _, f := range over.fields {
		old := into.lookup(f.key)
		switch {
		case f.value.kind == null && old != nil: // null is as good as absent
		case f.value.kind == object && old != nil && old.kind == object && slices.Contains(keyed, f.key):
			for _, entry := range f.value.fields {
				key := entry.key
				if same := findUnit(old, key); same != nil && f.key == "services" {
					key = same.key
				}
				old.set(key, entry.at, entry.value)
			}
		default:
			into.set(f.key, f.at, f.value)
		}
	}
}

// unitEverywhere gives all regions a unit's text.
func (m *merger) unitEverywhere(l *layer, unit spaceFile) {
	if services := m.services(l); services != nil {
		m.replace(services, unit)
	}
	for _, section := range m.written() {
		services := section.lookup("services")
		if services == nil || services.kind != object {
			continue
		}
		if own := findUnit(services, unit.name); own != nil && !leftOut(own.value) {
			m.replace(services, unit)
		}
	}
}

// unitIn gives a region a unit's text, or takes the unit away there.
func (m *merger) unitIn(l *layer, unit spaceFile) {
	own := m.inherit(l, unit.name)
	services := m.services(l)
	switch {
	case services == nil:
	case unit.value.kind != null:
		m.replace(services, unit)
	case own != nil:
		services.set(own.key, unit.value.at, unit.value)
	default:
		services.set(unit.name, unit.value.at, unit.value)
	}
}

// services are the units of the section that a layer adds to, nil when they have a wrong shape.
func (m *merger) services(l *layer) *tree {
	section := m.section(l)
	if section == nil {
		return nil
	}
	return section.ensure("services", l.at)
}

// replace puts a unit's text in place of what ran it; the environment stays.
func (m *merger) replace(services *tree, unit spaceFile) {
	key, entry := unit.name, &tree{kind: object, at: unit.value.at}
	entry.set("unit_file", unit.value.at, unit.value.clone())
	if own := findUnit(services, unit.name); own != nil {
		if own.value.kind != object && own.value.kind != null {
			return
		}
		key = own.key
		if environment := own.value.lookup("environment"); environment != nil {
			entry.set("environment", environment.at, environment)
		}
		if image := own.value.lookup("image"); image != nil {
			m.r.Notef(unit.value.at.pos(""), "runs in place of the image at %s; the environment there stays", image.at.pos(""))
		}
	}
	services.set(key, unit.value.at, entry)
}

// inherit is a unit of a region, copied from all when the region doesn't say anything of it yet.
func (m *merger) inherit(l *layer, unit string) *field {
	if own := findUnit(m.root.lookup(l.name).lookup("services"), unit); own != nil {
		return own
	}
	everywhere := findUnit(m.root.lookup("all").lookup("services"), unit)
	if everywhere == nil || everywhere.value.kind != object {
		return nil
	}
	services := m.services(l)
	if services == nil {
		return nil
	}
	services.set(everywhere.key, everywhere.at, everywhere.value.clone())
	return findUnit(services, unit)
}

// envEverywhere adds variables to a unit in all regions. Without such a unit it is a file like any other.
func (m *merger) envEverywhere(l *layer, env envFile) {
	found := false
	sections := m.written()
	if all := m.root.lookup("all"); all != nil {
		sections = append(sections, all)
	}
	for _, section := range sections {
		own := findUnit(section.lookup("services"), env.base+".service")
		if own == nil {
			continue
		}
		found = true
		if !leftOut(own.value) {
			addVariables(own.value, env, l.at)
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
	case leftOut(own.value):
		m.r.Errorf(env.file.value.at.pos(""), "%s.service is left out in %s, so its environment has no use", env.base, l.name)
	default:
		addVariables(own.value, env, l.at)
	}
}

// addVariables sets variables in a unit's environment: those it has where they stand, others at the end.
func addVariables(unit *tree, env envFile, at place) {
	if unit.kind != object {
		return
	}
	environment := unit.ensure("environment", at)
	if environment == nil {
		return
	}
	for _, v := range env.variables() {
		environment.set(v.key, v.at, v.value.clone())
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
		files.set(f.name, f.value.at, f.value)
	}
}

// mergeable refuses an encrypted environment file beside an environment: only the instance could merge them.
func (m *merger) mergeable(section *tree, f spaceFile) {
	base, isEnv := strings.CutSuffix(f.name, ".env")
	if !isEnv || f.value.kind != object || f.value.lookup("ciphertext") == nil {
		return
	}
	own := findUnit(section.lookup("services"), base+".service")
	if own == nil {
		own = findUnit(m.root.lookup("all").lookup("services"), base+".service")
	}
	if own == nil {
		return
	}
	if environment := own.value.lookup("environment"); environment == nil || len(environment.fields) == 0 {
		return
	}
	m.r.Errorf(f.value.at.pos(""), "cannot be merged with the environment of %s.service, as only the instance can read it; encrypt the values that are secret one by one", base)
}

// findUnit is a unit among services, whether or not .service is written out.
func findUnit(services *tree, unit string) *field {
	if services == nil || services.kind != object {
		return nil
	}
	for i, f := range services.fields {
		if unitName(f.key) == unitName(unit) {
			return &services.fields[i]
		}
	}
	return nil
}

// leftOut says whether a section takes a unit away: with null, or with {}.
func leftOut(unit *tree) bool {
	return unit.kind == null || unit.kind == object && len(unit.fields) == 0
}

// unitName completes a unit's name.
func unitName(key string) string {
	if strings.Contains(key, ".") {
		return key
	}
	return key + ".service"
}
