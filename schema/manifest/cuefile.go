package manifest

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/cuecontext"
	cueerrors "cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"

	"github.com/pebble/spacel/schema/report"
)

// readCUE evaluates a .cue manifest to plain data. The manifest may import CUE's own packages, the definitions of
// this language, and packages of its module. Nothing is fetched.
//
// The definitions are first imported with each #Definition open, so that it accepts anything. The manifest's own
// data is enough here: like data in any other format it is checked later, with better messages than CUE's, and no
// value gets its place from a definition. If that attempt yields no data, because the manifest uses values of a
// definition, the exact definitions are imported.
func readCUE(s *inputFile) (*Tree, error) {
	if len(s.data) > maxCUE {
		tooLarge(s.name, maxCUE, s.r)
		return nil, nil
	}
	s.unreadSiblings()
	return within(evaluationAllowance, s.name, func() *Tree {
		open := s.again()
		t, imported := open.evaluate(openDefinitions)
		// Without the import, exact definitions would change nothing, and the mistakes are those of the manifest.
		if t == nil && imported {
			exact := s.again()
			t, _ = exact.evaluate(exactDefinitions)
			open = exact
		}
		s.r.Add(open.r.Problems()...)
		return t
	})
}

// again returns the same file with a new report, for another attempt.
func (s *inputFile) again() *inputFile {
	return &inputFile{name: s.name, data: s.data, r: &report.Report{}, definitions: s.definitions, clauses: s.clauses, pkg: s.pkg}
}

// evaluate returns the manifest's data, and whether it imports the definitions of this language.
func (s *inputFile) evaluate(definitions func(*ast.File)) (t *Tree, imported bool) {
	defer s.recoverInto(&t, "evaluate")
	packages := newPackages(s, definitions)
	defer packages.close()
	files := packages.manifest()
	if s.rejected {
		return nil, false
	}
	instance := packages.context.NewInstance("", packages.load)
	for _, file := range files {
		if err := instance.AddSyntax(file); err != nil {
			s.cueErrors(err)
			return nil, false
		}
	}
	if err := instance.Complete(); err != nil && !s.rejected {
		s.cueErrors(err)
	}
	if s.rejected {
		return nil, packages.imported
	}
	root := cuecontext.New(cuecontext.CUE_DEBUG("")).BuildInstance(instance)
	// Incomplete values are allowed here: value reports them at their place, with their path.
	if err := root.Validate(); err != nil {
		s.cueErrors(err)
		return nil, packages.imported
	}
	t, ok := s.value(root, s.filePlace(), "", 0)
	if !ok || s.rejected {
		return nil, packages.imported
	}
	return t, packages.imported
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
	return Place{pos.Filename(), pos.Line(), pos.Column()}
}

// written reports whether a position is in a file of the user.
func written(pos token.Pos) bool {
	return pos.IsValid() && !strings.HasPrefix(pos.Filename(), ImportPath+"/")
}

// cueErrors reports CUE's errors at the user's places. CUE's positions include the definitions, which are of no
// help to the user.
func (s *inputFile) cueErrors(err error) {
	const most = 50
	all := cueerrors.Errors(err)
	for i, e := range all {
		if i == most {
			s.refuse(s.filePlace(), "", "%d more mistakes", len(all)-most)
			return
		}
		format, _ := e.Msg()
		if strings.Contains(format, "empty disjunction") && len(all) > 1 {
			continue // what is wrong with each alternative follows
		}
		var places []Place
		for _, pos := range cueerrors.Positions(e) {
			if written(pos) {
				places = append(places, s.placeAt(pos))
			}
		}
		places = append(places, s.filePlace())
		s.refuse(places[0], cuePath(e.Path()), "%s", cueMessage(e, places))
	}
}

// quoted matches a string in a message of CUE. The string may be a secret.
var quoted = regexp.MustCompile(`"(\\.|[^"\\])*"`)

