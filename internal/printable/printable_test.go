package printable

import "testing"

func TestLine(t *testing.T) {
	for text, want := range map[string]string{
		"plain ünïcode 日本":        "plain ünïcode 日本",
		" a\tb\r\nc ":             " a b  c ",
		"two\u2028lines\u2029":    "two lines ",
		"\x1b[2Jgone\x7f":         "\ufffd[2Jgone\ufffd",
		"\u009b31mred, and \x00":  "\ufffd31mred, and \ufffd",
		"user\u202e nimda":        `user\u202e nimda`,
		"a\u200bb\ufeffc\u2066":   `a\u200bb\ufeffc\u2066`,
		"tag \U000e0041, \u3164.": `tag \U000e0041, \u3164.`,
	} {
		if got := Line(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestName(t *testing.T) {
	for name, want := range map[string]string{
		"apps/web app.yaml":          "apps/web app.yaml",
		"/ünïcode/日本.yaml":           "/ünïcode/日本.yaml",
		".space/c\n::error::x":       `".space/c\n::error::x"`,
		"::error::x.yaml":            `"::error::x.yaml"`,
		"##[error]x.yaml":            `"##[error]x.yaml"`,
		"\x1b[31mred":                `"\x1b[31mred"`,
		"a\u202eb":                   `"a\u202eb"`,
		"not utf-8 \xff":             `"not utf-8 \xff"`,
		`"quoted".yaml`:              `"\"quoted\".yaml"`,
		`C:\Users\laika\web it.yaml`: `C:\Users\laika\web it.yaml`,
	} {
		if got := Name(name); got != want {
			t.Errorf("%q: got %s, want %s", name, got, want)
		}
	}
}
