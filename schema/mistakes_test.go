package schema

import (
	"testing"

	"github.com/pebble/spacel/schema/internal/badcases"
	"github.com/pebble/spacel/schema/internal/badtrees"
	"github.com/pebble/spacel/schema/language"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/sections"
)

// Whatever stands in the place of a value, and however much is left out for it: making the model doesn't panic, and what the
// definitions found is reported.
func TestModelIsMadeOfWrongManifests(t *testing.T) {
	c, err := language.NewChecker(Definitions)
	if err != nil {
		t.Fatal(err)
	}
	facts, err := c.Facts()
	if err != nil {
		t.Fatal(err)
	}
	orbit := load(t, map[string]string{"orbit.yaml": badcases.PlainOrbit}).Orbit
	badtrees.Each(badtrees.Read(t, everything+"/app.yaml"), func(i int, wrong *manifest.Tree, at manifest.Place) {
		found := &report.Report{}
		if err := c.Check(wrong, language.App, found, nil); err != nil {
			t.Fatal(err)
		}
		before := len(found.Problems())
		document{facts: facts, report: found, root: sections.Value{Tree: wrong, At: wrong.At}}.app(orbit, nil)
		if len(found.Problems()) < before {
			t.Errorf("value %d, line %d: mistakes are lost: %v", i, at.Line, found.Problems())
		}
	})
}
