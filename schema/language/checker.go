package language

import (
	"io/fs"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/ast/astutil"
	"cuelang.org/go/cue/token"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// Checker holds manifests against the definitions. Lean definitions, without what is of use only to explain a mistake,
// accept most manifests in less time; a manifest that they refuse is for the full ones, which are compiled then.
type Checker struct {
	files fs.FS
	lean  *definitions
	full  *definitions
}

// NewChecker compiles the definitions in files, which are *.cue.
func NewChecker(files fs.FS) (*Checker, error) {
	lean, err := compile(files, lean)
	return &Checker{files: files, lean: lean}, err
}

// Facts reads the data of AWS and the defaults that the definitions come with.
func (c *Checker) Facts() (*Facts, error) { return c.lean.facts() }

// Check normalises a manifest and reports what is wrong with it. What is of no use is taken out of the tree.
func (c *Checker) Check(t *manifest.Tree, d Definition, r *report.Report, regions []string) error {
	normalise(t, c.lean.rootType(d))
	if c.lean.fits(t, c.lean.rootType(d)) == nil {
		return nil
	}
	if c.full == nil {
		var err error
		if c.full, err = compileDefinitions(c.files); err != nil {
			return err
		}
	}
	c.full.check(t, c.full.rootType(d), r, regions)
	return nil
}

// fits holds a normalised manifest against a definition: CUE's verdict.
func (l *definitions) fits(t *manifest.Tree, s *typeInfo) error {
	return s.object.Unify(l.context.BuildExpr(syntax(t))).Validate(cue.Concrete(true))
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
