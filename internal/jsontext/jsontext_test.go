package jsontext

import (
	"encoding/json"
	"math"
	"strings"
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

func TestASCII(t *testing.T) {
	const text = "caf\u00e9 \u65e5\u672c \U0001F680 \u007f \ufffd \" \\u00fc"
	line, err := Line(map[string]string{text: text})
	if err != nil {
		t.Fatal(err)
	}
	got := ASCII(line)
	for _, want := range []string{`caf\u00e9 \u65e5\u672c \ud83d\ude80 `, ` \ufffd \" \\u00fc"`} {
		if !strings.Contains(string(got), want) {
			t.Errorf("got %s, without %s", got, want)
		}
	}
	for _, b := range got {
		if b > 0x7f {
			t.Errorf("got the byte %#x in %s", b, got)
		}
	}
	var back map[string]string
	if err := json.Unmarshal(got, &back); err != nil || back[text] != text {
		t.Errorf("got %q, %v, want %q", back, err, text)
	}
}
