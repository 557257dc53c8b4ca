package manifest

import (
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"
)

// dependence says how the data of a manifest depends on the definitions.
type dependence int

const (
	// anyhow: an expression may be valid because a definition refused another one. Only the exact definitions tell.
	anyhow dependence = iota
	// byDefaults: the manifest has defaults. A default that the definitions refuse is not taken. If the check accepts the data that was
	// evaluated with open definitions, then all of its defaults are taken with the exact ones, too.
	byDefaults
	// byRefusal: definitions can refuse the data, and change nothing else.
	byRefusal
)

// dependenceOf tells how a manifest depends on the definitions. byDefaults and byRefusal are for manifests that unify all of their
// data with the one definition that it is checked against later, as schema.#App & {…} does. An open definition then gives the
// same data, in a third of the time:
//
//   - The data that the definition refuses is refused by the check.
//   - All fields come from the manifest, none from the definition, and none is read from it.
//   - A disjunction without defaults has one value left with open definitions, or the evaluation is not valid.
//
// It errs on the side of anyhow, which is only slower.
func dependenceOf(files []*ast.File, definition string) dependence {
	least := byRefusal
	for _, f := range files {
		p := &plain{definition: definition, imported: importedNames(f)}
		if importsOthers(f) || !p.root(f.Decls) {
			return anyhow
		}
		if p.defaults {
			least = byDefaults
		}
	}
	return least
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

// importedNames returns the names that a file gives to the package of the definitions.
func importedNames(f *ast.File) (names []string) {
	for spec := range f.ImportSpecs() {
		parts := ast.ParseImportPath(strings.Trim(spec.Path.Value, `"`))
		switch {
		case parts.Path != ImportPath:
		case spec.Name != nil:
			names = append(names, spec.Name.Name)
		default:
			names = append(names, parts.Qualifier)
		}
	}
	return names
}

// plain looks in a file for expressions whose value depends on more than the data.
type plain struct {
	definition string   // the one that the data is checked against
	imported   []string // the names of the definitions' package
	defaults   bool     // an alternative is marked as the default
}

// root reports whether the declarations of a file are plain. Only here the definition may stand, since only here it holds for the
// same data as in the check.
func (p *plain) root(decls []ast.Decl) bool {
	for _, d := range decls {
		if embedded, ok := d.(*ast.EmbedDecl); ok && p.unification(embedded.Expr) {
			continue
		}
		if !p.free(d) {
			return false
		}
	}
	return true
}

// unification reports whether an expression is the definition, or unifies it with plain expressions.
func (p *plain) unification(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return p.unification(e.X)
	case *ast.BinaryExpr:
		return e.Op == token.AND && (p.unification(e.X) || p.free(e.X)) && (p.unification(e.Y) || p.free(e.Y))
	case *ast.SelectorExpr:
		name, ok := p.selected(e)
		return ok && name == p.definition
	}
	return false
}

// selected returns the name that a selector picks from the package of the definitions. It reports false for any other selector.
func (p *plain) selected(n ast.Node) (string, bool) {
	selector, ok := n.(*ast.SelectorExpr)
	if !ok {
		return "", false
	}
	of, ok := selector.X.(*ast.Ident)
	if !ok || !slices.Contains(p.imported, of.Name) {
		return "", false
	}
	name, _, err := ast.LabelName(selector.Sel)
	return name, err == nil
}

// free reports whether a node and all in it is free of definitions, and of expressions that choose by a refusal.
func (p *plain) free(n ast.Node) bool {
	found := false
	ast.Walk(n, func(n ast.Node) bool {
		// The data of the package, such as schema.regions, is the same in both forms.
		if name, ok := p.selected(n); ok && !isHidden(name) {
			return false
		}
		if isPresence(n) {
			found = found || !p.free(n.(*ast.BinaryExpr).X)
			return false
		}
		found = found || p.chooses(n)
		return !found
	}, nil)
	return !found
}

// chooses reports whether a node by itself may depend on a definition: it names the package, or it is valid where another
// value is not.
func (p *plain) chooses(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.Ident:
		return slices.Contains(p.imported, n.Name)
	case *ast.UnaryExpr:
		p.defaults = p.defaults || n.Op == token.MUL
	case *ast.CallExpr:
		// Other functions without a package choose among alternatives (matchN) or make errors.
		name, builtin := n.Fun.(*ast.Ident)
		return builtin && !slices.Contains([]string{"len", "div", "mod", "quo", "rem", "close", "and", "or"}, name.Name)
	case *ast.BottomLit, *ast.PostfixExpr, *ast.TryClause, *ast.FallbackClause, *ast.Func, *ast.BadExpr, *ast.BadDecl:
		return true
	}
	return false
}

// isPresence reports whether a node asks if a field is there: all.instance_max != _|_. The definitions neither add nor remove
// fields of valid data. Another expression in its place may be refused by them.
func isPresence(n ast.Node) bool {
	e, ok := n.(*ast.BinaryExpr)
	if !ok || e.Op != token.EQL && e.Op != token.NEQ {
		return false
	}
	_, bottom := e.Y.(*ast.BottomLit)
	return bottom && isPath(e.X)
}

// isPath reports whether an expression is a reference by names only.
func isPath(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return true
	case *ast.SelectorExpr:
		return isPath(e.X)
	case *ast.IndexExpr:
		_, literal := e.Index.(*ast.BasicLit)
		return literal && isPath(e.X)
	case *ast.ParenExpr:
		return isPath(e.X)
	}
	return false
}
