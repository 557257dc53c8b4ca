package live

import (
	"os"
	"path/filepath"
	"testing"
)

// The outline of a template answers as the template does, and holds no properties.
func TestOutline(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/golden/*/want/*/*.template.json")
	if err != nil || len(paths) < 50 {
		t.Fatal(len(paths), err)
	}
	kinds, protected := map[string]int{}, 0
	for _, path := range paths {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := ParseTemplate(body)
		if err != nil {
			t.Fatal(err)
		}
		outline := whole.Outline()
		if outline.Body != nil || outline.Retains() != whole.Retains() || len(outline.Parameters) != len(whole.Parameters) {
			t.Errorf("%s: %+v", path, outline)
		}
		for id, r := range whole.Resources {
			policy := whole.DeletionPolicy(id, r.Type)
			kinds[policy]++
			if whole.Protects(id) {
				protected++
			}
			got := outline.Resources[id]
			if got.Properties != nil || got.Type != r.Type || got.UpdateReplacePolicy != r.UpdateReplacePolicy ||
				outline.DeletionPolicy(id, r.Type) != policy || outline.Protects(id) != whole.Protects(id) {
				t.Errorf("%s: %s: %+v", path, id, got)
			}
		}
	}
	if kinds["Delete"] == 0 || kinds["Snapshot"] == 0 || kinds["Retain"]+kinds["RetainExceptOnCreate"] == 0 || protected == 0 {
		t.Errorf("the templates have too few policies: %v, %d protected", kinds, protected)
	}
}
