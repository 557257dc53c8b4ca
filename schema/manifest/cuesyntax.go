package manifest

import (
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	cueerrors "cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/token"
)

// syntaxIndex tells the kind of expression at a position of the user's files. CUE's errors list all positions that took
// part in a conflict: the value, the rule, and each reference on the way to them. Only the first two are of use.
type syntaxIndex struct {
	files []*ast.File
	kinds map[Place]syntaxKind // nil until the first error
}

// syntaxKind is the role of an expression in an error.
type syntaxKind int

const (
	isReference syntaxKind = iota + 1
	isData                 // a literal, or the name of a field
	isRule                 // a type, a bound, an alternative, a call
	isError                // a call of error()
)

// kind returns the kind of the expression at a position, 0 if no expression starts there.
func (x *syntaxIndex) kind(pos token.Pos) syntaxKind {
	if x.kinds == nil {
		x.kinds = map[Place]syntaxKind{}
		for _, f := range x.files {
			ast.Walk(f, x.visit, nil)
		}
	}
	return x.kinds[placeIn(pos)]
}

// placeIn returns a position as a place.
func placeIn(pos token.Pos) Place {
	return Place{File: pos.Filename(), Line: pos.Line(), Col: pos.Column()}
}

// visit records a node. Of several nodes with the same start the innermost counts: a.b begins where a does.
func (x *syntaxIndex) visit(n ast.Node) bool {
	at := placeIn(n.Pos())
	switch n := n.(type) {
	case *ast.Field:
		x.kinds[at] = isData
		ast.Walk(n.Value, x.visit, nil)
		return false
	case *ast.CallExpr:
		x.kinds[at] = isRule
		if name, ok := n.Fun.(*ast.Ident); ok && name.Name == "error" {
			x.kinds[at] = isError
		}
		return false // an argument is neither the value nor the rule
	case *ast.BinaryExpr:
		x.kinds[at] = isRule
		if n.Op == token.OR {
			return x.alternatives(n)
		}
	case *ast.UnaryExpr:
		x.kinds[at] = isRule
	case *ast.BasicLit, *ast.Interpolation, *ast.StructLit, *ast.ListLit:
		x.kinds[at] = isData
	case *ast.SelectorExpr, *ast.IndexExpr:
		x.kinds[at] = isReference
	case *ast.Ident:
		x.kinds[at] = isReference
		if typeNames[n.Name] != "" {
			x.kinds[at] = isRule
		}
	}
	return true
}

// alternatives records the operands of a disjunction. A literal there is a rule for a value from another place.
func (x *syntaxIndex) alternatives(or *ast.BinaryExpr) bool {
	for _, operand := range []ast.Expr{or.X, or.Y} {
		ast.Walk(operand, x.visit, nil)
		if at := placeIn(operand.Pos()); x.kinds[at] == isData {
			x.kinds[at] = isRule
		}
	}
	return false
}

// isUsersError reports whether an error was made by error() in the user's files.
func (x *syntaxIndex) isUsersError(e cueerrors.Error) bool {
	return written(e.Position()) && x.kind(e.Position()) == isError
}

// positions returns the positions of an error in the user's files, the manifest's own first.
func (x *syntaxIndex) positions(e cueerrors.Error, s *inputFile) []token.Pos {
	var own, others []token.Pos
	for _, pos := range cueerrors.Positions(e) {
		switch {
		case !written(pos):
		case !s.owns(pos.Filename()):
			others = append(others, pos)
		default:
			own = append(own, pos)
		}
	}
	return append(own, others...)
}

// places returns the places of the wrong value and of the broken rule in an error. A line of 0 means that CUE's error gives no
// such place. Without a value the rule's place stands in, and without both any position of the error.
func (x *syntaxIndex) places(e cueerrors.Error, s *inputFile) (at, rule Place) {
	at, rule = s.filePlace(), Place{}
	var rest token.Pos
	for _, pos := range x.positions(e, s) {
		switch kind := x.kind(pos); {
		case kind == isData && at.Line == 0:
			at = s.placeAt(pos)
		case (kind == isRule || kind == isError) && rule.Line == 0:
			rule = s.placeAt(pos)
		case !rest.IsValid():
			rest = pos
		}
	}
	switch {
	case at.Line > 0:
	case rule.Line > 0:
		at, rule = rule, Place{}
	case rest.IsValid():
		at = s.placeAt(rest)
	}
	return at, rule
}

// data returns the places of literals among an error's positions.
func (x *syntaxIndex) data(e cueerrors.Error, s *inputFile) (places []Place) {
	for _, pos := range x.positions(e, s) {
		if x.kind(pos) == isData {
			places = append(places, s.placeAt(pos))
		}
	}
	return places
}

// bothData reports whether a conflict is between two values and not between a value and a rule. CUE has one message for both.
func (x *syntaxIndex) bothData(e cueerrors.Error, s *inputFile) bool {
	_, args := e.Msg()
	return len(args) >= 2 && !slices.ContainsFunc(args[:2], func(a any) bool {
		text, ok := a.(interface{ String() string })
		return ok && isType(strings.TrimSpace(text.String()))
	}) && len(x.data(e, s)) != 1
}

// isRuleFirst reports whether CUE lists the rule before the value in a conflict.
func (x *syntaxIndex) isRuleFirst(e cueerrors.Error) bool {
	positions := cueerrors.Positions(e)
	return len(positions) > 0 && x.kind(positions[0]) == isRule
}
