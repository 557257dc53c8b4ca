package main

import (
	"io"
	"unicode/utf8"

	safe "github.com/pebble/spacel/internal/printable"
)

// visible writes text with an escape such as \u202e in the place of each character invisible to a reader, or changing the order
// of its neighbours. Such a character can be in any answer of AWS, in a file's name or in a manifest. Each command escapes line breaks
// and control characters where it prints a text of others; this writer is for all output at once.
type visible struct {
	w    io.Writer
	raw  bool   // a secret, or another document that must not change
	rest []byte // the beginning of a character whose other bytes have not come yet
}

// Write writes the text. It returns the length of p, since an escape is longer than its character.
func (v *visible) Write(p []byte) (int, error) {
	if v.raw {
		return v.w.Write(p)
	}
	text, rest := whole(append(v.rest[:len(v.rest):len(v.rest)], p...))
	v.rest = rest
	if hasHidden(text) {
		text = escaped(text)
	}
	if _, err := v.w.Write(text); err != nil {
		return 0, err
	}
	return len(p), nil
}

// whole cuts a character off the end of a text whose last bytes are missing. A buffer is written in pieces of a fixed size.
func whole(text []byte) (complete, rest []byte) {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if tail := text[len(text)-n:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return text[:len(text)-n], append([]byte(nil), tail...)
			}
			break
		}
	}
	return text, nil
}

// hasHidden reports whether a text needs an escape.
func hasHidden(text []byte) bool {
	for i := 0; i < len(text); {
		if text[i] < utf8.RuneSelf {
			i++ // most text is ASCII
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		if safe.Hidden(r) {
			return true
		}
		i += size
	}
	return false
}

// escaped replaces the hidden characters. All others, invalid bytes among them, stay as they are.
func escaped(text []byte) []byte {
	var out []byte
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if safe.Hidden(r) {
			out = append(out, safe.Line(string(r))...)
		} else {
			out = append(out, text[:size]...)
		}
		text = text[size:]
	}
	return out
}
