package schema

import (
	"slices"
	"strings"

	names "github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/schema/content"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/sections"
)

// References returns all references of the app in the region, in the order of the model.
func (a *AppRegion) References() []content.Reference {
	var all []content.Reference
	add := func(ref *content.Reference) {
		if ref != nil {
			all = append(all, *ref)
		}
	}
	for _, s := range a.Containers() {
		for _, v := range s.Environment {
			add(v.From)
		}
	}
	for _, f := range a.Files {
		add(f.Text.From)
	}
	for _, r := range a.Registries {
		add(r.Username.From)
		add(r.Password.From)
	}
	return all
}

// checkReferences checks the names of databases, caches and resources in references. It runs when these are built. It skips a kind
// whose field had a mistake, since the name may be of a part that was refused.
func checkReferences(s sections.Section, a *AppRegion) {
	databases := map[string]Database{}
	for _, d := range a.Databases {
		databases[d.Name] = d
	}
	caches := map[string]Cache{}
	for _, c := range a.Caches {
		caches[c.Name] = c
	}
	for _, ref := range a.References() {
		switch ref.Kind {
		case names.FromDatabase:
			checkStore(s, ref, "databases", databases)
			if ref.Field == names.FieldDatabase && strings.HasPrefix(databases[ref.Name].Engine, "sqlserver") {
				s.Report.Errorf(ref.Pos, "does not exist: RDS makes no database in an instance of SQL Server; write the name itself")
			}
		case names.FromCache:
			checkStore(s, ref, "caches", caches)
		case names.FromResource:
			checkResource(s, ref, a.Extra)
		}
	}
}

// checkStore checks the name of a database or cache.
func checkStore[T any](s sections.Section, ref content.Reference, field string, known map[string]T) {
	if _, ok := known[ref.Name]; ok || s.Unknown(field) {
		return
	}
	s.Report.Errorf(ref.Pos, "refers to the %s %s, which the app does not have%s", ref.Kind, ref.Name,
		report.Suggest(ref.Name, keysOf(known)))
}

// checkResource checks the logical id of a reference. A parameter has a value but no attributes.
func checkResource(s sections.Section, ref content.Reference, e Extra) {
	known := map[string]bool{}
	for _, r := range e.Resources {
		known[r.ID] = true
	}
	for _, p := range e.Parameters {
		known[p.ID] = true
		switch {
		case p.ID != ref.Name:
		case ref.Field != "":
			s.Report.Errorf(ref.Pos, "refers to an attribute of %s, which is a parameter: write resource:%s", ref.Name, ref.Name)
		case strings.Contains(p.Type, "List<") || strings.HasPrefix(p.Type, "CommaDelimitedList"):
			s.Report.Errorf(ref.Pos, "refers to %s, which is a list: a reference is for one value", ref.Name)
		}
	}
	if !known[ref.Name] && !s.Unknown("resources") {
		s.Report.Errorf(ref.Pos, "refers to %s, which is not in the app's resources%s", ref.Name, report.Suggest(ref.Name, keysOf(known)))
	}
}

// keysOf returns the sorted keys of a map.
func keysOf[T any](m map[string]T) []string {
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
