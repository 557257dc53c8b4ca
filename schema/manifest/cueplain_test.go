package manifest

import (
	"testing"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/parser"
)

// A manifest is evaluated with open definitions only if the exact ones would give the same data.
func TestDependenceOf(t *testing.T) {
	for text, want := range map[string]dependence{
		`schema.#App & {name: "web"}`:                                    byRefusal,
		`(schema.#App & {name: "web"})`:                                  byRefusal,
		"schema.#App\nname: \"web\"":                                     byRefusal,
		`schema.#App & {all: instance_max: 1 | 2, all: instance_max: 2}`: byRefusal,
		`schema.#App & {for r, _ in schema.regions {(r): {}}}`:           byRefusal,
		`schema.#App & {_a: 1, let B = 2, if _a == 1 {all: tags: n: B}}`: byRefusal,
		`schema.#App & {if all.instance_max != _|_ {all: cw_stats: 1}}`:  byRefusal,
		`schema.#App & {all: instance_max: *3 | int}`:                    byDefaults,
		`schema.#App & {all: {...}, _e: *"dev" | "prod"}`:                byDefaults,
		`schema.#App & {if (all & {x: 1}) != _|_ {all: cw_stats: 1}}`:    anyhow,
		`schema.#App & {all: schema.#AppSection}`:                        anyhow,
		`schema.#App & {_t: schema.#InstanceType}`:                       anyhow,
		`schema.#App & {let T = schema.#InstanceType}`:                   anyhow,
		"let S = schema\nS.#App":                                         anyhow,
		`schema["#App"] & {}`:                                            anyhow,
		`schema.#Orbit & {}`:                                             anyhow,
		`schema.#AppSection & {}`:                                        anyhow,
		`{schema.#App}`:                                                  anyhow,
		`a: schema.#App`:                                                 anyhow,
		`schema.#App & {all: tags: t: [if schema.#X != _|_ {"a"}][0]}`:   anyhow,
		`schema.#App & {all: tags: matchN(1, [{a: 1}, {b: 2}])}`:         anyhow,
		`schema.#App | {name: "web"}`:                                    anyhow,
		`schema.#App & {#T: schema.#Tags, all: tags: #T}`:                anyhow,
	} {
		file, err := parser.ParseFile("web.cue", "import \""+ImportPath+"\"\n"+text)
		if err != nil {
			t.Fatal(text, err)
		}
		if got := dependenceOf([]*ast.File{file}, "#App"); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
	file, err := parser.ParseFile("web.cue", "import (\n\t\""+ImportPath+"\"\n\t\"example.com/lib\"\n)\nschema.#App & lib.#Web")
	if err != nil {
		t.Fatal(err)
	}
	if got := dependenceOf([]*ast.File{file}, "#App"); got != anyhow {
		t.Errorf("another import: %d", got)
	}
}
