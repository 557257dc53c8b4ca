package jsontext

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// The layout is that of json.Indent.
func FuzzLayout(f *testing.F) {
	for _, text := range []string{
		`null`, `""`, `[]`, `{}`, `[{}]`, `[[],{}]`, `{"a":[]}`, `{"":{"b":[1,-2.5e3,true,null,"x"]}}`, `"\\"`, `"\""`, `"\\\\\""`,
		`["\\","\\\""]`, `{"\"{":"}[],:","\\":"\u0022"}`, `"caf\u00e9 🚀 < & >"`,
	} {
		f.Add([]byte(text))
	}
	paths, err := filepath.Glob("../../testdata/golden/*/want/*/*.template.json")
	if err != nil || len(paths) < 50 {
		f.Fatal(len(paths), err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var compact, want, got bytes.Buffer
		if json.Compact(&compact, text) != nil {
			t.Skip("not JSON")
		}
		if err := json.Indent(&want, compact.Bytes(), "", "  "); err != nil {
			t.Fatal(err)
		}
		layOut(&got, compact.Bytes(), "  ")
		if !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Errorf("got\n%s\nwant\n%s", got.Bytes(), want.Bytes())
		}
	})
}

func TestIsASCII(t *testing.T) {
	for length := range 20 {
		text := bytes.Repeat([]byte{'a'}, length)
		if !isASCII(text) {
			t.Errorf("%d bytes: not ASCII", length)
		}
		for i := range text {
			text[i] = 0x80
			if isASCII(text) {
				t.Errorf("%d bytes with 0x80 at %d: ASCII", length, i)
			}
			text[i] = 'a'
		}
	}
}

// A buffer is used again only after its text was copied.
func TestTextsAreCopies(t *testing.T) {
	first, err := Indent(map[string]string{"a": "first"})
	if err != nil {
		t.Fatal(err)
	}
	kept := bytes.Clone(first)
	for range 100 {
		if _, err := Indent(map[string]string{"b": "another text, longer than the first"}); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first, kept) {
		t.Errorf("the text changed to %s", first)
	}
}
