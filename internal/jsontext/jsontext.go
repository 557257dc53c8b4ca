// Package jsontext is the one encoder of JSON that users, CloudFormation and other programs read. Every text has sorted map
// keys, ends with a newline, and spells <, > and & as themselves: encoding/json writes them as \u003c by default, which
// would make templates and messages unreadable.
//
// Control characters above U+007E and characters that a reader cannot see are \u escapes, which mean the same: they could make
// one text on a terminal or in a review look like another one.
//
// An encoder's settings apply to the outermost call only, so a value that implements json.Marshaler must not encode its
// parts with json.Marshal when they can hold one of these characters.
package jsontext

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/pebble/spacel/internal/printable"
)

// Indent returns v as JSON over several lines, indented by two spaces.
func Indent(v any) ([]byte, error) {
	var out bytes.Buffer
	if err := WriteIndent(&out, v); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Line returns v as JSON on one line.
func Line(v any) ([]byte, error) {
	var out bytes.Buffer
	if err := WriteLine(&out, v); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// WriteIndent writes the text of Indent to w.
func WriteIndent(w io.Writer, v any) error { return write(w, v, "  ") }

// WriteLine writes the text of Line to w: one object of a stream, for programs that read line by line.
func WriteLine(w io.Writer, v any) error { return write(w, v, "") }

// write writes v as JSON without HTML escapes: <, > and & stay readable in templates and messages.
func write(w io.Writer, v any, indent string) error {
	text := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(text)
	text.Reset()
	enc := json.NewEncoder(text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	out := text.Bytes()
	if indent != "" {
		laidOut := buffers.Get().(*bytes.Buffer)
		defer buffers.Put(laidOut)
		laidOut.Reset()
		laidOut.Grow(len(out) + len(out)/2) // growing step by step would copy, and leave the copies to the garbage collector
		layOut(laidOut, out, indent)
		out = laidOut.Bytes()
	}
	_, err := w.Write(escaped(out, func(r rune) bool {
		return r >= utf8.RuneSelf && (printable.Hidden(r) || printable.Control(r))
	}))
	return err
}

// buffers are used again: a build encodes thousands of templates of about the same size.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// ASCII returns a JSON text with every character outside of ASCII written as \u escapes, which mean the same. Characters above
// U+FFFF become a surrogate pair (RFC 8259, section 7). Such characters stand only inside strings, so no place in the text needs
// another treatment. The line numbers stay the same.
func ASCII(text []byte) []byte {
	return escaped(text, func(r rune) bool { return r >= utf8.RuneSelf })
}

// escaped returns a JSON text with some of the characters outside of ASCII written as \u escapes.
func escaped(text []byte, hide func(rune) bool) []byte {
	if isASCII(text) {
		return text
	}
	out := make([]byte, 0, len(text)+len(text)/2)
	for _, r := range string(text) {
		switch {
		case !hide(r):
			out = utf8.AppendRune(out, r)
		case r > maxSingle:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

// maxSingle is the largest character that one \u escape can write.
const maxSingle = 0xffff

// isASCII reports whether all bytes are below 0x80.
func isASCII(text []byte) bool {
	const high = 0x8080808080808080 // the top bits of eight bytes
	for ; len(text) >= 8; text = text[8:] {
		if binary.NativeEndian.Uint64(text)&high != 0 {
			return false
		}
	}
	return !slices.ContainsFunc(text, func(b byte) bool { return b >= utf8.RuneSelf })
}
