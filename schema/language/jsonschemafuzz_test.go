package language

import (
	"bytes"
	"testing"

	"github.com/pebble/spacel/schema/internal/badcases"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// FuzzJSONSchema holds that the JSON Schema refuses no manifest that the definitions accept.
func FuzzJSONSchema(f *testing.F) {
	badcases.Seed(f, "../../testdata")
	j := newJudge(f)
	f.Fuzz(func(t *testing.T, format uint8, orbit bool, content []byte) {
		if badcases.Formats[int(format)%len(badcases.Formats)] == ".cue" {
			return
		}
		var r report.Report
		manifest, err := readManifest("-", bytes.NewReader(content), &r)
		if manifest == nil || err != nil {
			return
		}
		of := "app"
		if orbit {
			of = "orbit"
		}
		for _, part := range manifest.Fields {
			if regionShape.MatchString(part.Key) {
				return // that there is such a region is not for the definitions to say
			}
		}
		if regions := manifest.Lookup("regions"); regions != nil || len(j.refused(manifest, of)) > 0 {
			return
		}
		if err := j.schema[of].Validate(withoutNulls(manifest).Data()); err != nil {
			t.Errorf("%v", err)
		}
	})
}

// withoutNulls is a copy without the fields that are null, which the definitions never see: the schema refuses them where
// there is no such field.
func withoutNulls(t *manifest.Tree) *manifest.Tree {
	c := t.Clone()
	c.Fields = nil
	for _, f := range t.Fields {
		if f.Value.Kind != manifest.Null {
			c.Fields = append(c.Fields, manifest.Field{Key: f.Key, At: f.At, Value: withoutNulls(f.Value)})
		}
	}
	for i, item := range t.Items {
		c.Items[i] = withoutNulls(item)
	}
	return c
}
