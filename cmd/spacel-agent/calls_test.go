package main

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/pebble/spacel"

// iamPrefix is what the actions of a service begin with, by the name of the service's package in the SDK. An action is called as
// the operation is (Service Authorization Reference).
var iamPrefix = map[string]string{
	"autoscaling":            "autoscaling",
	"cloudformation":         "cloudformation",
	"cloudwatch":             "cloudwatch",
	"cloudwatchlogs":         "logs",
	"dynamodb":               "dynamodb",
	"ecr":                    "ecr",
	"ec2":                    "ec2",
	"elasticloadbalancingv2": "elasticloadbalancing",
	"kms":                    "kms",
	"logs":                   "logs", // as the command line calls it
	"s3":                     "s3",
	"s3api":                  "s3", // as the command line calls it
	"secretsmanager":         "secretsmanager",
	"ssm":                    "ssm",
}

// dependents are the actions that an operation needs beside its own: the agent puts tags on what it makes (Service Authorization
// Reference, "Actions defined by Amazon EC2", dependent actions).
var dependents = map[string][]string{
	"ec2:CreateSnapshot": {"ec2:CreateTags"},
	"ec2:CreateVolume":   {"ec2:CreateTags"},
}

// program is who calls whom, and AWS, in the agent. A function or variable is written as go/types does, without the module:
// (*agent.Boot).signal.
type program struct {
	uses    map[string][]string // by caller
	actions map[string][]string // of IAM, by caller
	methods map[string][]string // of our types, by name: what a call through an interface may reach
}

// goPackage is a package as go list tells of it.
type goPackage struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
}

// readProgram reads the sources of the agent and of all of ours that it is made of.
func readProgram(t *testing.T) *program {
	t.Helper()
	files := token.NewFileSet()
	exports := map[string]string{}
	var ours []goPackage
	for _, pkg := range goList(t) {
		exports[pkg.ImportPath] = pkg.Export
		if strings.HasPrefix(pkg.ImportPath, module) {
			ours = append(ours, pkg)
		}
	}
	compiled := importer.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	p := &program{uses: map[string][]string{}, actions: map[string][]string{}, methods: map[string][]string{}}
	for _, pkg := range ours {
		p.read(t, files, compiled, pkg)
	}
	return p
}

// goList gives the packages of the agent for Linux, with what the compiler exports of each.
func goList(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-export", "-json=ImportPath,Dir,Export,GoFiles", ".")
	cmd.Env = append(os.Environ(), "GOOS=linux", "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var pkg goPackage
		if err := decoder.Decode(&pkg); err != nil {
			t.Fatal(err)
		}
		all = append(all, pkg)
	}
	return all
}

func (p *program) read(t *testing.T, files *token.FileSet, compiled types.Importer, pkg goPackage) {
	t.Helper()
	var parsed []*ast.File
	for _, name := range pkg.GoFiles {
		file, err := parser.ParseFile(files, filepath.Join(pkg.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, file)
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: compiled}
	if _, err := config.Check(pkg.ImportPath, files, parsed, info); err != nil {
		t.Fatal(err)
	}
	for _, file := range parsed {
		for _, d := range file.Decls {
			p.declaration(t, info, d)
		}
	}
}

func (p *program) declaration(t *testing.T, info *types.Info, d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		caller := nameOf(info.Defs[d.Name])
		if d.Recv != nil {
			p.methods[d.Name.Name] = append(p.methods[d.Name.Name], caller)
		}
		p.body(t, info, caller, d)
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			if values, ok := spec.(*ast.ValueSpec); ok {
				for _, name := range values.Names {
					p.body(t, info, nameOf(info.Defs[name]), values)
				}
			}
		}
	}
}

// body notes what of ours a function or a variable mentions, called or not, and which calls of AWS it makes.
func (p *program) body(t *testing.T, info *types.Info, caller string, n ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			if used := info.Uses[n]; used != nil && used.Pkg() != nil {
				p.use(caller, used)
			}
		case *ast.CallExpr:
			if signature, ok := info.TypeOf(n.Fun).(*types.Signature); ok {
				p.actions[caller] = append(p.actions[caller], actionsOf(t, signature)...)
			}
		}
		return true
	})
}

