package cfn

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/pebble/spacel/internal/jsontext"
)

type sample struct {
	Name    string            `json:"name"`
	Skipped string            `json:"skipped,omitempty"`
	Absent  Value             `json:"absent,omitempty"`
	Null    Value             `json:"null"`
	Count   int               `json:"count"`
	On      bool              `json:"on,omitempty"`
	Pointer *int              `json:"pointer,omitempty"`
	Plain   []string          `json:"plain"`
	Empty   []string          `json:"empty"`
	Nil     []string          `json:"nil"`
	Words   map[string]string `json:"words"`
	None    map[string]string `json:"none"`
	Bare    struct{}          `json:"bare"`
	Nested  []inner           `json:"nested"`
	Values  []Value           `json:"values"`
	Hidden  string            `json:"-"`
	Untold  string
	private string
}

type inner struct {
	Ratio float64 `json:"ratio"`
	Text  string  `json:"text,omitempty"`
}

// literals is a value without references, which encoding/json can write too.
func literals() sample {
	one := 1
	return sample{
		Name: `a "b" \ <&> ` + "\n\t\u2028é€😀", Null: String("x"), Count: -3, On: true, Pointer: &one,
		Plain: []string{"a", ""}, Empty: []string{}, Words: map[string]string{"z": "1", "a b": "2"},
		Nested: []inner{{0.5, ""}, {1e21, "x"}}, Values: []Value{String("a"), Int(4), Bool(true), List{String("b")}},
		Hidden: "secret", Untold: "told", private: "kept",
	}
}

func TestJSONTextIsEncodingJSON(t *testing.T) {
	for _, v := range []any{literals(), sample{}, []sample{}, map[string]*sample{"a": nil}, "x", 3, nil} {
		want, err := jsontext.Indent(v)
		if err != nil {
			t.Fatal(err)
		}
		got := literal(t, JSONText(v))
		if got != strings.TrimSuffix(string(want), "\n") {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

// literal is a text that holds no references.
func literal(t *testing.T, text *Text) string {
	t.Helper()
	s, ok := Concat(text.pieces()...).(String)
	if !ok {
		t.Fatalf("%#v holds a reference", text)
	}
	return string(s)
}

func TestJSONTextQuotesReferences(t *testing.T) {
	name := &Parameter{id: "Name"}
	text := JSONText(map[string]Value{
		"plain":  name.Ref(),
		"joined": Concat(String(`say "`), name.Ref(), Concat(String("\n"), StackID), String(`"`)),
		"list":   join{[2]any{",", name.Ref()}},
	})
	want := []Value{
		String("{\n  \"joined\": \"say \\\""), ref{"Name"}, String(`\n`), StackID, String("\\\"\",\n  \"list\": \""),
		join{[2]any{",", name.Ref()}}, String("\",\n  \"plain\": \""), ref{"Name"}, String("\"\n}"),
	}
	if got := Concat(text.pieces()...).(join).Join[1]; !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%#v\nwant\n%#v", got, want)
	}
}

// TestJSONTextHoldsWhatYAMLCannot is about characters that JSON allows as they are and YAML does not.
func TestJSONTextHoldsWhatYAMLCannot(t *testing.T) {
	all := "\x7f\u0080\u0085\u009f\ufeff\ufffe\uffff\u2028\u2029\x00\x1f"
	got := literal(t, JSONText(all))
	for _, r := range got {
		if r < ' ' || r > '~' {
			t.Errorf("%q holds %U", got, r)
		}
	}
	var back string
	if err := json.Unmarshal([]byte(got), &back); err != nil || back != all {
		t.Errorf("%s is read as %q, %v", got, back, err)
	}
}

func TestJSONTextRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, v := range []any{struct{ inner }{}, func() {}, make(chan int)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("wrote a %T", v)
				}
			}()
			JSONText(v)
		}()
	}
}

func TestIndent(t *testing.T) {
	text := &Text{}
	text.Add(String("a\n\nb"), StackID, String("c\n"))
	text.Line(Region)
	text.Add(String("d"))
	want := []Value{String("> a\n\n> b"), StackID, String("c\n> "), Region, String("\n> d")}
	if got := Concat(text.Indent("> ").pieces()...).(join).Join[1]; !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%#v\nwant\n%#v", got, want)
	}
}

// No text of a user's reaches CloudFormation as a dynamic reference, and each comes out of the JSON as it went in.
func TestNoDynamicReferencesInText(t *testing.T) {
	for _, text := range []string{
		"{{resolve:ssm:/a}}", "a {{resolve:secretsmanager:b}} {{resolve:ssm:c", "{{{resolve:x}}}", "\"{{resolve:\\",
		"{{ resolve:", "{{RESOLVE:",
	} {
		written, ok := JSONText(map[string]string{text: text}).Value().(String)
		if !ok || strings.Contains(string(written), "{{resolve:") {
			t.Errorf("%q is written as %s", text, written)
		}
		var back map[string]string
		if err := json.Unmarshal([]byte(written), &back); err != nil || back[text] != text {
			t.Errorf("%q comes back as %v (%v)", text, back, err)
		}
	}
}
