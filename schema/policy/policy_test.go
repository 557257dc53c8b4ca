package policy

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/resolved"
)

// definitions are the language's own, for policies that import them.
var definitions = os.DirFS("..")

func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// section returns a resolved section from YAML. Every value in it is written but those of defaults.
func section(t testing.TB, text string, defaults ...string) *resolved.Section {
	t.Helper()
	path := filepath.Join(write(t, map[string]string{"app.yaml": text}), "app.yaml")
	tree, err := manifest.Reader{}.Read(path, &report.Report{})
	if err != nil || tree == nil {
		t.Fatal(err)
	}
	shorten(tree)
	for i := range tree.Fields {
		for _, name := range defaults {
			if tree.Fields[i].Key == name {
				tree.Fields[i].At, tree.Fields[i].Value.At = manifest.Place{}, manifest.Place{}
			}
		}
	}
	return &resolved.Section{At: report.Pos{File: "app.yaml", Line: 1, Col: 1, Path: "all"}, Tree: tree}
}

// shorten leaves the temporary directory out of places.
func shorten(t *manifest.Tree) {
	for i := range t.Fields {
		t.Fields[i].At.File = "app.yaml"
		shorten(t.Fields[i].Value)
	}
	for _, item := range t.Items {
		item.At.File = "app.yaml"
		shorten(item)
	}
	t.At.File = "app.yaml"
}

// violations checks a value against the text of a policy, and returns what is reported, without the directory.
func violations(t *testing.T, text string, v resolved.Value) []string {
	t.Helper()
	dir := write(t, map[string]string{"p.cue": "package policy\n" + text})
	var r report.Report
	set, err := Read(manifest.NewReader(nil, definitions, nil), dir, &r)
	if err != nil {
		t.Fatal(err)
	}
	if set != nil {
		if err := set.Check([]resolved.Value{v}, &r); err != nil {
			t.Fatal(err)
		}
	}
	var lines []string
	for _, p := range r.Problems() {
		lines = append(lines, strings.ReplaceAll(p.String(), filepath.ToSlash(dir)+"/", ""))
	}
	return lines
}

const app = `name: web
instance_max: 40
instance_min: 1
spot: false
tags: {team: blue}
files: {key: "hunter2hunter2", num: 7}
services: {web: {image: nginx}, db.service: {image: ghcr.io/db, tty: true}}
permissions: [{resources: [a, "*"]}]
`

