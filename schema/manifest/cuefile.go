package manifest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/cuecontext"
	cueerrors "cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"

	"github.com/pebble/spacel/schema/report"
)

// readCUE evaluates a .cue manifest to plain data. The manifest may import CUE's own packages, the definitions of
// this language, and packages of its module. Nothing is fetched.
func readCUE(s *inputFile) (*Tree, error) {
	if len(s.data) > maxCUE {
		tooLarge(s.name, maxCUE, s.r)
		return nil, nil
	}
	s.unreadSiblings()
	return within(evaluationAllowance, s.name, s.evaluateCUE)
}

// evaluateCUE evaluates a manifest as CUE means it: with the definitions as they are, or with open ones where that gives the
// same. If there is data, it is the manifest. If not, and the manifest imports the definitions, it is evaluated again with
// other forms of them:
//
//   - Lenient definitions also accept null for each field, as in manifests of the 2016 tool. A manifest with null is as valid in
//     CUE as in YAML.
//   - Open definitions accept anything, and so do objects of the user. An error of CUE now comes from the user's own constraints.
//     Without an error there is data for the check against the definitions, whose messages are better than CUE's.
//   - Strict definitions, without null, tell which fields a definition of the user does not have.
func (s *inputFile) evaluateCUE() *Tree {
	exact := s.evaluate(nil)
	// The quick form has no errors of definitions. They are needed now, to tell which of the other forms apply.
	if exact.quick && exact.imported && !exact.holds() {
		exact = s.evaluate(exactForm)
	}
	if exact.valid() || !exact.imported {
		return exact.accept(s)
	}
	// Whether a refused value counts as absent in [if value != _|_ {value}, "other"][0] depends on the error() in its definition.
	if whole := s.evaluate(wholeForm); whole.valid() {
		return whole.accept(s)
	}
	if lenient := s.evaluate(lenientForm); lenient.valid() {
		return lenient.accept(s)
	}
	open := s.evaluate(relaxedForm)
	if open.tree != nil {
		open.tree.Unknown = s.evaluate(strictForm).unknown()
	}
	if !open.valid() {
		return open.accept(s)
	}
	// The data is complete, and the check against the definitions comes next: it words the mistakes.
	exact.refuseHidden(s, open)
	return open.tree
}

// accept reports the mistakes of an evaluation and returns its data: all fields with a value, so the rest of the manifest
// is checked, too.
func (e *evaluation) accept(s *inputFile) *Tree {
	e.s.explain(e.errs, e.root)
	s.r.Add(e.s.r.Problems()...)
	return e.tree
}

// refuseHidden keeps the errors of an exact evaluation for a manifest whose data is evaluated with open definitions. The check
// of that data finds the mistakes in it, in better words. The errors of hidden fields and definitions are reported now,
// since no check sees these fields. The others are reported if the check finds nothing.
func (e *evaluation) refuseHidden(s *inputFile, open *evaluation) {
	var hidden, rest []cueerrors.Error
	for _, err := range e.errs {
		if slices.ContainsFunc(err.Path(), isHidden) {
			hidden = append(hidden, err)
		} else {
			rest = append(rest, err)
		}
	}
	e.s.explain(hidden, e.root)
	s.r.Add(e.s.r.Problems()...)
	if len(hidden) == 0 {
		last := e.s.again()
		last.explain(rest, e.root)
		open.tree.Refused = last.r.Problems()
	}
}

// isHidden reports whether a selector is of a field outside of the data: a hidden one or a definition.
func isHidden(selector string) bool {
	return strings.HasPrefix(selector, "_") || strings.HasPrefix(selector, "#")
}

// again returns the same file with a new report, for another attempt.
func (s *inputFile) again() *inputFile {
	c := *s
	c.r, c.nodes, c.reports, c.rejected = &report.Report{}, 0, 0, false
	return &c
}

// evaluation is the result of evaluating a manifest with one form of the definitions.
type evaluation struct {
	s        *inputFile // whose report has what was found before and after the evaluation
	root     cue.Value
	tree     *Tree             // nil if there is no data
	errs     []cueerrors.Error // of the evaluation
	imported bool              // the definitions are imported
	quick    bool              // the definitions are open although exact ones were asked for
	depends  dependence        // of the data on the definitions
}

// valid reports whether an evaluation gave data without a mistake.
func (e *evaluation) valid() bool { return e.tree != nil && len(e.errs) == 0 && !e.s.rejected }

// holds reports whether the data of a quick evaluation is that of an exact one.
func (e *evaluation) holds() bool {
	return e.valid() && (e.depends == byRefusal || e.s.accepts != nil && e.s.accepts(e.tree.Clone()))
}

