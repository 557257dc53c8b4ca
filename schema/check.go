package schema

import (
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/token"
)

// check holds a normalised manifest against its definition. CUE says whether it fits, in one pass; only when it doesn't
// are the mistakes looked for one by one, and what is of no use is taken out of the tree, so that the rest can be checked
// further. It says no when CUE refuses what no mistake was found in, and had to be given the word.
func (l *language) check(t *tree, s *shape, r *Report, regions []string) bool {
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

// fallback reports what CUE said, at the nearest place of the manifest. It is for what explain doesn't know.
func fallback(err error, t *tree, r *Report) {
	for _, e := range errors.Errors(err) {
		at, path := t.at, ""
		for _, key := range e.Path() {
			inner := t.field(key)
			if inner == nil {
				break
			}
			t, at, path = inner.value, inner.at, member(path, key)
		}
		format, args := e.Msg()
		r.Errorf(at.pos(path), format, args...)
	}
}

// syntax is the value as CUE source.
func (t *tree) syntax() ast.Expr {
	switch t.kind {
	case boolean:
		return ast.NewBool(t.text == "true")
	case number:
		return numberSyntax(t.text)
	case text:
		return ast.NewString(t.text)
	case list:
		items := make([]ast.Expr, len(t.items))
		for i, item := range t.items {
			items[i] = item.syntax()
		}
		return ast.NewList(items...)
	case object:
		fields := make([]ast.Decl, len(t.fields))
		for i, f := range t.fields {
			fields[i] = &ast.Field{Label: ast.NewString(f.key), Value: f.value.syntax()}
		}
		return &ast.StructLit{Elts: fields}
	}
	return ast.NewNull()
}

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
