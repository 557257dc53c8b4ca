package manifest

import (
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"
)

// unifiesOnly reports whether files do no more with definitions than unify data with them, as schema.#App & {…} does. Open
// definitions give the same data then, in half of the time. Three facts make this safe. Nothing chooses by the refusals of a
// definition. All fields come from the data, none from a definition. The check against the real definitions follows, and
// refuses the same data.
func unifiesOnly(files []*ast.File) bool {
	return !slices.ContainsFunc(files, func(f *ast.File) bool {
		return importsOthers(f) || contains(f, chooses)
	})
}

// importsOthers reports whether a file imports a package other than CUE's own ones and the definitions. Such a package may itself
// choose by a definition.
func importsOthers(f *ast.File) bool {
	for spec := range f.ImportSpecs() {
		of := ast.ParseImportPath(strings.Trim(spec.Path.Value, `"`)).Path
		if first, _, _ := strings.Cut(of, "/"); of != ImportPath && strings.Contains(first, ".") {
			return true
		}
	}
	return false
}

// contains reports whether the function accepts n or a node below it.
func contains(n ast.Node, is func(ast.Node) bool) (found bool) {
	ast.Walk(n, func(n ast.Node) bool {
		found = found || is(n)
		return !found
	}, nil)
	return found
}

// chooses reports whether a node can make a manifest depend on more than the fields of a definition. It errs on the side of true:
// then the exact definitions are used, which is only slower.
func chooses(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.Comprehension, *ast.LetClause, *ast.BottomLit, *ast.Alias:
		return true
	case *ast.Field:
		name, _, err := ast.LabelName(n.Label)
		return err == nil && isHidden(name)
	case *ast.BinaryExpr:
		return n.Op == token.OR || n.Op != token.AND && contains(n, isDefinition)
	case *ast.UnaryExpr, *ast.IndexExpr, *ast.SliceExpr, *ast.Interpolation:
		return contains(n, isDefinition)
	case *ast.CallExpr:
		_, builtin := n.Fun.(*ast.Ident) // such as or() and matchN(), which choose
		return builtin || contains(n, isDefinition)
	case *ast.SelectorExpr:
		return contains(n.X, isDefinition)
	}
	return false
}

// isDefinition reports whether a node is the name of a definition.
func isDefinition(n ast.Node) bool {
	name, ok := n.(*ast.Ident)
	return ok && isHidden(name.Name)
}
