package document

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// inUseElsewhere are values of names.go that are words of something else, too. Their literals are not looked for.
var inUseElsewhere = map[string]string{
	"vpc":     "the domain of an elastic address; an endpoint's kind",
	"bastion": "a flag of spacel logs",
	"url":     "the field of an endpoint in manifests",
	"users":   "", "services": "", "volumes": "", "tables": "", "locks": "", "releases": "",
	"Endpoint": "", "Bucket": "",
	"Version": "the version of the language of IAM policies",
}

// made are what a name that is put together by hand looks like: a literal with the fixed part of one of the functions' results.
var made = regexp.MustCompile(
	`(^|%s|>)-(vpc|tables|bastion|users|services|volumes|locks|releases|boot|flow-logs)$|^alias/([^<]|$)|^bastion/$`)

// orbitName matches an expression that is an orbit's name.
var orbitName = regexp.MustCompile(`(?i)(^|\.)orbit(\.name)?$`)

func TestNamesStandInOnePlace(t *testing.T) {
	constants := constantsOf(t, "names.go")
	if len(constants) < 10 {
		t.Fatalf("names.go has only the constants %v: is this test looking at the right place?", constants)
	}
	files := 0
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && (path == "../../agent/document" || path == "../../internal/cloudtest" ||
			entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".") && path != "../..") {
			return filepath.SkipDir
		}
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files++
		checkNames(t, path, constants)
		return nil
	})
	if err != nil || files < 100 {
		t.Fatalf("%d files were read: %v", files, err)
	}
}

// checkNames reports each literal of a file that says again what names.go says.
func checkNames(t *testing.T, path string, constants map[string]string) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.BasicLit:
			value, err := strconv.Unquote(n.Value)
			if _, common := inUseElsewhere[value]; err != nil || common {
				return true
			}
			if name := constants[value]; name != "" {
				t.Errorf("%s: %s: write document.%s", set.Position(n.Pos()), n.Value, name)
			}
			if made.MatchString(value) {
				t.Errorf("%s: %s: use a function of agent/document/names.go", set.Position(n.Pos()), n.Value)
			}
		case *ast.BinaryExpr:
			literal, ok := n.Y.(*ast.BasicLit)
			if ok && strings.HasPrefix(literal.Value, `"-`) && orbitName.MatchString(expression(n.X)) {
				t.Errorf("%s: a name is made of the orbit's: use a function of agent/document/names.go", set.Position(n.Pos()))
			}
		}
		return true
	})
}

// expression is a name or a selector as it is written, of a sum its last part.
func expression(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return expression(e.X) + "." + e.Sel.Name
	case *ast.BinaryExpr:
		return expression(e.Y)
	}
	return ""
}

// constantsOf returns the string constants that a file declares: value → name.
func constantsOf(t *testing.T, path string) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	constants := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for i, value := range spec.Values {
			if literal, ok := value.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				text, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				constants[text] = spec.Names[i].Name
			}
		}
		return true
	})
	return constants
}
