package language

import (
	"slices"
	"strings"

	"github.com/pebble/spacel/schema/report"
)

// level is an object around the explainer's place.
type level struct {
	of   *typeInfo
	path string
}

// sampleKeys are keys that the patterns of the definitions accept, to find the type of a map's values: a port, or a name.
var sampleKeys = []string{"80", "name"}

// mostHomes is the number of places listed in a message for a field at the wrong level.
const mostHomes = 3

// elsewhere returns a hint when an unknown field is known at another level of the manifest: domain beside all, or
// regions inside it. It returns "" when no level or too many have the field.
func (e *explainer) elsewhere(key string) string {
	last := len(e.levels) - 1
	for i := last - 1; i >= 0; i-- {
		if !e.levels[i].of.names(key) {
			continue
		}
		if i == 0 {
			return "; it belongs at the top level, beside all"
		}
		return "; it belongs one level higher: " + report.Member(e.levels[i].path, key)
	}
	homes := e.levels[last].of.homes(key, e.levels[last].path)
	switch {
	case len(homes) == 0 || len(homes) > mostHomes:
		return ""
	case last == 0 && slices.Contains(homes, "all."+key):
		return "; it belongs inside all, or inside a region's section: all." + key
	}
	return "; it belongs one level lower: " + strings.Join(homes, " or ")
}

// homes returns the paths of a field in the objects directly inside an object. The values of a map, such as services, count as
// directly inside.
func (s *typeInfo) homes(key, path string) []string {
	var found []string
	names, _ := s.known()
	for _, name := range slices.Sorted(slices.Values(names)) {
		inner, below := s.field(name), report.Member(path, name)
		if inner.names(key) {
			found = append(found, report.Member(below, key))
			continue
		}
		for _, sample := range sampleKeys {
			if inner.keys != "" && inner.field(sample) != nil && inner.field(sample).names(key) {
				found = append(found, below+".NAME."+key)
				break
			}
		}
	}
	return found
}

// names reports whether a definition has a field of this name. A pattern, such as that of services, has none.
func (s *typeInfo) names(key string) bool {
	names, _ := s.known()
	return slices.Contains(names, key)
}