// unknown returns the problems with fields that a definition does not have. It may be a definition of the user, which accepts less
// than the one of the language.
func (e *evaluation) unknown() []report.Problem {
	var errs []cueerrors.Error
	for _, err := range e.errs {
		if format, _ := err.Msg(); format == notAllowed {
			errs = append(errs, err)
		}
	}
	s := e.s.again()
	s.explain(errs, e.root)
	return s.r.Problems()
}

// evaluate evaluates the manifest with one form of the definitions. Without one it takes the exact form, or the open one if both
// give the same data. Each attempt has its own report, so a discarded one leaves no messages.
func (s *inputFile) evaluate(definitions *form) (e *evaluation) {
	e = &evaluation{s: s.again()}
	defer e.s.recoverInto(&e.tree, "evaluate")
	packages := newPackages(e.s, definitions)
	defer packages.close()
	files := packages.manifest()
	if definitions == nil && !e.s.rejected {
		packages.definitions = exactForm
		if e.depends = dependenceOf(files, s.checkedRoot()); e.depends != anyhow {
			packages.definitions, e.quick = openForm, true
		}
	}
	instance := packages.root(files)
	e.imported = packages.imported
	e.s.syntax = &syntaxIndex{files: packages.parsed}
	if instance == nil {
		e.imported, e.quick = false, false // another form of the definitions changes nothing
		return e
	}
	root := cuecontext.New(cuecontext.CUE_DEBUG("")).BuildInstance(instance)
	var found bool
	if e.root, found = s.selection.inCUE(e.s, root); !found {
		return e
	}
	e.errs = cueerrors.Errors(e.root.Validate(cue.Concrete(true)))
	failed := map[string]bool{}
	for _, err := range e.errs {
		failed[cuePath(err.Path())] = true
	}
	c := &converter{inputFile: e.s, failed: failed}
	t, ok := c.value(e.root, e.s.filePlace(), s.selection.keys(), 0)
	if ok && t != nil {
		e.tree = t
		e.tree.At = e.rootPlace()
	}
	return e
}

// checkedRoot returns the name of the definition for the root of a file, "" if it is not known. The definition of an app does not hold
// for the root when the app is a value inside.
func (s *inputFile) checkedRoot() string {
	if s.selection != nil {
		return ""
	}
	return s.definition
}

// rootPlace returns the place of a manifest as a whole. For a package it is the file with the name, if it is in the package's
// directory: other commands add fields there.
func (e *evaluation) rootPlace() Place {
	s, t := e.s, e.tree
	if s.pkg == nil || s.selection != nil {
		return t.At
	}
	if name := t.Field("name"); name != nil && s.owns(name.At.File) {
		return Place{File: name.At.File}
	}
	for _, f := range s.syntax.files {
		if s.owns(f.Filename) {
			return Place{File: f.Filename}
		}
	}
	return s.filePlace()
}

// root returns the manifest with its imports, nil if it cannot be evaluated. The reason has been reported.
func (p *packages) root(files []*ast.File) *build.Instance {
	if p.s.rejected {
		return nil
	}
	instance := p.context.NewInstance("", p.load)
	for _, file := range files {
		if err := instance.AddSyntax(file); err != nil {
			p.s.cueErrors(err)
			return nil
		}
	}
	if err := instance.Complete(); err != nil && !p.s.rejected {
		p.s.cueErrors(err)
	}
	if p.s.rejected {
		return nil
	}
	return instance
}

// manifest returns the parsed files of the manifest itself: the one file, or those of its package.
func (p *packages) manifest() []*ast.File {
	if p.s.rejected {
		return nil
	}
	if own := p.s.pkg; own != nil {
		return p.files(p.module.at, own.name, own.above)
	}
	version := ""
	if p.module != nil {
		version = p.module.version
	}
	file := p.s.parseCUE(version)
	if file == nil {
		p.s.rejected = true
	}
	p.relax(file)
	p.parsed = append(p.parsed, file)
	return []*ast.File{file}
}

// parseCUE parses a file after making sure of its size and nesting. The version is that of the language in its module,
// which decides on experiments; it is empty for a file without a module.
func (s *inputFile) parseCUE(version string) *ast.File {
	if !s.shallow() {
		return nil
	}
	config := parser.NewConfig()
	if version != "" {
		config = config.Apply(parser.Version(version))
	}
	file, err := parser.ParseFile(s.name, s.data, config)
	if err != nil {
		s.cueErrors(err)
		return nil
	}
	if !s.harmless(file) {
		return nil
	}
	return file
}

