package language

import (
	"bytes"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/ast/astutil"
	"cuelang.org/go/cue/format"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
	"golang.org/x/tools/txtar"

	"github.com/pebble/spacel/schema/manifest"
)

// Published returns the definitions as the cue command and editors read them, in the same files. They differ from the sources
// in schema/*.cue in two ways, both generated:
//
//   - An optional field may be null, unless it is an object inside of a section. spacel removes null before it checks a
//     manifest, so the sources need no null. It would make every check slower.
//   - A field with a default has it as the last line of its comment, which editors show: "2 unless given."
//
// rules.cue and resolve.cue are published as they are, and only here. The files are formatted as cue fmt formats them.
func Published(files fs.FS) (fs.FS, error) {
	l, err := compile(files, lean)
	if err != nil {
		return nil, err
	}
	facts, err := l.facts()
	if err != nil {
		return nil, err
	}
	sources, err := parseAll(files)
	if err != nil {
		return nil, err
	}
	p := &publisher{defaults: facts.Defaults, objects: map[string]bool{}}
	for _, file := range sources {
		p.noteObjects(file)
	}
	archive := &txtar.Archive{Files: []txtar.File{{Name: manifest.VersionFile, Data: []byte(versionComment + "package schema\n")}}}
	for _, file := range sources {
		p.edit(file)
		text, err := format.Node(file)
		if err != nil {
			return nil, fmt.Errorf("format %s: %w", file.Filename, err)
		}
		archive.Files = append(archive.Files, txtar.File{Name: file.Filename, Data: text})
	}
	return txtar.FS(archive)
}

// versionComment states the version of a copy.
const versionComment = "// " + manifest.VersionNote + Version + "\n"

// parseAll parses the files of the definitions, with their comments.
func parseAll(files fs.FS) (parsed []*ast.File, err error) {
	names, err := fs.Glob(files, "*.cue")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(name, text, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("parse %s: %w", name, err)
		}
		parsed = append(parsed, file)
	}
	return parsed, nil
}

// CUE returns the published definitions as one CUE file: the definitions #Orbit and #App, the definitions they refer to, and
// the data about AWS. Saved as cue.mod/pkg/github.com/pebble/spacel/schema/schema.cue it lets an editor and the cue command
// resolve the import in a manifest. The comment before the package clause names the schema's version.
func CUE(files fs.FS) ([]byte, error) {
	published, err := Published(files)
	if err != nil {
		return nil, err
	}
	clause := []byte("package schema\n")
	names, err := fs.Glob(published, "*.cue")
	if err != nil {
		return nil, err
	}
	text := append([]byte(versionComment), clause...)
	for _, name := range names {
		body, err := fs.ReadFile(published, name)
		if err != nil {
			return nil, err
		}
		_, declarations, ok := bytes.Cut(body, clause)
		if !ok {
			return nil, fmt.Errorf("%s has no package clause", name)
		}
		text = append(text, declarations...)
	}
	return text, nil
}

// publisher edits the sources of the definitions, see Published.
type publisher struct {
	defaults *manifest.Tree
	objects  map[string]bool // names of the definitions that are objects, and nothing else
	section  bool            // the definition being edited is a section: its comment promises that null means absent
}

// noteObjects records the definitions of objects in a file.
func (p *publisher) noteObjects(file *ast.File) {
	eachDefinition(file, func(name string, f *ast.Field) {
		if _, ok := f.Value.(*ast.StructLit); ok {
			p.objects[name] = true
		}
	})
}

// edit edits the definitions of a file.
func (p *publisher) edit(file *ast.File) {
	if slices.Contains(forOtherReaders, file.Filename) {
		return
	}
	eachDefinition(file, func(name string, f *ast.Field) {
		p.section = strings.HasSuffix(name, "Section")
		// Tags are a definition of their own. As in each other map with keys of the user's, a key with null is absent.
		p.fields(f.Value, p.defaults.Lookup(defaultsOf(name[1:])), name == "#Tags")
	})
}

