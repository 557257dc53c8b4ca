package jsontext

import (
	"math"
	"testing"
)

func TestForms(t *testing.T) {
	v := map[string]any{"b": "<a & b>", "a": []int{1}}
	line, err := Line(v)
	if want := `{"a":[1],"b":"<a & b>"}` + "\n"; err != nil || string(line) != want {
		t.Errorf("got %q, %v, want %q", line, err, want)
	}
	indented, err := Indent(v)
	if want := "{\n  \"a\": [\n    1\n  ],\n  \"b\": \"<a & b>\"\n}\n"; err != nil || string(indented) != want {
		t.Errorf("got %q, %v, want %q", indented, err, want)
	}
}

func TestValuesWithoutJSON(t *testing.T) {
	if text, err := Line(math.NaN()); err == nil || text != nil {
		t.Errorf("got %q, %v", text, err)
	}
	if text, err := Indent(math.Inf(1)); err == nil || text != nil {
		t.Errorf("got %q, %v", text, err)
	}
}