// outside lists the attributes by which a CUE file includes data from elsewhere, each with a fix.
var outside = map[string]string{
	"embed":  "write the content here, or keep it as a file in .space",
	"extern": "remove it",
	"tag":    "a build takes nothing from the command line; write the value",
	"if":     "a build takes nothing from the command line; remove it",
	"ignore": "remove it",
}

// harmless refuses everything that lets a manifest read other files, run commands, or depend on the command line,
// and everything that takes CUE too long to evaluate.
func (s *inputFile) harmless(file *ast.File) bool {
	ast.Walk(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.File:
			s.checkElements(n, len(n.Decls))
		case *ast.StructLit:
			s.checkElements(n, len(n.Elts))
		case *ast.ListLit:
			s.checkElements(n, len(n.Elts))
		case *ast.Attribute:
			name, _ := n.Split()
			if mend, ok := outside[name]; ok {
				s.refuse(s.placeAt(n.Pos()), "", "@%s is not supported; %s", name, mend)
			}
		case *ast.BasicLit:
			s.checkLiteral(n)
		case *ast.ImportSpec:
			if strings.HasPrefix(strings.Trim(n.Path.Value, `"`), "tool/") {
				s.refuse(s.placeAt(n.Pos()), "", "%s runs commands, which a build does not; remove it", n.Path.Value)
			}
		}
		return true
	}, nil)
	return !s.rejected
}

// checkElements refuses a list or an object with too many elements.
func (s *inputFile) checkElements(n ast.Node, entries int) {
	if entries > maxEntries {
		s.refuse(s.placeAt(n.Pos()), "", "more than %d entries", maxEntries)
	}
}

// checkLiteral refuses numbers that CUE misreads: it takes 1e999999999 for 1.
func (s *inputFile) checkLiteral(lit *ast.BasicLit) {
	if lit.Kind != token.INT && lit.Kind != token.FLOAT {
		return
	}
	at := s.placeAt(lit.ValuePos)
	if len(lit.Value) > maxNumber {
		s.refuse(at, "", "a number of %d characters; at most %d", len(lit.Value), maxNumber)
	} else if _, err := strconv.ParseFloat(strings.ReplaceAll(lit.Value, "_", ""), 64); errors.Is(err, strconv.ErrRange) {
		s.refuse(at, "", "too large a number")
	}
}

// placeAt converts a position of CUE. A position outside of the user's files becomes the file as a whole.
func (s *inputFile) placeAt(pos token.Pos) Place {
	if !written(pos) {
		return s.filePlace()
	}
	at := placeIn(pos)
	if !s.owns(at.File) {
		at.In = s.name
	}
	return at
}

// place returns the place of a value, and of its key, in the user's file. A value can be unified from several
// places, so the first one in a user's file is taken. Of a scalar this is where the value itself is given, and not a
// constraint on it.
func (s *inputFile) place(v cue.Value, around Place) (value, key Place) {
	conjuncts := []cue.Value{v}
	scalar := v.Kind()&(cue.StructKind|cue.ListKind|cue.BottomKind) == 0
	if scalar || !written(v.Pos()) { // Expr is slow
		op, args := v.Expr()
		switch {
		// Concrete parts come first: of string & "a" the literal is the value's place.
		case op == cue.AndOp && scalar:
			conjuncts = slices.DeleteFunc(slices.Clone(args), func(a cue.Value) bool { return !a.IsConcrete() })
			conjuncts = append(append(conjuncts, v), args...)
		case op == cue.AndOp:
			conjuncts = append(conjuncts, args...)
		}
	}
	for _, c := range conjuncts {
		pos := c.Pos()
		if !written(pos) {
			continue
		}
		if f, ok := c.Source().(*ast.Field); ok && written(f.Value.Pos()) {
			return s.placeAt(f.Value.Pos()), s.placeAt(f.Label.Pos())
		}
		return s.placeAt(pos), s.placeAt(pos)
	}
	return around, around
}

// converter converts an evaluated manifest into plain data. A field without a value is left out and marked as reported, so
// the check of the rest does not call it missing.
type converter struct {
	*inputFile
	failed map[string]bool // paths of CUE's errors, which are reported
}

// value converts a value. It returns nil if the value has been reported, and false if the rest of the file is to be skipped.
func (c *converter) value(v cue.Value, around Place, path string, depth int) (*Tree, bool) {
	at, _ := c.place(v, around)
	return c.valueAt(v, at, path, depth)
}

