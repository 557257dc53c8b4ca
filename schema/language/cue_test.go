package language

import (
	"testing"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
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
