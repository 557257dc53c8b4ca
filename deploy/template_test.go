package deploy

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pebble/spacel/compiler/assembly"
)

// A template is read again when it is needed, and each time its digest is verified.
func TestTemplateExchangedDuringTheRun(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../testdata/golden/example/want")); err != nil {
		t.Fatal(err)
	}
	a, err := assembly.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	spec := a.Manifest.Stacks[0]
	template, err := newTemplate(a, spec)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := template.whole()
	if err != nil || template.size != len(whole.Body) || template.resources == 0 || template.resources != len(whole.Resources) ||
		template.parameters != len(whole.Parameters) {
		t.Fatalf("%+v, %v", template, err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, whole.Body); err != nil {
		t.Fatal(err)
	}
	other := strings.Replace(string(whole.Body), `"Type": "AWS::`, `"Type": "Custom::`, 1)
	for deployed, want := range map[string]bool{string(whole.Body): true, compact.String(): true, other: false, "": false} {
		if same, err := template.equals([]byte(deployed)); same != want || err != nil {
			t.Errorf("%.40q: %v, %v; want %v", deployed, same, err, want)
		}
	}

	path := filepath.Join(dir, filepath.FromSlash(spec.Template))
	if err := os.WriteFile(path, []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := template.whole(); err == nil || !strings.Contains(err.Error(), "is not what was built") {
		t.Errorf("an exchanged file: %v", err)
	}
	if same, err := template.equals([]byte(other)); same || err == nil {
		t.Errorf("an exchanged file, and the same is deployed: %v, %v", same, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := template.body(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is gone: %v", err)
	}
}
