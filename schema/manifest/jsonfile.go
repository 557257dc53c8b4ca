package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/pebble/spacel/schema/report"
)

// readJSON decodes with encoding/json, whose offsets give each value its exact place. CUE's JSON decoder accepts a
// key written twice, and does not tell the column of a key's quote.
func readJSON(s *inputFile) *Tree {
	if !s.validJSON() {
		return nil
	}
	j := &jsonReader{inputFile: s, dec: json.NewDecoder(bytes.NewReader(s.data)), line: 1}
	j.dec.UseNumber()
	t, ok := j.value("", 0)
	if !ok {
		return nil
	}
	return t
}

// validJSON reports the first syntax error.
func (s *inputFile) validJSON() bool {
	// The whole file is checked first. The walk over its tokens then needs no error handling.
	var raw json.RawMessage
	err := json.Unmarshal(s.data, &raw)
	if err == nil {
		return true
	}
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		s.errorf(s.filePlace(), "", "invalid JSON: %v", err)
		return false
	}
	// The offset counts the bytes read, the invalid one included. At the end of the file there is none.
	data, at := bytes.TrimRight(s.data, " \t\r\n"), int(syntax.Offset)-1
	if strings.HasPrefix(syntax.Error(), "unexpected end") {
		at = len(data)
	}
	s.errorf(s.placeOf(at), "", "invalid JSON: %s%s", syntax.Error(), jsonHint(data, at))
	return false
}

// jsonHint returns a fix for common syntax errors. It looks at the byte of the error and the text before it.
func jsonHint(data []byte, at int) string {
	if at >= len(data) {
		return "; a closing bracket or quote is missing"
	}
	before := bytes.TrimRight(data[:at], " \t\r\n")
	switch c := data[at]; {
	case (c == '}' || c == ']') && bytes.HasSuffix(before, []byte(",")):
		return "; remove the comma before it"
	case c == '/' || c == '#':
		return "; JSON has no comments, YAML and CUE have"
	case c == '\'':
		return "; strings take double quotes"
	case c == '"' && len(before) > 0 && bytes.ContainsRune([]byte(`"}]0123456789el`), rune(before[len(before)-1])):
		return "; a comma is missing before it"
	}
	return ""
}

// jsonReader walks the tokens of one file.
type jsonReader struct {
	*inputFile
	dec                *json.Decoder
	line, start, known int // the line that offset known is on, and where it starts
}

// next returns the next token, its place, and its text in the file.
func (j *jsonReader) next() (json.Token, Place, []byte) {
	from := int(j.dec.InputOffset())
	for from < len(j.data) && bytes.IndexByte([]byte(" \t\r\n,:"), j.data[from]) >= 0 {
		from++
	}
	token, _ := j.dec.Token() // the syntax has been checked
	return token, j.placeAt(from), j.data[from:j.dec.InputOffset()]
}

// placeAt is placeOf for offsets that only grow. It continues counting lines where the last call stopped.
func (j *jsonReader) placeAt(offset int) Place {
	for ; j.known < offset; j.known++ {
		if j.data[j.known] == '\n' {
			j.line, j.start = j.line+1, j.known+1
		}
	}
	return Place{File: j.name, Line: j.line, Col: offset - j.start + 1}
}

// value converts the next value. It reports false when the rest of the file is to be skipped.
func (j *jsonReader) value(path string, depth int) (*Tree, bool) {
	token, at, raw := j.next()
	t := &Tree{At: at}
	if !j.countNode(at, path, depth) {
		return nil, false
	}
	switch v := token.(type) {
	case nil:
		t.Kind = Null
	case bool:
		t.Kind, t.Text = Boolean, string(raw)
	case json.Number:
		t.Kind, t.Text = Number, v.String()
		j.checkNumber(t.Text, at, path)
	case string:
		t.Kind, t.Text = Text, v
		j.paired(v, raw, at, path)
	case json.Delim:
		if v == '[' {
			return t, j.list(t, path, depth)
		}
		return t, j.object(t, path, depth)
	}
	return t, true
}

// list converts the items of a list. The last token read is the closing bracket.
func (j *jsonReader) list(t *Tree, path string, depth int) bool {
	t.Kind = List
	for j.dec.More() {
		item, ok := j.value(report.Index(path, len(t.Items)), depth+1)
		if !ok || !j.checkEntries(item.At, path, len(t.Items)) {
			return false
		}
		t.Items = append(t.Items, item)
	}
	j.next()
	return true
}

// object converts the fields of an object.
func (j *jsonReader) object(t *Tree, path string, depth int) bool {
	t.Kind = Object
	// encoding/json would let the last of two equal keys win without a word.
	keys := keySet{}
	for n := 0; j.dec.More(); n++ {
		token, at, raw := j.next()
		key := token.(string)
		inner := report.Member(path, key)
		j.paired(key, raw, at, inner)
		if !j.checkEntries(at, path, n) {
			return false
		}
		value, ok := j.value(inner, depth+1)
		if !ok {
			return false
		}
		// The value was read in any case: the decoder cannot skip it, and its own mistakes are worth a report.
		if keys.add(j.inputFile, key, at, inner) {
			t.Fields = append(t.Fields, Field{key, at, value})
		}
	}
	j.next()
	return true
}

// paired refuses half of a surrogate pair. The decoder would silently replace it by U+FFFD.
func (j *jsonReader) paired(decoded string, raw []byte, at Place, path string) {
	const replacement = string(utf8.RuneError)
	meant := bytes.Count(raw, []byte(replacement)) + bytes.Count(bytes.ToLower(raw), []byte(`\ufffd`))
	if strings.Count(decoded, replacement) > meant {
		j.refuse(at, path, `half of a surrogate pair (\ud800 to \udfff); write the character itself`)
	}
}

// keySet finds keys written twice in one object.
type keySet map[string]Place

// add reports whether a key is new. It adds a mistake at the second place of a key.
func (k keySet) add(s *inputFile, key string, at Place, path string) bool {
	first, twice := k[key]
	if !twice {
		k[key] = at
		return true
	}
	s.errorf(at, path, "duplicate key; the first is at %s", first.Pos(""))
	return false
}
