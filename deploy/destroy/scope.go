package destroy

import (
	"slices"
	"strings"

	"github.com/pebble/spacel/compiler/assembly"
)

// Scope says which stacks are meant.
type Scope struct {
	Orbit   string
	Stacks  []assembly.Stack // of an artifact directory; nil: all that the orbit has
	Names   []string         // only these, by name or region/name; none: all
	Apps    []string         // only theirs; none: all
	Regions []string         // only there; none: everywhere
	Search  []string         // the regions looked through, also for stacks that depend on those meant
}

// wants says whether a stack of the orbit is meant.
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

// name is what a user types to confirm: the stacks that were named, else the apps, else the orbit. Of a directory it is the
// orbit only if the orbit's own stacks are in it.
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

func joined(names []string) string {
	names = slices.Sorted(slices.Values(names))
	return strings.Join(slices.Compact(names), ",")
}