// valueAt converts a value with a known place. A default is taken here, as cue export does: CUE keeps the choice open until then.
func (c *converter) valueAt(v cue.Value, at Place, path string, depth int) (*Tree, bool) {
	t := &Tree{At: at}
	v, _ = v.Default()
	if !c.countNode(t.At, path, depth) {
		return nil, false
	}
	switch v.Kind() {
	case cue.StructKind:
		return t, c.structFields(t, v, path, depth)
	case cue.ListKind:
		return t, c.listItems(t, v, path, depth)
	case cue.NullKind:
		t.Kind = Null
	case cue.BoolKind:
		t.Kind, t.Text = Boolean, c.literal(v)
	case cue.IntKind, cue.FloatKind:
		t.Kind, t.Text = Number, c.literal(v)
		c.checkNumber(t.Text, t.At, path)
	case cue.StringKind:
		t.Kind = Text
		t.Text, _ = v.String()
	case cue.BytesKind:
		// cue export writes bytes as base64.
		bytes, _ := v.Bytes()
		t.Kind, t.Text = Text, base64.StdEncoding.EncodeToString(bytes)
		c.r.Warnf(t.At.Pos(path), `bytes, which become the text of their base64; write text in double quotes, or {body: "<base64>"}`)
	default:
		return c.broken(t, v, path, depth)
	}
	return t, true
}

// broken converts a value with an error in it. CUE gives the fields of an object nevertheless. For any other value CUE's error
// at this path or below is the report. Without such an error, the field only lacks a value.
func (c *converter) broken(t *Tree, v cue.Value, path string, depth int) (*Tree, bool) {
	fields, err := v.Fields(cue.Optional(true))
	if err == nil && v.IncompleteKind() == cue.BottomKind && v.Err() != nil && !c.failed[path] {
		if !fields.Next() || fields.Selector().LabelType() != cue.IndexLabel {
			return t, c.structFields(t, v, path, depth)
		}
	}
	for failed := range c.failed {
		if failed == path || strings.HasPrefix(failed, path+".") || strings.HasPrefix(failed, path+"[") || path == "" {
			return nil, true
		}
	}
	// The value is a copy of one with a mistake, which is reported in its own place.
	if v.IncompleteKind() == cue.BottomKind && len(c.failed) > 0 {
		return nil, true
	}
	c.refuse(t.At, path, "%s", noValue(fmt.Sprint(v)))
	return nil, true
}

// literal returns a number or a boolean as JSON.
func (s *inputFile) literal(v cue.Value) string {
	data, err := v.MarshalJSON()
	if err != nil {
		s.cueErrors(err)
	}
	return string(data)
}

// structFields converts the regular fields of a struct. Optional ones without a value are left out.
func (c *converter) structFields(t *Tree, v cue.Value, path string, depth int) bool {
	t.Kind = Object
	// Definitions (#A) and hidden fields (_a) are not data, and Fields leaves them out.
	fields, err := v.Fields(cue.Optional(true))
	if err != nil {
		c.cueErrors(err)
		return false
	}
	for fields.Next() {
		key := fields.Selector().Unquoted()
		inner := report.Member(path, key)
		valueAt, at := c.place(fields.Value(), t.At)
		switch {
		// Written as name!: a definition demands the field, and nothing gives it a value.
		case fields.Selector().ConstraintType() == cue.RequiredConstraint:
			if !c.failed[inner] {
				c.refuse(at, inner, "is required here and has no value")
			}
			t.MarkReported(key)
			continue
		case fields.IsOptional():
			continue
		case !c.checkEntries(at, path, len(t.Fields)):
			return false
		}
		value, ok := c.valueAt(fields.Value(), valueAt, inner, depth+1)
		if !ok {
			return false
		}
		if value == nil {
			t.MarkReported(key)
			continue
		}
		t.Fields = append(t.Fields, Field{key, at, value})
	}
	return true
}

// listItems converts the items of a list. An item with a mistake is left out, and its index is marked as reported.
func (c *converter) listItems(t *Tree, v cue.Value, path string, depth int) bool {
	t.Kind = List
	items, err := v.List()
	if err != nil {
		c.cueErrors(err)
		return false
	}
	for i := 0; items.Next(); i++ {
		item, ok := c.value(items.Value(), t.At, report.Index(path, i), depth+1)
		if !ok || item != nil && !c.checkEntries(item.At, path, i) {
			return false
		}
		if item == nil {
			t.MarkReported(report.Index("", i))
			continue
		}
		t.Items = append(t.Items, item)
	}
	return true
}
