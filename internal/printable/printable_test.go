package printable

import "testing"

func TestLine(t *testing.T) {
	for text, want := range map[string]string{
		"plain ünïcode 日本":       "plain ünïcode 日本",
		" a\tb\r\nc ":            " a b  c ",
		"two\u2028lines\u2029":   "two lines ",
		"\x1b[2Jgone\x7f":        "\ufffd[2Jgone\ufffd",
		"\u009b31mred, and \x00": "\ufffd31mred, and \ufffd",
	} {
		if got := Line(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
