// Package jsontext is the one encoder of JSON that users, CloudFormation and other programs read. Every text has sorted map
// keys, ends with a newline, and spells <, > and & as themselves: encoding/json writes them as \u003c by default, which
// would make templates and messages unreadable.
//
// An encoder's settings apply to the outermost call only, so a value that implements json.Marshaler must not encode its
// parts with json.Marshal when they can hold one of these characters.
package jsontext

import (
	"bytes"
	"encoding/json"
	"io"
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
func WriteIndent(w io.Writer, v any) error {
	enc := encoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// WriteLine writes the text of Line to w: one object of a stream, for programs that read line by line.
func WriteLine(w io.Writer, v any) error { return encoder(w).Encode(v) }

func encoder(w io.Writer) *json.Encoder {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc
}