func TestViolations(t *testing.T) {
	orbit := section(t, "name: o\nregions: [us-east-1]\nnat: enabled", "nat")
	web := section(t, app, "instance_min", "spot")
	web.Secrets = map[*manifest.Tree]bool{}
	for _, f := range web.Tree.Lookup("files").Fields {
		web.Secrets[f.Value] = true
	}
	v := resolved.Value{Region: "us-east-1", Orbit: orbit, App: web}
	for name, test := range map[string]struct {
		policy string
		want   []string
	}{
		"kept": {"app: {instance_max: <=40, tags: team!: string, services?: [_]: image!: string}", nil},
		"open": {"app: services?: [_]: {image?: string}", nil},
		"bound": {
			"app: instance_max: <=10",
			[]string{"app.yaml:2:1: all.instance_max: must be <=10, got 40 (rule: p.cue:2:20)"},
		},
		"default": {
			"app: instance_min: >=2",
			[]string{"app.yaml:1:1: all.instance_min: must be >=2, got 1, the default (rule: p.cue:2:20)"},
		},
		"own message": {
			`app: instance_max: <=10 | error("ask #ops")`,
			[]string{"app.yaml:2:1: all.instance_max: ask #ops (rule: p.cue:2:27)"},
		},
		"two words": {
			`app: name: "a" | "b"`,
			[]string{`app.yaml:1:1: all.name: must be "a" or "b", got "web" (rule: p.cue:2:12)`},
		},
		"of the list": {
			`app: permissions: [...{resources: [...!="*"]}]`,
			[]string{`app.yaml:8:31: all.permissions[0].resources[1]: must be !="*", got "*" (rule: p.cue:2:39)`},
		},
		"a pattern": {
			`app: services: [_]: image: =~"^ghcr"`,
			[]string{`app.yaml:7:18: all.services.web.image: must be =~"^ghcr", got "nginx" (rule: p.cue:2:28)`},
		},
		"orbit": {
			`orbit: nat: "per-az"`,
			[]string{`app.yaml:1:1: all.nat: must be "per-az", got "enabled", the default (rule: p.cue:2:13)`},
		},
		"region": {
			`region: "eu-west-1"`,
			[]string{`app.yaml:1:1: region: must be "eu-west-1", got "us-east-1" (rule: p.cue:2:9)`},
		},
		"supplied": {
			`app: logging: docker: true`,
			[]string{"app.yaml:1:1: all.logging.docker: is missing, and a rule needs it (rule: p.cue:2:15)"},
		},
		"a closed definition": {
			"#Service: image?: string\napp: {services?: [_]: #Service, files?: close({key: _})}",
			[]string{
				"app.yaml:6:32: all.files.num: must not be there, got a number",
				`app.yaml:7:65: all.services."db.service".tty: must not be there, got true`,
			},
		},
		"misspelt under an if": {
			"region: string\nif region != \"\" {ap: instance_max: <=10}",
			[]string{"p.cue:3:18: ap: unknown field: a policy constrains orbit, app and region; did you mean app?; begin the name of any " +
				"other field with _ or #"},
		},
		"misspelt in an embedded value": {
			"{ap: instance_max: <=10}",
			[]string{"p.cue:2:2: ap: unknown field: a policy constrains orbit, app and region; did you mean app?; begin the name of any " +
				"other field with _ or #"},
		},
		"misspelt and computed": {
			`("a" + "p"): instance_max: <=10`,
			[]string{"p.cue:2:1: ap: unknown field: a policy constrains orbit, app and region; did you mean app?; begin the name of any " +
				"other field with _ or #"},
		},
		"hidden comparison": {
			"app: instance_max: int\n_ok: true & (app.instance_max <= 10)",
			[]string{"app.yaml:1:1: _ok: must be false and true at once (rule: p.cue:3:14)"},
		},
		"several alternatives": {
			`app: {instance_max: <=100} | {cost: "x"}`,
			[]string{"app.yaml:1:1: all: several alternatives of a rule fit: make them exclude each other, or mark one as the default"},
		},
		"a unit without its type": {
			"app: services: db: image: string",
			[]string{"app.yaml:7:1: all.services.db.image: is missing, and a rule needs it; a rule names units with their type: " +
				`services: "db.service" (rule: p.cue:2:20)`},
		},
		"supplied inside": {
			`app: tags: cost: "x"`,
			[]string{"app.yaml:5:1: all.tags.cost: is missing, and a rule needs it (rule: p.cue:2:12)"},
		},
		"by default": {
			`app: ami: *"ami-0" | string`,
			[]string{"app.yaml:1:1: all.ami: is missing, and a rule needs it (rule: p.cue:2:6)"},
		},
		"required": {
			`app: tags: cost!: string | error("name the cost centre")`,
			[]string{"app.yaml:5:1: all.tags.cost: name the cost centre (rule: p.cue:2:12)"},
		},
		"supplied in if": {
			`app: {instance_max: int, if instance_max > 4 {elastic_ips: true}}`,
			[]string{"app.yaml:1:1: all.elastic_ips: is missing, and a rule needs it (rule: p.cue:2:47)"},
		},
		"of two fields": {
			`app: {instance_max: int, instance_min: >=instance_max}`,
			[]string{"app.yaml:1:1: all.instance_min: must be >=40, got 1, the default (rule: p.cue:2:40)"},
		},
		"across": {
			`region: string, app: {spot: bool, if region == "us-east-1" {spot: true}}`,
			[]string{"app.yaml:1:1: all.spot: must be true, got false, the default (rule: p.cue:2:67)"},
		},
		"hidden": {
			"app: instance_max: int\n_cap: app.instance_max & <10",
			[]string{"app.yaml:1:1: _cap: must be <10 (rule: p.cue:3:26)"},
		},
		"hidden reads": {
			"app: {...}\n_ok: true & (app.cost > 3)",
			[]string{
				"app.yaml:1:1: _ok: is missing cost, which a rule reads: guard it with if, or name it as required (rule: p.cue:3:18)",
			},
		},
		"hidden type": {"_max: int\n#T: string\napp: name: #T", nil},
		"secret": {
			`app: files: [_]: <"a"`,
			[]string{
				`app.yaml:6:9: all.files.key: must be <"a", got a string (rule: p.cue:2:18)`,
				`app.yaml:6:32: all.files.num: must be <"a", got a number (rule: p.cue:2:18)`,
			},
		},
		"secret in words": {
			`app: files: key: K=string | error("no \(K)")` + "\napp: files: key: !~\"hunter\"",
			[]string{`app.yaml:6:9: all.files.key: no … (rule: p.cue:2:29)`},
		},
		"definitions": {
			"import \"github.com/pebble/spacel/schema\"\napp: name: schema.#AppName\napp: instance_type?: schema.#InstanceType",
			nil,
		},
		"a mistake":  {`app: instance_max: <=limit`, []string{`p.cue:2:22: app.instance_max: reference "limit" not found`}},
		"a conflict": {`_a: 1 & 2`, []string{`p.cue:2:5: _a: conflicting values 2 and 1`}},
		"no syntax":  {`app: {`, []string{"p.cue:2:7: expected '}', found 'EOF'"}},
		"misspelt": {
			`ap: instance_max: <=10`,
			[]string{
				"p.cue:2:1: ap: unknown field: a policy constrains orbit, app and region; did you mean app?; begin " +
					"the name of any other field with _ or #",
			},
		},
		"a tag": {
			`app: name: string @tag(name)`,
			[]string{"p.cue:2:19: @tag is not supported; a build takes nothing from the command line; write the value"},
		},
		"from nowhere": {`import "example.com/x"` + "\napp: x.y", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := violations(t, test.policy, v)
			if name == "from nowhere" {
				if len(got) != 1 || !strings.Contains(got[0], "there is no package example.com/x here") {
					t.Error(got)
				}
				return
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Without an app, as when an orbit is built alone, rules for apps are not checked.
func TestOrbitAlone(t *testing.T) {
	v := resolved.Value{Region: "us-east-1", Orbit: section(t, "name: o\nnat: enabled")}
	got := violations(t, "app: {instance_max: <=10, if app.spot {tags: x: \"y\"}}\norbit: nat: \"per-az\"\n_x: app.instance_max + 1", v)
	if diff := cmp.Diff([]string{`app.yaml:2:1: all.nat: must be "per-az", got "enabled" (rule: p.cue:3:13)`}, got); diff != "" {
		t.Error(diff)
	}
}

func TestPoliciesAreAPackage(t *testing.T) {
	dir := write(t, map[string]string{
		"cue.mod/module.cue": "module: \"acme.com/infra@v0\"\nlanguage: version: \"v0.14.0\"\n",
		"limits/l.cue":       "package limits\n#Max: 10\n",
		"rules/a.cue":        "package policy\nimport \"acme.com/infra/limits\"\napp: instance_max: <=limits.#Max\n",
		"rules/b.cue":        "package policy\napp: name: \"x\"\n",
		"rules/other.cue":    "package other\napp: name: 5 @tag(x)\n",
		"rules/c_test.cue":   "package policy\napp: name: \"y\"\n",
		"empty/x.cue":        "package x\n",
	})
	reader := manifest.NewReader(nil, definitions, nil)
	var r report.Report
	set, err := Read(reader, filepath.Join(dir, "rules"), &r)
	if err != nil || set == nil {
		t.Fatal(err, r.Problems())
	}
	if err := set.Check([]resolved.Value{{Region: "us-east-1", Orbit: section(t, "name: o"), App: section(t, app)}}, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Problems()) != 2 {
		t.Error(r.Problems())
	}
	for _, name := range []string{"empty", "nowhere", "rules/a.cue"} {
		if set, err := Read(reader, filepath.Join(dir, name), &r); err == nil || set != nil {
			t.Errorf("%s: %v", name, set)
		}
	}
}

// BenchmarkCheck holds 4,000 apps in a region against five rules.
func BenchmarkCheck(b *testing.B) {
	dir := write(b, map[string]string{"p.cue": `package policy
region: string
orbit: nat!: string
app: {
	instance_max: <=100
	instance_min: >=1 | error("at least one")
	services?: [_]: image!: string
	tags: team!: string
	permissions?: [...{resources!: [...string]}]
}
`})
	var r report.Report
	set, err := Read(manifest.NewReader(nil, definitions, nil), dir, &r)
	if err != nil || set == nil {
		b.Fatal(err, r.Problems())
	}
	orbit := section(b, "name: o\nregions: [us-east-1]\nnat: enabled")
	var values []resolved.Value
	for i := range 4000 {
		text := strings.Replace(app, "name: web", fmt.Sprintf("name: web%d", i), 1)
		for n := range 12 {
			text += fmt.Sprintf("f%d: %d\ng%d: {a: text, b: true}\n", n, n, n)
		}
		values = append(values, resolved.Value{Region: "us-east-1", Orbit: orbit, App: section(b, text)})
	}
	for b.Loop() {
		if err := set.Check(values, &r); err != nil {
			b.Fatal(err)
		}
	}
	if r.Failed(false) {
		b.Fatal(r.Problems()[0])
	}
}
