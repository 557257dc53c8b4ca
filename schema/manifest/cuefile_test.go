package manifest

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCUEPlaces(t *testing.T) {
	same(t, read(t, "a.cue", `package laika

import (
	"strings"
	"list"
)

_env: {A: "1"}
#Port: int | *8080

name: "laika"
all: {
	instance_type: strings.ToLower("T3.nano")
	instance_min:  1 + 1
	instance_max:  int
	public_ports: "80": internal_port: #Port
	services: web: environment: _env & {B: true}
	hostnames: [for h in ["a", "b"] {h + ".example.com"}, "c"]
	version: 9.10
	files: text: """
		one
		two
		"""
	none: null
	secret?: string
}
all: instance_max: 5
lists: list.Repeat([1], 2)
`), `
a.cue:11:7 name "laika"
a.cue:13:17 all.instance_type "t3.nano"
a.cue:14:17 all.instance_min 2
a.cue:27:20 all.instance_max 5
a.cue:16:37 all.public_ports.80.internal_port 8080
a.cue:8:11 all.services.web.environment.A "1"
a.cue:17:41 all.services.web.environment.B true
a.cue:18:34 all.hostnames[0] "a.example.com"
a.cue:18:34 all.hostnames[1] "b.example.com"
a.cue:18:56 all.hostnames[2] "c"
a.cue:19:11 all.version 9.10
a.cue:20:15 all.files.text "one\ntwo"
a.cue:24:8 all.none null
a.cue:28:21 lists[0] 1
a.cue:28:21 lists[1] 1
`)
}

