package schema

import (
	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/ast/astutil"
	"cuelang.org/go/cue/token"
)

// checker holds manifests against the definitions. Lean definitions, without what is of use only to explain a mistake,
// accept most manifests in less time; a manifest that they refuse is for the full ones, which are compiled then.
type checker struct {
	lean *language
	full *language
}

func newChecker() (*checker, error) {
	lean, err := compile(lean)
	return &checker{lean: lean}, err
}

// check normalises a manifest and reports what is wrong with it. What is of no use is taken out of the tree.
func (c *checker) check(t *tree, d form, r *Report, regions []string) error {
	normalise(t, c.lean.shapeOf(d))
	if c.lean.fits(t, c.lean.shapeOf(d)) == nil {
		return nil
	}
	if c.full == nil {
		var err error
		if c.full, err = compileLanguage(); err != nil {
			return err
		}
	}
	c.full.check(t, c.full.shapeOf(d), r, regions)
	return nil
}

// fits holds a normalised manifest against a definition: CUE's verdict.
func (l *language) fits(t *tree, s *shape) error {
	return s.object.Unify(l.context.BuildExpr(t.syntax())).Validate(cue.Concrete(true))
}

// lean takes the alternatives out of a file of definitions that no normalised manifest needs: error(), which refuses
// everything anyway, and the words and quoted numbers that normalise has replaced.
func lean(f *ast.File) *ast.File {
	return astutil.Apply(f, nil, func(c astutil.Cursor) bool {
		or, ok := c.Node().(*ast.BinaryExpr)
		switch {
		case !ok || or.Op != token.OR:
		case dispensable(or.Y):
			c.Replace(or.X)
		case dispensable(or.X):
			c.Replace(or.Y)
		}
		return true
	}).(*ast.File)
}

func dispensable(alternative ast.Expr) bool {
	switch x := alternative.(type) {
	case *ast.CallExpr:
		name, ok := x.Fun.(*ast.Ident)
		return ok && name.Name == "error"
	case *ast.Ident:
		return x.Name == "#Digits" || x.Name == "#FlagWord" || x.Name == "#PortText"
	}
	return false
}
