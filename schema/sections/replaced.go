package sections

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// mergedByKey lists the objects of a section whose entries a region inherits one by one. Any other object of a region
// replaces the one in all as a whole.
var mergedByKey = []string{"services", "files", "registries", "public_ports", "private_ports"}

// noteReplaced notes the fields that a region drops when one of its objects replaces an object of all. The rule is that of the
// 2016 tool, and few expect it: databases: {main: {size: 200}} in a region also turns deletion protection off.
func (s Section) noteReplaced() {
	if s.Own.Tree == nil {
		return
	}
	for _, f := range s.Own.Tree.Fields {
		inherited := s.All.Tree.Lookup(f.Key)
		if inherited == nil || slices.Contains(mergedByKey, f.Key) {
			continue
		}
		dropped := droppedFields(inherited, f.Value, "")
		if f.Key == "release" { // waves hold for all regions, wherever they are
			dropped = slices.DeleteFunc(dropped, func(field string) bool { return field == "waves" || field == "pause" })
		}
		if len(dropped) == 0 {
			continue
		}
		s.Report.Notef(s.Own.FieldOf(f).Pos(), "replaces all.%s as a whole, which also had %s; repeat what is to stay", f.Key, few(dropped))
	}
}

// droppedFields returns the paths of the fields that an object has and the object that replaces it has not.
func droppedFields(old, by *manifest.Tree, path string) (dropped []string) {
	if old.Kind != manifest.Object || by.Kind != manifest.Object {
		return nil
	}
	for _, f := range old.Fields {
		inner := report.Member(path, f.Key)
		switch kept := by.Lookup(f.Key); {
		case kept != nil:
			dropped = append(dropped, droppedFields(f.Value, kept, inner)...)
		case !slices.ContainsFunc(by.Removed, func(r manifest.Field) bool { return r.Key == f.Key }) && !by.Reported[f.Key]:
			dropped = append(dropped, inner)
		}
	}
	slices.Sort(dropped)
	return dropped
}

// few joins names for a message, and counts those beyond the fifth.
func few(names []string) string {
	const most = 5
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
