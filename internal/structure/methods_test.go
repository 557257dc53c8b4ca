package structure

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
)

// maxMethods is the number of methods above which a reader can no longer know what a call on a value changes.
const maxMethods = 35

func TestMethodsPerType(t *testing.T) {
	type typeName struct{ dir, name string }
	methods := map[typeName][]string{} // places
	set := token.NewFileSet()
	for _, f := range codeFiles(t) {
		parsed, err := parser.ParseFile(set, f.path, f.text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range parsed.Decls {
			if method, ok := declared.(*ast.FuncDecl); ok && method.Recv != nil {
				of := typeName{path.Dir(f.path), receiver(method.Recv.List[0].Type)}
				methods[of] = append(methods[of], f.place(set.Position(method.Pos()).Line))
			}
		}
	}
	byPlace := func(a, b typeName) int { return strings.Compare(a.dir+" "+a.name, b.dir+" "+b.name) }
	for _, of := range slices.SortedFunc(maps.Keys(methods), byPlace) {
		if places := methods[of]; len(places) > maxMethods {
			t.Errorf("%s: %s has %d methods, at most %d are allowed: split it into smaller values (the first method is here)",
				places[0], of.name, len(places), maxMethods)
		}
	}
}

// receiver returns the name of a method's type: T for T, *T, T[K] and *T[K, V].
func receiver(of ast.Expr) string {
	switch of := of.(type) {
	case *ast.StarExpr:
		return receiver(of.X)
	case *ast.IndexExpr:
		return receiver(of.X)
	case *ast.IndexListExpr:
		return receiver(of.X)
	case *ast.Ident:
		return of.Name
	}
	return ""
}
