package language

import (
	"slices"

	"cuelang.org/go/cue/errors"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// check checks a normalised manifest against its definition. First CUE checks the whole manifest in one pass. If
// CUE refuses it, explain walks the manifest, reports each mistake, and removes the invalid values from the tree
// so that later steps can go on with the rest.
//
// It returns false when CUE refuses the manifest but explain found no mistake. CUE's own message is reported then.
// Tests make sure that no known manifest gets there.
func (l *definitions) check(t *manifest.Tree, s *typeInfo, r *report.Report, regions []string) bool {
	err := l.fits(t, s)
	if err == nil {
		return true
	}
	e := &explainer{report: r, regions: regions}
	e.object(t, s, "", false)
	if e.mistakes == 0 && hasReported(t) {
		return true // what is left is valid, and what CUE misses was reported before
	}
	if e.mistakes == 0 {
		fallback(err, t, r)
		return false
	}
	return true
}

// hasReported reports whether values of a tree were left out when it was read, because of a mistake that is reported.
func hasReported(t *manifest.Tree) bool {
	return t != nil && (len(t.Reported) > 0 ||
		slices.ContainsFunc(t.Items, hasReported) ||
		slices.ContainsFunc(t.Fields, func(f manifest.Field) bool { return hasReported(f.Value) }))
}

// fallback reports CUE's own message at the nearest place in the manifest, for mistakes that explain cannot name.
func fallback(err error, t *manifest.Tree, r *report.Report) {
	for _, e := range errors.Errors(err) {
		at, path := t.At, ""
		for _, key := range e.Path() {
			inner := t.Field(key)
			if inner == nil {
				break
			}
			t, at, path = inner.Value, inner.At, report.Member(path, key)
		}
		format, args := e.Msg()
		r.Errorf(at.Pos(path), format, args...)
	}
}
