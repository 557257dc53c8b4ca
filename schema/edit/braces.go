package edit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/parser"
)

// form hides the differences between JSON and CUE. JSON is a subset of CUE, so both are parsed as CUE.
type form interface {
	field(path []string) string                                       // up to the value
	separator() string                                                // between fields on lines of their own
	outside(body []byte, path []string, value []byte) ([]byte, error) // where the path ends in no braces
}

// setBraces sets a value in JSON or CUE text. It parses the text only to find the place; the edit itself is a
// splice of bytes, which keeps comments and layout.
func setBraces(body []byte, path []string, value []byte, f form) ([]byte, error) {
	file, err := parser.ParseFile("", body, parser.ParseComments)
	if err != nil {
		return nil, errors.New("it can't be read: spacel vet says why")
	}
	found := descend(topOf(file), path)
	switch {
	case len(found.rest) == 0:
		return replace(body, found.field, value), nil
	// In CUE the path can be written again as a new declaration. JSON has no such way.
	case found.blocked && f == form(jsonForm{}):
		return nil, fmt.Errorf("what stands at %s is no object", found.rest[0])
	case !braced(found.object):
		return f.outside(body, path, value)
	default:
		return insert(body, found.object, found.rest, value, f), nil
	}
}

// topOf returns the file's top object. In JSON it has braces; in CUE the braces may be missing.
func topOf(file *ast.File) *ast.StructLit {
	if len(file.Decls) == 1 {
		if embedded, ok := file.Decls[0].(*ast.EmbedDecl); ok {
			if object, ok := embedded.Expr.(*ast.StructLit); ok {
				return object
			}
		}
	}
	return &ast.StructLit{Elts: file.Decls}
}

// spot tells how far a path leads: to an existing field, or to the object that lacks the rest of the path.
type spot struct {
	field   *ast.Field
	object  *ast.StructLit
	rest    []string
	blocked bool // the first of the rest is there, and no object
}

// descend follows the path through nested objects as far as it leads.
func descend(object *ast.StructLit, path []string) spot {
	best := spot{object: object, rest: path}
	for _, element := range object.Elts {
		field, ok := element.(*ast.Field)
		if !ok || labelOf(field) != path[0] {
			continue
		}
		if len(path) == 1 {
			return spot{field: field}
		}
		inner, ok := field.Value.(*ast.StructLit)
		if !ok {
			best.blocked = true
			continue
		}
		at := descend(inner, path[1:])
		// CUE may write an object in several places: the one that leads farthest, and has braces, is it.
		if len(at.rest) < len(best.rest) && (at.field != nil || braced(at.object) || !braced(best.object)) {
			best = at
		}
		if best.field != nil {
			return best
		}
	}
	return best
}

// braced reports whether an object is written with braces. Only then can a field be inserted before the closing
// one.
func braced(object *ast.StructLit) bool { return object.Lbrace.IsValid() }

// labelOf returns a field's name without quotes.
func labelOf(field *ast.Field) string {
	name, _, err := ast.LabelName(field.Label)
	if err != nil {
		return ""
	}
	return name
}

// replace replaces a field's value. If other fields share the line, the new value stays on the line, too.
func replace(body []byte, field *ast.Field, value []byte) []byte {
	from, to := field.Value.Pos().Offset(), field.Value.End().Offset()
	if at := field.Pos().Offset(); bytes.ContainsAny(body[bytes.LastIndexByte(body[:at], '\n')+1:at], "{,") {
		return splice(body, from, to, string(value))
	}
	return splice(body, from, to, spread(value, lineIndent(body, field.Pos().Offset()), indentStep(body)))
}

// insert adds a field at the end of an object.
func insert(body []byte, object *ast.StructLit, rest []string, value []byte, f form) []byte {
	closing := object.Rbrace.Offset()
	opening := object.Lbrace.Offset()
	step := indentStep(body)
	// An object on one line stays on one line.
	if !bytes.Contains(body[opening:closing], []byte("\n")) && len(object.Elts) > 0 {
		end := contentEnd(body, opening, closing)
		return splice(body, end, end, ", "+f.field(rest)+inline(rest, value, f))
	}
	indent := lineIndent(body, opening) + step
	if len(object.Elts) > 0 {
		indent = lineIndent(body, object.Elts[len(object.Elts)-1].Pos().Offset())
	}
	text := indent + f.field(rest) + nested(rest, value, indent, step, f)
	if len(object.Elts) == 0 {
		return splice(body, opening+1, closing, "\n"+text+"\n"+strings.TrimSuffix(indent, step))
	}
	last := object.Elts[len(object.Elts)-1].End().Offset()
	comma := f.separator()
	if rest := bytes.TrimLeft(body[last:closing], " \t"); bytes.HasPrefix(rest, []byte(",")) {
		comma = "" // CUE takes one after the last field too
	}
	// The new field goes below a comment at the end of the last field's line. The comma goes before that comment.
	line := last + lineRest(body[last:closing])
	return splice(splice(body, line, line, "\n"+text), last, last, comma)
}

