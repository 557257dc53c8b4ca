package schema

import (
	"slices"
	"testing"
)

// Whatever stands in the place of a value, a mistake is explained: CUE's own words are never needed, and the rest of the
// manifest is still looked at.
func TestEveryMistakeIsExplained(t *testing.T) {
	c, err := newChecker()
	if err != nil {
		t.Fatal(err)
	}
	full := newLanguage(t)
	facts, err := full.facts()
	if err != nil {
		t.Fatal(err)
	}
	orbit := load(t, map[string]string{"orbit.yaml": plainOrbit}).Orbit
	whole := readTree(t, everything+"/app.yaml")
	values := []*tree{
		{kind: null}, {kind: boolean, text: "true"}, {kind: number, text: "-7.5"}, {kind: text, text: "\x01 ?"}, {kind: text}, {kind: list}, {kind: object},
		{kind: list, items: []*tree{{kind: null}, {kind: object}}},
		{kind: object, fields: []field{{key: "?", value: &tree{kind: number, text: "1"}}}},
	}
	for i := 0; i < whole.count(); i += 3 {
		wrong := whole.clone()
		spot := wrong.nth(i)
		at := spot.at
		*spot = *values[i/3%len(values)].clone()
		spot.at = at
		if wrong.kind != object {
			continue
		}
		var report Report
		copied := wrong.clone()
		normalise(copied, full.app)
		if !full.check(copied, full.app, &report, nil) {
			t.Errorf("value %d, line %d: CUE refuses what the walk finds no mistake in: %v", i, at.line, report.Problems())
		}
		refused := report.Failed(false)
		l := &loader{facts: facts, report: &Report{}, orbit: map[string]section{}}
		if err := c.check(wrong, appForm, l.report, nil); err != nil {
			t.Fatal(err)
		}
		if l.report.Failed(false) != refused {
			t.Errorf("value %d, line %d: the lean definitions and the full ones disagree: %v", i, at.line, report.Problems())
		}
		manifest{l, node{wrong, wrong.at, ""}}.app(orbit)
	}
}

func readTree(t *testing.T, path string) *tree {
	t.Helper()
	tree, err := readManifest(path, nil, &Report{})
	if err != nil || tree == nil {
		t.Fatal(err)
	}
	return tree
}

// count is how many values there are.
func (t *tree) count() int {
	n := 1
	for _, inner := range t.inner() {
		n += inner.count()
	}
	return n
}

// nth is the nth value, counted from the root.
func (t *tree) nth(n int) *tree {
	if n == 0 {
		return t
	}
	n--
	for _, inner := range t.inner() {
		if size := inner.count(); n >= size {
			n -= size
			continue
		}
		return inner.nth(n)
	}
	return nil
}

func (t *tree) inner() []*tree {
	inner := slices.Clone(t.items)
	for _, f := range t.fields {
		inner = append(inner, f.value)
	}
	return inner
}