func TestCUEMistakes(t *testing.T) {
	for _, c := range []struct{ content, want string }{
		{"name: string\nall: instance_min: >3\n", `
a.cue:1:7: name: needs a value: a string
a.cue:2:20: all.instance_min: needs a value: >3`},
		{"name: \"a\" & \"b\"\n", `a.cue:1:7: name: has two different values; the other one is at a.cue:1:13`},
		{"name: nmae\n", `a.cue:1:7: name: reference "nmae" not found`},
		{"name: \"a\n", `a.cue:1:7: string literal not terminated`},
		{"#N: {n!: int}\nname: #N\n", `a.cue:1:6: name.n: is required here and has no value`},
		{"name: 'bytes'\n", "a.cue:1:7: name: warning: bytes, which become the text of their base64; " +
			"write text in double quotes, or {body: \"<base64>\"}"},
		{"name: \"a\" @tag(name)\n", "a.cue:1:11: @tag is not supported; a build takes nothing from the command line; write the value"},
		{"@extern(embed)\n\npackage a\nname: _ @embed(file=\"/etc/passwd\",type=text)\n", `
a.cue:1:1: @extern is not supported; remove it
a.cue:4:9: @embed is not supported; write the content here, or keep it as a file in .space`},
		{"@if(prod)\npackage a\nname: \"a\"\n", "a.cue:1:1: @if is not supported; a build takes nothing from the command line; remove it"},
		{"import \"tool/exec\"\nname: \"a\"\nx: exec\n", "a.cue:1:8: \"tool/exec\" runs commands, which a build does not; remove it"},
		{"import \"example.com/x\"\nname: x.name\n",
			"a.cue:1:8: there is no package example.com/x here: it is not in the manifest's own module, and no module in deps of " +
				"cue.mod/module.cue has it; cue mod tidy adds it there, and spacel vendor loads it"},
		{"[1]\n", "a.cue:1:1: a manifest must be an object of fields such as name and all, got a list"},
		{"name: \"hunter2\" | \"hunter3\"\n", `a.cue:1:7: name: needs a value: "hunter2" or "hunter3"`},
		{"name: \"hunter2\" + 1\n", `a.cue:1:7: name: invalid operands "hunter2" and 1 to '+' (type string and int)`},
		{"name: 1 / 0\n", "a.cue:1:7: name: failed arithmetic: division by zero"},
		{"a: {b: a}\n", "a.cue:1:8: a.b: refers to itself (a cycle)"},
		{"a: (int | *2) & <=10\na: 12\n", `a.cue:2:4: a: must be <=10, got 12 (rule: a.cue:1:17)`},
		{"a: (int | *2) & <=10\na: \"x\"\n", `a.cue:2:4: a: must be <=10, got "x" (rule: a.cue:1:17)`},
		{"a: >=2 & !=1\na: 1\n", `a.cue:2:4: a: must be >=2, got 1; must not be 1 (rule: a.cue:1:4)`},
		{"a: error(\"no \\(1+1)\") | 3\na: 4\n", `a.cue:2:4: a: no 2 (rule: a.cue:1:4)`},
		{"a: {b: string} & {b: 1}\n", `a.cue:1:22: a.b: must be a string, got 1 (rule: a.cue:1:8)`},
		{"import \"strings\"\na: strings.MaxRunes(2) & \"abc\"\n",
			`a.cue:2:26: a: must satisfy strings.MaxRunes(2), got "abc" (rule: a.cue:2:4)`},
		{"let A = 1\na: 1\n", `a.cue:1:1: A is never used; remove it`},
		{"import \"strings\"\na: 1\n", `a.cue:1:8: the import "strings" is never used; remove it`},
		{"_x: string\na: \"\\(_x)y\"\n",
			`a.cue:2:4: a: cannot be computed: \( ) in it needs text, a number or a boolean (rule: a.cue:1:5)`},
		{"#A: {#b!: string, c: #b}\n#A\n", "a.cue:1:6: #b: is required here and has no value\n" +
			"a.cue:1:22: c: cannot be computed: #b is required and has no value"},
		{"_pw: =~\"^x\"\n_pw: \"y\"\n", `a.cue:2:6: _pw: must match "^x", got "y" (rule: a.cue:1:6)`},
		{"all: a: [1, 2 & 3]\nall: b: 1 & 2\n", `
a.cue:1:13: all.a[1]: has two different values; the other one is at a.cue:1:17
a.cue:2:9: all.b: has two different values; the other one is at a.cue:2:13`},
		{"name: (1|2) & 3\n", `a.cue:1:15: name: must be 1 or 2, got 3 (rule: a.cue:1:8)`},
	} {
		same(t, mistakes(read(t, "a.cue", c.content)), c.want)
	}
}

