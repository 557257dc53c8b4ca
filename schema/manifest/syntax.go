package manifest

import (
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"
)

// Syntax returns the tree as CUE source, without places.
func (t *Tree) Syntax() ast.Expr {
	switch t.Kind {
	case Boolean:
		return ast.NewBool(t.Text == "true")
	case Number:
		return numberSyntax(t.Text)
	case Text:
		return ast.NewString(t.Text)
	case List:
		items := make([]ast.Expr, len(t.Items))
		for i, item := range t.Items {
			items[i] = item.Syntax()
		}
		return ast.NewList(items...)
	case Object:
		fields := make([]ast.Decl, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = &ast.Field{Label: ast.NewString(f.Key), Value: f.Value.Syntax()}
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
	// CUE tells whole numbers from others by their notation: 1.0 is no int.
	kind := token.INT
	for _, c := range written {
		if c == '.' || c == 'e' || c == 'E' {
			kind = token.FLOAT
		}
	}
	return &ast.BasicLit{Kind: kind, Value: written}
}