// cueMessage translates an error of CUE. Values are left out of the message, since they may be secrets.
func cueMessage(e cueerrors.Error, places []Place) string {
	format, args := e.Msg()
	switch {
	case strings.Contains(format, "empty disjunction"):
		return "matches none of the alternatives"
	case strings.HasPrefix(format, "conflicting values") && len(places) > 2:
		return fmt.Sprintf("has two different values; the other one is at %s", places[1].Pos(""))
	case strings.HasPrefix(format, "conflicting values"):
		return "has two different values"
	case strings.HasPrefix(format, "field not allowed"):
		return "unknown field of this definition"
	case strings.Contains(format, "cycle"):
		return "refers to itself (a cycle)"
	case strings.HasPrefix(format, "reference"), strings.HasPrefix(format, "undefined field"):
		return fmt.Sprintf(format, args...)
	}
	return quoted.ReplaceAllString(strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " "), "…")
}

// cuePath converts CUE's path of a field into a path for reports. CUE quotes keys that are no identifiers.
func cuePath(selectors []string) (path string) {
	for _, selector := range selectors {
		path = report.Member(path, strings.Trim(selector, `"`))
	}
	return path
}

// place returns the place of a value, and of its key, in the user's file. A value can be unified from several
// places, so the first one in a user's file is taken.
func (s *inputFile) place(v cue.Value, around Place) (value, key Place) {
	conjuncts := []cue.Value{v}
	if op, args := v.Expr(); op == cue.AndOp {
		conjuncts = append(conjuncts, args...)
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

// value converts an evaluated value into plain data.
func (s *inputFile) value(v cue.Value, around Place, path string, depth int) (*Tree, bool) {
	t := &Tree{}
	t.At, _ = s.place(v, around)
	// A disjunction with a default (*"a" | "b") counts as its default, as in cue export.
	v, _ = v.Default()
	if !s.countNode(t.At, path, depth) {
		return nil, false
	}
	switch v.Kind() {
	case cue.StructKind:
		return t, s.structFields(t, v, path, depth)
	case cue.ListKind:
		return t, s.listItems(t, v, path, depth)
	case cue.NullKind:
		t.Kind = Null
	case cue.BoolKind:
		t.Kind, t.Text = Boolean, s.literal(v)
	case cue.IntKind, cue.FloatKind:
		t.Kind, t.Text = Number, s.literal(v)
		s.checkNumber(t.Text, t.At, path)
	case cue.StringKind:
		t.Kind = Text
		t.Text, _ = v.String()
	case cue.BytesKind:
		s.refuse(t.At, path, `bytes; write text in double quotes, or {body: "<base64>"}`)
	default:
		open := quoted.ReplaceAllString(strings.Join(strings.Fields(fmt.Sprint(v)), " "), "…")
		s.refuse(t.At, path, "must be one value, got %s", shorten(open, 60))
	}
	return t, true
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
func (s *inputFile) structFields(t *Tree, v cue.Value, path string, depth int) bool {
	t.Kind = Object
	// Definitions (#A) and hidden fields (_a) are not data, and Fields leaves them out.
	fields, err := v.Fields(cue.Optional(true))
	if err != nil {
		s.cueErrors(err)
		return false
	}
	for fields.Next() {
		key := fields.Selector().Unquoted()
		inner := report.Member(path, key)
		_, at := s.place(fields.Value(), t.At)
		switch {
		// Written as name!: a definition demands the field, and nothing gives it a value.
		case fields.Selector().ConstraintType() == cue.RequiredConstraint:
			s.refuse(at, inner, "is required here and has no value")
			continue
		case fields.IsOptional():
			continue
		case !s.checkEntries(at, path, len(t.Fields)):
			return false
		}
		value, ok := s.value(fields.Value(), t.At, inner, depth+1)
		if !ok {
			return false
		}
		t.Fields = append(t.Fields, Field{key, at, value})
	}
	return true
}

// listItems converts the items of a list.
func (s *inputFile) listItems(t *Tree, v cue.Value, path string, depth int) bool {
	t.Kind = List
	items, err := v.List()
	if err != nil {
		s.cueErrors(err)
		return false
	}
	for i := 0; items.Next(); i++ {
		item, ok := s.value(items.Value(), t.At, report.Index(path, i), depth+1)
		if !ok || !s.checkEntries(item.At, path, i) {
			return false
		}
		t.Items = append(t.Items, item)
	}
	return true
}