// mistakes leaves out the values that a manifest has in spite of its mistakes.
func mistakes(said string) string {
	var lines []string
	for line := range strings.Lines(said) {
		if at, _, _ := strings.Cut(line, " "); strings.HasSuffix(at, ":") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// The definitions can be imported anywhere, with no cue.mod, and say nothing in CUE's words.
func TestCUEImportsSchema(t *testing.T) {
	same(t, read(t, "a.cue", `import "github.com/pebble/spacel/schema"

schema.#App & {
	name: "laika"
	all: #Small & {instance_max: 3}
	all: typo: 1
}
#Small: schema.#AppSection & {instance_type: "t3.small"}
"us-east-1": public_ports: "80": sources: [for r, _ in schema.regions if r =~ "^eu-west" {r}]
`), `
a.cue:4:8 name "laika"
a.cue:5:31 all.instance_max 3
a.cue:8:46 all.instance_type "t3.small"
a.cue:6:13 all.typo 1
a.cue:9:90 us-east-1.public_ports.80.sources[0] "eu-west-1"
a.cue:9:90 us-east-1.public_ports.80.sources[1] "eu-west-2"
a.cue:9:90 us-east-1.public_ports.80.sources[2] "eu-west-3"
`)
}

const module = `
-- cue.mod/module.cue --
module: "example.com/infra@v0"
language: version: "v0.14.0"
deps: "github.com/pebble/spacel@v0": v: "v0.1.0"
-- defaults.cue --
package defaults

from_root: 1
-- lib/defaults/defaults.cue --
package defaults

import "github.com/pebble/spacel/schema"

Small: schema.#AppSection & {instance_type: "t3.small", instance_min: from_root}
-- lib/defaults/other.cue --
package other

Small: instance_type: 1
-- cue.mod/pkg/example.org/hosts/hosts.cue --
package hosts

All: ["a.example.org"]
-- apps/laika/app.cue --
package laika

import (
	"example.com/infra/lib/defaults"
	"example.org/hosts"
	"github.com/pebble/spacel/schema@v0"
)

schema.#App
name: "laika"
all: defaults.Small & {hostnames: hosts.All}
-- apps/laika/more.cue --
package laika

all: not: "read"
`

// sortedLines sorts what a manifest has, since CUE's order of fields depends on the definitions. Notes stay last.
func sortedLines(said string) string {
	lines := strings.Split(strings.TrimSpace(said), "\n")
	slices.SortFunc(lines, func(a, b string) int {
		isNote := func(line string) int { return strings.Count(line, ": note: ") }
		return cmp.Or(cmp.Compare(isNote(a), isNote(b)), strings.Compare(a, b))
	})
	return strings.Join(lines, "\n")
}

func TestCUEModule(t *testing.T) {
	project(t, module)
	same(t, sortedLines(readAt(t, "apps/laika/app.cue")), `
apps/laika/app.cue:10:7 name "laika"
cue.mod/pkg/example.org/hosts/hosts.cue:3:7 all.hostnames[0] "a.example.org"
lib/defaults/defaults.cue:5:45 all.instance_type "t3.small"
lib/defaults/defaults.cue:5:71 all.instance_min 1
apps/laika/app.cue: note: apps/laika/more.cue is of package laika, too, and not read; name the directory, apps/laika, to read the `+
		`whole package
`)
	t.Chdir("apps")
	if got := readAt(t, "laika/app.cue"); !strings.Contains(got, "\n../lib/defaults/defaults.cue:5:45 ") {
		t.Error(got)
	}
}

func TestCUEModuleMistakes(t *testing.T) {
	for _, c := range []struct{ files, want string }{
		{"-- lib/defaults/defaults.cue --\npackage defaults\nSmall: {\n", "lib/defaults/defaults.cue:2:10: expected '}', found 'EOF'"},
		{"-- lib/defaults/defaults.cue --\npackage defaults\nimport \"example.com/infra/lib/defaults\"\nSmall: defaults.Small\n",
			"lib/defaults/defaults.cue:2:8: the package example.com/infra/lib/defaults imports itself (in apps/laika/app.cue)"},
		{"-- lib/defaults/defaults.cue --\npackage defaults\nSmall: _ @embed(file=x)\n",
			"lib/defaults/defaults.cue:2:10: @embed is not supported; write the content here, or keep it as a file in .space"},
		{"-- lib/defaults/defaults.cue --\npackage defaults\nSmall: {}\n// " + strings.Repeat("x", maxCUE) + "\n",
			"lib/defaults/defaults.cue: too large: a CUE file may have 256 KiB, all that are read 1024 KiB"},
	} {
		project(t, module+c.files+"-- apps/laika/more.cue --\npackage more\n")
		same(t, mistakes(readAt(t, "apps/laika/app.cue")), c.want)
	}
}

// A few lines of CUE can ask for any amount of time or memory.
func TestCUEWithinLimits(t *testing.T) {
	_, err := within(allowance{time: 50 * time.Millisecond, memory: 1 << 40}, "a.cue", func() *Tree {
		time.Sleep(time.Second)
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "a.cue: evaluating it takes more than 50ms") {
		t.Error(err)
	}
	_, err = within(allowance{time: time.Hour, memory: 1}, "a.cue", func() *Tree {
		time.Sleep(time.Second)
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "of memory") {
		t.Error(err)
	}
}