func (p *program) use(caller string, used types.Object) {
	if strings.HasPrefix(used.Pkg().Path(), module) {
		p.uses[caller] = append(p.uses[caller], nameOf(used))
	}
	if f, ok := used.(*types.Func); ok {
		if receiver := f.Signature().Recv(); receiver != nil && types.IsInterface(receiver.Type()) {
			p.uses[caller] = append(p.uses[caller], "interface "+f.Name())
		}
	}
}

// nameOf is "" for what is no function and no variable of a package.
func nameOf(o types.Object) string {
	switch o := o.(type) {
	case *types.Func:
		return strings.ReplaceAll(o.FullName(), module+"/", "")
	case *types.Var:
		if o.Pkg() != nil && o.Parent() == o.Pkg().Scope() {
			return strings.TrimPrefix(o.Pkg().Path(), module+"/") + "." + o.Name()
		}
	}
	return ""
}

// actionsOf are those of a call that takes an operation's input: a client's own method, an interface's that stands for one, a
// paginator, a waiter.
func actionsOf(t *testing.T, signature *types.Signature) []string {
	var actions []string
	for parameter := range signature.Params().Variables() {
		pointer, ok := parameter.Type().(*types.Pointer)
		if !ok {
			continue
		}
		named, ok := pointer.Elem().(*types.Named)
		if !ok || named.Obj().Pkg() == nil {
			continue
		}
		service, ofSDK := strings.CutPrefix(named.Obj().Pkg().Path(), "github.com/aws/aws-sdk-go-v2/service/")
		operation, isInput := strings.CutSuffix(named.Obj().Name(), "Input")
		if ofSDK && isInput {
			actions = append(actions, action(t, service, operation)...)
		}
	}
	return actions
}

// action is what IAM calls an operation, with what it depends on.
func action(t *testing.T, service, operation string) []string {
	prefix, ok := iamPrefix[service]
	if !ok {
		t.Errorf("the agent calls %s of the service %s, whose actions are not known here", operation, service)
	}
	own := prefix + ":" + operation
	return append([]string{own}, dependents[own]...)
}

// reach gives the actions of all that may run when one of the roots does, but for what only runs through one of the exceptions.
func (p *program) reach(t *testing.T, roots, except []string) []string {
	t.Helper()
	seen := map[string]bool{}
	actions := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		if name == "" || seen[name] || slices.Contains(except, name) {
			return
		}
		seen[name] = true
		for _, a := range p.actions[name] {
			actions[a] = true
		}
		for _, used := range p.uses[name] {
			visit(used)
		}
		if method, ok := strings.CutPrefix(name, "interface "); ok {
			for _, m := range p.methods[method] {
				visit(m)
			}
		}
	}
	for _, root := range roots {
		if _, known := p.uses[root]; !known {
			t.Errorf("the agent has no %s: where is it now?", root)
		}
		visit(root)
	}
	return slices.Sorted(maps.Keys(actions))
}

// scriptActions are the actions of the script that installs the agent: of its lines "aws SERVICE OPERATION".
func scriptActions(t *testing.T) []string {
	t.Helper()
	script, err := os.ReadFile("../../compiler/userdata/install.sh")
	if err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, call := range regexp.MustCompile(`\baws ([a-z0-9]+) ([a-z-]+)`).FindAllStringSubmatch(string(script), -1) {
		words := strings.Split(call[2], "-")
		for i, word := range words {
			words[i] = strings.ToUpper(word[:1]) + word[1:]
		}
		actions = append(actions, action(t, call[1], strings.Join(words, ""))...)
	}
	if len(actions) == 0 {
		t.Error("the script calls nothing: is this test looking at the right lines?")
	}
	return actions
}

// The derivation itself finds what it should: a direct call, one through an interface, one in a function's literal, and none
// that the agent never makes.
func TestCallsAreDerived(t *testing.T) {
	p := readProgram(t)
	all := p.reach(t, []string{"cmd/spacel-agent.main"}, nil)
	for _, want := range []string{"cloudformation:SignalResource", "dynamodb:Scan", "kms:Decrypt", "ec2:AssociateAddress"} {
		if !slices.Contains(all, want) {
			t.Errorf("%s is not found", want)
		}
	}
	if slices.Contains(all, "kms:GenerateDataKey") {
		t.Error("the agent encrypts nothing")
	}
	if len(p.uses) < 100 {
		t.Errorf("%d functions were looked at", len(p.uses))
	}
}