// lineRest returns the length of the text after a field on its line: a comma, a comment.
func lineRest(text []byte) int {
	if n := bytes.IndexByte(text, '\n'); n >= 0 {
		return len(bytes.TrimRight(text[:n], "\r"))
	}
	return len(text)
}

// contentEnd returns the offset after the last character inside an object, white space left out.
func contentEnd(body []byte, opening, closing int) int {
	return opening + len(bytes.TrimRight(body[opening:closing], " \t,"))
}

// splice replaces the bytes from one offset to another by text.
func splice(body []byte, from, to int, text string) []byte {
	out := append([]byte{}, body[:from]...)
	out = append(out, text...)
	return append(out, body[to:]...)
}

// nested returns the missing objects of a path with the value in the innermost, over several lines.
func nested(rest []string, value []byte, indent, step string, f form) string {
	if len(rest) == 1 {
		return spread(value, indent, step)
	}
	inner := indent + step
	return "{\n" + inner + f.field(rest[1:]) + nested(rest[1:], value, inner, step, f) + "\n" + indent + "}"
}

// inline returns the missing objects of a path with the value in the innermost, on one line.
func inline(rest []string, value []byte, f form) string {
	if len(rest) == 1 {
		return string(value)
	}
	return "{" + f.field(rest[1:]) + inline(rest[1:], value, f) + "}"
}

// spread formats a value over several lines. The first one has no indent, because it continues a line.
func spread(value []byte, indent, step string) string {
	var out bytes.Buffer
	if err := json.Indent(&out, value, indent, step); err != nil {
		return string(value)
	}
	return out.String()
}

// lineIndent returns the white space at the start of the line that holds an offset.
func lineIndent(body []byte, offset int) string {
	line := body[bytes.LastIndexByte(body[:offset], '\n')+1:]
	return string(line[:len(line)-len(bytes.TrimLeft(line, " \t"))])
}

// indentStep returns the file's unit of indentation: that of its first indented line.
func indentStep(body []byte) string {
	for line := range bytes.Lines(body) {
		text := bytes.TrimLeft(line, " \t")
		if n := len(line) - len(text); n > 0 && len(bytes.TrimSpace(text)) > 0 {
			return string(line[:n])
		}
	}
	return "  "
}

// jsonForm writes JSON: names in quotes, and a comma between fields.
type jsonForm struct{}

// In JSON each field is a quoted key, and a comma separates it from the next.
func (jsonForm) field(path []string) string { return quoted(path[0]) + ": " }
func (jsonForm) separator() string          { return "," }
func (jsonForm) outside([]byte, []string, []byte) ([]byte, error) {
	return nil, errors.New("the file holds no object")
}

// cueForm writes CUE: names without quotes where possible, and no commas at the ends of lines.
type cueForm struct{}

// In CUE an identifier needs no quotes as a key, and the end of a line separates fields.
func (cueForm) field(path []string) string { return label(path[0]) + ": " }
func (cueForm) separator() string          { return "" }

// outside adds a field at the end of a CUE file. CUE merges declarations of the same object, so this works where
// no object has braces.
func (cueForm) outside(body []byte, path []string, value []byte) ([]byte, error) {
	var line strings.Builder
	for _, name := range path {
		line.WriteString(label(name) + ": ")
	}
	edited := append(bytes.Clone(bytes.TrimRight(body, "\n")), "\n\n"...)
	return append(edited, line.String()+spread(value, "", "\t")+"\n"...), nil
}

// label returns a field's name for CUE, quoted if it is no identifier.
func label(name string) string {
	if ast.IsValidIdent(name) && !strings.HasPrefix(name, "_") && !strings.HasPrefix(name, "#") {
		return name
	}
	return quoted(name)
}

// quoted returns a name in JSON's quotes.
func quoted(name string) string {
	text, err := encode(name)
	if err != nil {
		return `""` // a string always encodes
	}
	return string(text)
}

// holds checks an edited CUE file: the path must now lead to the value's text. The file cannot be evaluated here,
// since it may import packages.
func holds(edited []byte, path []string, value []byte) error {
	file, err := parser.ParseFile("", edited)
	if err != nil {
		return errDiffers
	}
	found := descend(topOf(file), path)
	if found.field == nil {
		return errDiffers
	}
	from, to := found.field.Value.Pos().Offset(), found.field.Value.End().Offset()
	var got, want any
	if json.Unmarshal(edited[from:to], &got) != nil || json.Unmarshal(value, &want) != nil || !reflect.DeepEqual(got, want) {
		return errDiffers
	}
	return nil
}
