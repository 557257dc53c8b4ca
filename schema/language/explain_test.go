package language

import (
	"testing"

	"github.com/pebble/spacel/schema/internal/badtrees"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// Whatever stands in the place of a value, a mistake is explained: CUE's own words are never needed, and the rest of the
// manifest is still looked at.
func TestEveryMistakeIsExplained(t *testing.T) {
	c, err := NewChecker(definitionFiles)
	if err != nil {
		t.Fatal(err)
	}
	full := newLanguage(t)
	badtrees.Each(badtrees.Read(t, "../../testdata/everything/app.yaml"), func(i int, wrong *manifest.Tree, at manifest.Place) {
		var r report.Report
		copied := wrong.Clone()
		normalise(copied, full.app)
		if !full.check(copied, full.app, &r, nil) {
			t.Errorf("value %d, line %d: CUE refuses what the walk finds no mistake in: %v", i, at.Line, r.Problems())
		}
		refused := r.Failed(false)
		var again report.Report
		if err := c.Check(wrong, App, &again, nil); err != nil {
			t.Fatal(err)
		}
		if again.Failed(false) != refused {
			t.Errorf("value %d, line %d: the lean definitions and the full ones disagree: %v", i, at.Line, r.Problems())
		}
	})
}
