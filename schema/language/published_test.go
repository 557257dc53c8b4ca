package language

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"

	"github.com/pebble/spacel/internal/cuecommand"
	"github.com/pebble/spacel/schema/manifest"
)

// What is printed is CUE, and says the same as the files.
func TestCUEText(t *testing.T) {
	text, err := CUE(definitionFiles)
	if err != nil {
		t.Fatal(err)
	}
	whole := cuecontext.New().CompileBytes(text, cue.Filename("schema.cue"))
	if err := whole.Err(); err != nil {
		t.Fatal(err)
	}
	l, err := compileDefinitions(definitionFiles)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"#Orbit", "#App", "#AppSection", "defaults", "regions", "catalog"} {
		path := cue.ParsePath(name)
		here, there := whole.LookupPath(path), l.root.LookupPath(path)
		if !here.Exists() || here.IncompleteKind() != there.IncompleteKind() {
			t.Errorf("%s: %v", name, here)
		}
	}
	good := cuecontext.New().CompileString(`{name: "a", all: instance_max: 3}`)
	if err := whole.LookupPath(cue.ParsePath("#App")).Unify(good).Validate(cue.Concrete(true)); err != nil {
		t.Error(err)
	}
}

func publishedText(t *testing.T) string {
	t.Helper()
	text, err := CUE(definitionFiles)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// An editor shows the comment of a field, so the default is in it.
func TestCUETextShowsDefaults(t *testing.T) {
	text := publishedText(t)
	for _, want := range []string{
		"\t// The most instances.\n\t// 2 unless given.\n\tinstance_max?: null | int",
		"\t// \"rolling\" unless given.\n\tupdate_policy?: null | ",
		"\t// false unless given.\n\telastic_ips?: null | #Flag\n",
		"\t// {\"80\": {}} unless given.\n\tpublic_ports?: null | {[#PortText]: null | #PublicPort} @keys(",
		"\t// 14 unless given.\n\tretention?: null | #Retention\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q", want)
		}
	}
}

// Every default of defaults.cue is shown at a field, or, for definitions made of others, in the reference only.
func TestEveryDefaultIsShown(t *testing.T) {
	l := newLanguage(t)
	f, err := l.facts()
	if err != nil {
		t.Fatal(err)
	}
	text := publishedText(t)
	shown := strings.Count(text, " unless given.\n\t")
	all := 0
	for _, group := range f.Defaults.Fields {
		all += len(group.Value.Fields)
	}
	// trigger, database_alarm and log_alarm have the defaults of fields that they embed.
	if embedded := 5; shown < all-embedded {
		t.Errorf("%d of %d defaults are shown", shown, all)
	}
}

func TestCUETextIsFormatted(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "schema.cue"), []byte(publishedText(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, err := cuecommand.Run(t, dir, nil, "fmt", "--check", "schema.cue")
	if err != nil || out+errs != "" {
		t.Errorf("cue fmt would change the text of spacel schema: %v\n%s%s", err, out, errs)
	}
}

func TestVersionOfACopy(t *testing.T) {
	text := publishedText(t)
	older := strings.Replace(text, Version, "v0.0.7", 1)
	for copied, want := range map[string]string{text: Version, older: "v0.0.7", "package schema\n": ""} {
		if got := manifest.VersionOf([]byte(copied)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
