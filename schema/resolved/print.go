package resolved

import (
	"bytes"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/format"
	"cuelang.org/go/cue/token"
	"go.yaml.in/yaml/v3"

	"github.com/pebble/spacel/internal/hexdigest"
	"github.com/pebble/spacel/internal/jsontext"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// Printer prints a resolved value. With Origin it adds the place of each scalar: file:line:column in a manifest, or "default". The
// fields of objects are in the tree's order, which is by key.
type Printer struct {
	Origin bool
}

// hidden returns a string in place of a secret scalar: the SHA-256 of its text, by which two secrets can be compared.
func hidden(t *manifest.Tree) *manifest.Tree {
	return &manifest.Tree{Kind: manifest.Text, At: t.At, Text: "sha256:" + hexdigest.SHA256([]byte(t.Text))}
}

// origin returns the text for a place. A value without a file was written by nobody, so it is a default.
func origin(at manifest.Place) string {
	if at.File == "" {
		return "default"
	}
	return at.Pos("").String()
}

// isLeaf reports whether a value has a place of its own: a scalar, an empty list or an empty object.
func isLeaf(t *manifest.Tree) bool { return len(t.Fields)+len(t.Items) == 0 }

// JSON returns the value as JSON. The places are in an object beside the value, origin, by path.
func (p Printer) JSON(t *manifest.Tree) ([]byte, error) {
	// Data makes new maps, so adding the places leaves the value itself unchanged.
	data := t.Data().(map[string]any)
	if p.Origin {
		places := map[string]string{}
		collect(places, t, manifest.Place{}, "")
		data["origin"] = places
	}
	return jsontext.Indent(data)
}

// collect adds the places of all leaves of a value, by path.
func collect(into map[string]string, t *manifest.Tree, at manifest.Place, path string) {
	if isLeaf(t) {
		into[path] = origin(at)
	}
	for _, f := range t.Fields {
		collect(into, f.Value, f.At, report.Member(path, f.Key))
	}
	for i, item := range t.Items {
		collect(into, item, item.At, report.Index(path, i))
	}
}

// YAML returns the value as YAML. The places are comments at the ends of lines.
func (p Printer) YAML(t *manifest.Tree) ([]byte, error) {
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(p.yaml(t, manifest.Place{})); err != nil {
		return nil, err
	}
	return out.Bytes(), enc.Close()
}

// yaml converts a value into a node of the YAML library. Lists are on one line without origins, so that short ones read well.
func (p Printer) yaml(t *manifest.Tree, at manifest.Place) *yaml.Node {
	n := &yaml.Node{}
	switch t.Kind {
	case manifest.Object:
		n.Kind = yaml.MappingNode
		for _, f := range t.Fields {
			key := &yaml.Node{}
			key.SetString(f.Key)
			n.Content = append(n.Content, key, p.yaml(f.Value, f.At))
		}
	case manifest.List:
		n.Kind = yaml.SequenceNode
		for _, item := range t.Items {
			n.Content = append(n.Content, p.yaml(item, item.At))
		}
	case manifest.Text:
		n.SetString(t.Text)
	case manifest.Number:
		// The number is written as it is in the manifest. The tag only keeps the library from putting it in quotes.
		n.Kind, n.Value, n.Tag = yaml.ScalarNode, t.Text, "!!float"
		if isWhole(t.Text) {
			n.Tag = "!!int"
		}
	case manifest.Boolean:
		n.Kind, n.Value, n.Tag = yaml.ScalarNode, t.Text, "!!bool"
	case manifest.Null:
		n.Kind, n.Value, n.Tag = yaml.ScalarNode, "null", "!!null"
	}
	if len(t.Fields)+len(t.Items) == 0 && t.Kind >= manifest.List {
		// An empty list or object has no line for items, so it is written as [] or {}.
		n.Style = yaml.FlowStyle
	}
	if p.Origin && isLeaf(t) {
		n.LineComment = origin(at)
	}
	return n
}

// isWhole reports whether a number has neither a point nor an exponent. YAML's tags tell the two kinds apart, JSON's do not.
func isWhole(number string) bool { return !bytes.ContainsAny([]byte(number), ".eE") }

// CUE returns the value as CUE. The places are comments at the ends of lines.
func (p Printer) CUE(t *manifest.Tree) ([]byte, error) {
	return format.Node(&ast.File{Decls: p.declarations(t)})
}

// declarations returns the fields of an object as CUE source, one on each line.
func (p Printer) declarations(t *manifest.Tree) []ast.Decl {
	var out []ast.Decl
	for _, f := range t.Fields {
		field := &ast.Field{Label: ast.NewStringLabel(f.Key), Value: p.expression(f.Value)}
		ast.SetRelPos(field.Label, token.Newline)
		if p.Origin && isLeaf(f.Value) {
			comment(field, f.At)
		}
		out = append(out, field)
	}
	return out
}

// expression returns a value as CUE source.
func (p Printer) expression(t *manifest.Tree) ast.Expr {
	switch t.Kind {
	case manifest.Object:
		return &ast.StructLit{Lbrace: token.Blank.Pos(), Elts: p.declarations(t), Rbrace: token.Newline.Pos()}
	case manifest.List:
		list := &ast.ListLit{}
		for _, item := range t.Items {
			value := p.expression(item)
			if p.Origin {
				ast.SetRelPos(value, token.Newline)
				if isLeaf(item) {
					comment(value, item.At)
				}
			}
			list.Elts = append(list.Elts, value)
		}
		if p.Origin && len(t.Items) > 0 {
			list.Rbrack = token.Newline.Pos()
		}
		return list
	}
	return t.Syntax()
}

// comment adds a place as a comment at the end of a node's line.
func comment(n ast.Node, at manifest.Place) {
	ast.AddComment(n, &ast.CommentGroup{Line: true, Position: 4, List: []*ast.Comment{{Text: "// " + origin(at)}}})
}
