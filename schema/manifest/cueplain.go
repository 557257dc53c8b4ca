package manifest

import (
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"
)

// unifiesOnly reports whether files do no more with definitions than unify data with them, as schema.#App & {…} does. Open
// definitions give the same data then, in half of the time: nothing chooses by what a definition refuses, no field but the
// data's is made of one, and whatever the real definition refuses of the data, the check against it refuses, too.
func unifiesOnly(files []*ast.File) bool {
	return !slices.ContainsFunc(files, func(f *ast.File) bool {
		return importsOthers(f) || contains(f, chooses)
	})
}

// importsOthers reports whether a file imports a package that is neither CUE's own nor that of the definitions.
func importsOthers(f *ast.File) bool {
	for spec := range f.ImportSpecs() {
		of := ast.ParseImportPath(strings.Trim(spec.Path.Value, `"`)).Path
		if first, _, _ := strings.Cut(of, "/"); of != ImportPath && strings.Contains(first, ".") {
			return true
		}
	}
	return false
}

// contains reports whether a node below n, or n itself, is one that the function is looking for.
func contains(n ast.Node, is func(ast.Node) bool) (found bool) {
	ast.Walk(n, func(n ast.Node) bool {
		found = found || is(n)
		return !found
	}, nil)
	return found
}

// chooses reports whether a node can make a manifest depend on more than the fields of a definition.
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
