package destroy

import (
	"slices"
	"strings"

	"github.com/pebble/spacel/compiler/assembly"
)

// Scope selects stacks.
type Scope struct {
	Orbit   string
	Stacks  []assembly.Stack // of an artifact directory; nil: all stacks of the orbit
	Names   []string         // only these, by name or region/name; none: all
	Apps    []string         // only theirs; none: all
	Regions []string         // only there; none: everywhere
	Search  []string         // the regions to search, also for dependent stacks

	LeaveBehind bool // the user agreed to keep resources that cannot be deleted: see refuseProtected
}

// wants reports whether a stack of the orbit is selected.
func (s Scope) wants(ref assembly.StackRef, app string) bool {
	switch {
	case len(s.Names) > 0 && !slices.Contains(s.Names, ref.Name) && !slices.Contains(s.Names, ref.String()):
		return false
	case len(s.Regions) > 0 && !slices.Contains(s.Regions, ref.Region):
		return false
	case len(s.Apps) > 0 && (app == "" || !slices.Contains(s.Apps, app)):
		return false
	}
	return s.Stacks == nil || slices.ContainsFunc(s.Stacks, func(a assembly.Stack) bool { return a.Ref() == ref })
}

// name is the word that users type to confirm: the names of the stacks if some were given, or of the apps, or of the orbit. A
// directory without the orbit's own stacks stands for its apps.
func (s Scope) name() string {
	if len(s.Names) > 0 {
		return joined(s.Names)
	}
	apps := slices.Clone(s.Apps)
	for _, stack := range s.Stacks {
		switch {
		case len(s.Apps) > 0:
		case stack.App == "":
			return s.Orbit
		default:
			apps = append(apps, stack.App)
		}
	}
	if len(apps) == 0 {
		return s.Orbit
	}
	return joined(apps)
}

// joined returns the names sorted, without duplicates and with commas: a word that can be typed.
func joined(names []string) string {
	names = slices.Sorted(slices.Values(names))
	return strings.Join(slices.Compact(names), ",")
}
