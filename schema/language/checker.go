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

// Checker checks manifests against the definitions. To save time, manifests are first checked against a lean copy
// of the definitions without their error() alternatives. Only if the copy refuses a manifest are the full
// definitions compiled: they hold the words for messages.
//
// A Checker belongs to one goroutine, as CUE's values do.
type Checker struct {
	files fs.FS
	lean  *definitions
	full  *definitions
	facts *Facts
}

// NewChecker compiles the lean definitions from *.cue in files.
func NewChecker(files fs.FS) (*Checker, error) {
	lean, err := compile(files, lean)
	return &Checker{files: files, lean: lean}, err
}

// Facts returns the data about AWS and the defaults, which are part of the definitions. They are only read.
func (c *Checker) Facts() (_ *Facts, err error) {
	if c.facts == nil {
		c.facts, err = c.lean.facts()
	}
	return c.facts, err
}

// Secret reports whether the definitions mark the value at a path of keys, or one that it is in, as a secret: no message may
// show it. The key of a list's item is its index.
func (c *Checker) Secret(d Definition, keys []string) bool {
	s := c.lean.rootType(d)
	for _, key := range keys {
		inner := s.field(key)
		if inner == nil {
			inner = s.element()
		}
		if s = inner; s == nil || s.secret {
			return s != nil
		}
	}
	return false
}

// Accepts reports whether a manifest fits its definition. It normalises the manifest, as Check does.
func (c *Checker) Accepts(t *manifest.Tree, d Definition) bool {
	normalise(t, c.lean.rootType(d))
	return c.lean.fits(t, c.lean.rootType(d)) == nil
}

// Check normalises a manifest and reports all its mistakes. Invalid values are removed from the tree. regions are
// possible names for a misspelt section. An error means that the definitions do not compile.
func (c *Checker) Check(t *manifest.Tree, d Definition, r *report.Report, regions []string) error {
	if c.Accepts(t, d) {
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

// fits returns CUE's verdict on a normalised manifest.
func (l *definitions) fits(t *manifest.Tree, s *typeInfo) error {
	return s.object.Unify(l.context.BuildExpr(t.Syntax())).Validate(cue.Concrete(true))
}

// lean removes alternatives from a file of definitions that no normalised manifest needs: error(), which matches
// nothing and only carries a message, and boolean words and quoted numbers, which normalise has replaced.
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

// dispensable reports whether lean removes an alternative.
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
