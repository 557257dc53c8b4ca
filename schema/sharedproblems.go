package schema

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/sections"
)

// sharedProblems collects the problems of apps at places in the orbit's field apps. Each app inherits these settings, so one mistake
// in them is found once for each app, and often in other words: got 5 and 3, got 5 and 2. It is reported once. Workers
// share it.
type sharedProblems struct {
	mu    sync.Mutex
	found []sharedProblem
}

// sharedProblem is a problem, with the name of the app in which it was found.
type sharedProblem struct {
	report.Problem
	app string
}

// isShared reports whether a place is in the orbit's field apps.
func isShared(orbit string, at report.Pos) bool {
	return at.File == orbit && (at.Path == "apps" || strings.HasPrefix(at.Path, "apps."))
}

// take moves an app's problems into the report, and keeps those at places that apps share.
func (s *sharedProblems) take(from *report.Report, app string, shared sections.Value, into *report.Report) {
	for _, p := range from.Problems() {
		if shared.Tree == nil || !isShared(shared.At.File, p.Pos) {
			into.Add(p)
			continue
		}
		s.mu.Lock()
		s.found = append(s.found, sharedProblem{p, app})
		s.mu.Unlock()
	}
}

// report reports one problem for each place and severity: that of the first app by name. If the text depends on the app, it
// names the app and the number of others.
func (s *sharedProblems) report(into *report.Report) {
	slices.SortFunc(s.found, func(a, b sharedProblem) int {
		return cmp.Or(cmp.Compare(a.app, b.app), cmp.Compare(a.Message, b.Message))
	})
	type place struct {
		at       report.Pos
		severity report.Severity
	}
	groups := map[place][]sharedProblem{}
	for _, p := range s.found {
		key := place{p.Pos, p.Severity}
		groups[key] = append(groups[key], p)
	}
	for _, group := range groups {
		first := group[0].Problem
		if differ(group) {
			first.Message += " in app " + group[0].app + others(group)
		}
		into.Add(first)
	}
}

// differ reports whether problems have different texts.
func differ(group []sharedProblem) bool {
	return slices.ContainsFunc(group, func(p sharedProblem) bool { return p.Message != group[0].Message })
}

// others says how many other apps a group is of.
func others(group []sharedProblem) string {
	apps := map[string]bool{}
	for _, p := range group {
		apps[p.app] = true
	}
	switch n := len(apps) - 1; n {
	case 0:
		return ""
	case 1:
		return ", and 1 more app has this problem"
	default:
		return fmt.Sprintf(", and %d more apps have this problem", n)
	}
}
