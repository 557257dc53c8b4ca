package language

import (
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/token"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// check checks a normalised manifest against its definition. First CUE checks the whole manifest in one pass. If
// CUE refuses it, explain walks the manifest, reports each mistake, and removes the invalid values from the tree
// so that later steps can go on with the rest.
//
// It returns false when CUE refuses the manifest but explain found no mistake. CUE's own message is reported then.
// Tests make sure that no known manifest gets there.
func (l *definitions) check(t *manifest.Tree, s *typeInfo, r *report.Report, regions []string) bool {
	err := l.fits(t, s)
	if err == nil {
		return true
	}
	e := &explainer{report: r, regions: regions}
	e.object(t, s, "", false)
	if e.mistakes == 0 {
		fallback(err, t, r)
		return false
	}
	return true
}

// fallback reports CUE's own message at the nearest place in the manifest, for mistakes that explain cannot name.
func fallback(err error, t *manifest.Tree, r *report.Report) {
	for _, e := range errors.Errors(err) {
		at, path := t.At, ""
		for _, key := range e.Path() {
			inner := t.Field(key)
			if inner == nil {
				break
			}
			t, at, path = inner.Value, inner.At, report.Member(path, key)
		}
		format, args := e.Msg()
		r.Errorf(at.Pos(path), format, args...)
	}
}

// syntax returns the tree as CUE source.
func syntax(t *manifest.Tree) ast.Expr {
	switch t.Kind {
	case manifest.Boolean:
		return ast.NewBool(t.Text == "true")
	case manifest.Number:
		return numberSyntax(t.Text)
	case manifest.Text:
		return ast.NewString(t.Text)
	case manifest.List:
		items := make([]ast.Expr, len(t.Items))
		for i, item := range t.Items {
			items[i] = syntax(item)
		}
		return ast.NewList(items...)
	case manifest.Object:
		fields := make([]ast.Decl, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = &ast.Field{Label: ast.NewString(f.Key), Value: syntax(f.Value)}
		}
		return &ast.StructLit{Elts: fields}
	}
	return ast.NewNull()
}

// numberSyntax returns a number as CUE source. CUE writes a negative number as an operator and an operand.
func numberSyntax(written string) ast.Expr {
	if written[0] == '-' {
		return &ast.UnaryExpr{Op: token.SUB, X: numberSyntax(written[1:])}
	}
	kind := token.INT
	for _, c := range written {
		if c == '.' || c == 'e' || c == 'E' {
			kind = token.FLOAT
		}
	}
	return &ast.BasicLit{Kind: kind, Value: written}
}