// eachDefinition calls f with each definition of a file, and with its name, which begins with #.
func eachDefinition(file *ast.File, f func(name string, field *ast.Field)) {
	for _, decl := range file.Decls {
		field, ok := decl.(*ast.Field)
		if !ok {
			continue
		}
		if name, _, err := ast.LabelName(field.Label); err == nil && strings.HasPrefix(name, "#") {
			f(name, field)
		}
	}
}

// removable lists the maps from which a region removes a key of all by null.
var removable = []string{"services", "public_ports", "private_ports", "files", "registries"}

// fields edits the fields inside an expression. Only those of the definition itself have defaults, nested ones do not.
func (p *publisher) fields(body ast.Expr, defaults *manifest.Tree, nullKeys bool) {
	ast.Walk(body, func(n ast.Node) bool {
		f, ok := n.(*ast.Field)
		if !ok {
			return true
		}
		name, _, _ := ast.LabelName(f.Label) // a pattern has no name
		if value := defaults.Lookup(name); value != nil {
			addDefault(f, value)
		}
		p.fields(f.Value, nil, slices.Contains(removable, name))
		if p.mayBeNull(f, nullKeys) {
			f.Value = orNull(f.Value)
		}
		return false
	}, nil)
}

// mayBeNull reports whether to let a field be null. Objects may be null in sections only: when CUE chooses between an object and
// null, it reports the choice, too, for every mistake inside the object.
func (p *publisher) mayBeNull(f *ast.Field, nullKeys bool) bool {
	_, pattern := f.Label.(*ast.ListLit)
	if pattern {
		return nullKeys
	}
	if f.Constraint != token.OPTION {
		return false
	}
	switch v := f.Value.(type) {
	case *ast.StructLit:
		return p.section
	case *ast.Ident:
		return v.Name != "_" && (p.section || !p.objects[v.Name])
	}
	return true
}

// orNull puts null before the alternatives of an expression.
func orNull(e ast.Expr) ast.Expr {
	if or, ok := e.(*ast.BinaryExpr); ok && or.Op == token.OR {
		or.X = orNull(or.X)
		return or
	}
	return &ast.BinaryExpr{X: ast.NewNull(), Op: token.OR, Y: e}
}

// addDefault adds a default to a field's comment.
func addDefault(f *ast.Field, value *manifest.Tree) {
	text, err := format.Node(value.Syntax(), format.Simplify())
	if err != nil {
		return // the tree was made from CUE, and can be written as such
	}
	written := strings.NewReplacer("{ ", "{", " }", "}").Replace(strings.Join(strings.Fields(string(text)), " "))
	line := &ast.Comment{Text: "// " + written + " unless given."}
	for _, group := range ast.Comments(f) {
		if group.Doc {
			group.List = append(group.List, line)
			return
		}
	}
	ast.AddComment(f, &ast.CommentGroup{Doc: true, List: []*ast.Comment{line}})
}

// forOtherReaders lists the files that spacel does not compile for its own checks: rules for the cue command and editors, and
// #Resolve, for manifests and libraries that import the definitions.
var forOtherReaders = []string{"rules.cue", "resolve.cue"}

// checkedForm edits a file for a check of manifests: any name of the form of a region's name is accepted. The loader reports
// names that AWS does not have itself, with the nearest one, and a regular expression is faster than 34 alternatives.
func checkedForm(file *ast.File) *ast.File {
	return astutil.Apply(file, nil, func(c astutil.Cursor) bool {
		f, ok := c.Node().(*ast.Field)
		if !ok {
			return true
		}
		if name, _, err := ast.LabelName(f.Label); err == nil && name == "#"+regionName {
			f.Value = &ast.UnaryExpr{Op: token.MAT, X: ast.NewLit(token.STRING, literal.String.Quote(regionForm))}
		}
		return true
	}).(*ast.File)
}

// regionForm matches the name of every region, and names of the same form that AWS does not have.
const regionForm = `^[a-z]{2}(-gov|-iso[a-z]?)?-(central|(north|south)(east|west)?|east|west)-[0-9]{1,2}$`
