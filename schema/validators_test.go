package schema

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	cuejson "cuelang.org/go/encoding/json"
	"cuelang.org/go/encoding/jsonschema"

	"github.com/pebble/spacel/schema/language"
)

// Three validators that nobody here wrote judge every manifest of testdata alike by the JSON Schema: one in Go
// (verdictsOfJSONSchema), jsonschema in Python, and CUE's own reader of JSON Schema.
func TestValidatorsOfJSONSchemaAgree(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds for each validator")
	}
	cases := slices.Concat(badManifests(t), goodManifests(t))
	want := verdictsOfJSONSchema(t, cases)
	if !slices.Contains(want, true) || !slices.Contains(want, false) {
		t.Fatal("all manifests have the same verdict")
	}
	for name, verdicts := range map[string][]bool{"Python": verdictsOfPython(t, cases), "CUE": verdictsOfCUEsJSONSchema(t, cases)} {
		for i, m := range cases {
			if verdicts[i] != want[i] {
				t.Errorf("%s: accepted in Go: %t, in %s: %t", m.name, want[i], name, verdicts[i])
			}
		}
	}
}

// pythonValidator reads {"schemas": {name: schema}, "cases": [[name, manifest]]} and prints a list of verdicts. A schema that is no
// valid schema is an error.
const pythonValidator = `
import json, sys
from jsonschema import Draft202012Validator
given = json.load(sys.stdin)
validators = {}
for name, schema in given["schemas"].items():
    Draft202012Validator.check_schema(schema)
    validators[name] = Draft202012Validator(schema)
json.dump([validators[of].is_valid(manifest) for of, manifest in given["cases"]], sys.stdout)
`

// verdictsOfPython validates with the jsonschema of Python, which .ci/moto/install installs for moto.
func verdictsOfPython(t *testing.T, cases []manifestCase) (verdicts []bool) {
	python, err := filepath.Abs("../.ci/moto/.tools/python/bin/python")
	if err != nil {
		t.Fatal(err)
	}
	schemas, judged := map[string]json.RawMessage{}, [][]any{}
	for _, m := range cases {
		_, of := m.definition()
		schemas[of] = jsonSchemaOf(t, of)
		judged = append(judged, []any{of, json.RawMessage(m.data)})
	}
	input, err := json.Marshal(map[string]any{"schemas": schemas, "cases": judged})
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(python, "-c", pythonValidator)
	command.Stdin = bytes.NewReader(input)
	var out, stderr bytes.Buffer
	command.Stdout, command.Stderr = &out, &stderr
	if err := command.Run(); err != nil {
		t.Fatalf("%v: %s (.ci/moto/install installs it)", err, stderr.String())
	}
	if err := json.Unmarshal(out.Bytes(), &verdicts); err != nil || len(verdicts) != len(cases) {
		t.Fatal(err, len(verdicts))
	}
	return verdicts
}

func jsonSchemaOf(t *testing.T, of string) []byte {
	t.Helper()
	text, err := language.JSONSchema(Definitions, Examples, of)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// verdictsOfCUEsJSONSchema validates with CUE, which converts the schema into a definition.
func verdictsOfCUEsJSONSchema(t *testing.T, cases []manifestCase) (verdicts []bool) {
	context := cuecontext.New()
	definitions := map[string]cue.Value{}
	for _, of := range []string{"orbit", "app"} {
		text, err := cuejson.Extract(of, jsonSchemaOf(t, of))
		if err != nil {
			t.Fatal(err)
		}
		file, err := jsonschema.Extract(context.BuildExpr(text), &jsonschema.Config{})
		if err != nil {
			t.Fatal(err)
		}
		definitions[of] = context.BuildFile(file)
		if err := definitions[of].Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range cases {
		_, of := m.definition()
		data, err := cuejson.Extract(m.name, m.data)
		if err != nil {
			t.Fatal(err)
		}
		verdicts = append(verdicts, definitions[of].Unify(context.BuildExpr(data)).Validate(cue.Concrete(true)) == nil)
	}
	return verdicts
}
