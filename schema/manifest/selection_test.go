package manifest

import (
	"strings"
	"testing"

	"github.com/pebble/spacel/schema/report"
)

// selectApps returns the apps that an argument names as JSON with their names as arguments, or the mistakes.
func selectApps(t *testing.T, argument string) string {
	t.Helper()
	var r report.Report
	apps, err := Reader{Definitions: definitionFiles, Stdin: strings.NewReader("apps: {a: {name: a}}")}.ReadApps(argument, &r)
	if err != nil {
		return err.Error()
	}
	var lines []string
	for _, p := range r.Problems() {
		lines = append(lines, p.String())
	}
	for _, app := range apps {
		lines = append(lines, app.In+" "+app.Tree.JSON())
	}
	return strings.Join(lines, "\n")
}

// The files say the same in three formats. one is an app by its name, bare one without a name.
const appsInFiles = `
-- apps.json --
{"apps": {"a": {"name": "a"}, "my-b": {"name": "b"}}, "one": {"name": "one"}, "bare": {"all": {"instance_max": 1}},
"list": [{"name": "x"}], "empty": {}, "mixed": {"a": {"name": "a"}, "n": 1}, "all": {"all": {"name": "all"}}, "text": "hello"}
-- apps.yaml --
apps: {a: {name: a}, my-b: {name: b}}
one: {name: one}
bare: {all: {instance_max: 1}}
list: [{name: x}]
empty: {}
mixed: {a: {name: a}, n: 1}
all: {all: {name: all}}
text: hello
-- apps.cue --
package many
#App: {name: string, ...}
_hidden: string
incomplete: #App & {name: =~"x"}
apps: [Name=_]: name: *Name | string
apps: {a: {}, "my-b": name: "b"}
one: name: "one"
bare: all: instance_max: 1
list: [{name: "x"}]
empty: {}
mixed: {a: name: "a", n: 1}
all: all: name: "all"
text: "hello"
-- dir/one.cue --
package many
apps: a: name: "a"
-- dir/two.cue --
package many
apps: "my-b": name: "b"
-- dir/list.cue --
package many
list: [{name: "x"}]
-- dir/other.cue --
package other
apps: c: name: "c"
-- apps.yaml#one --
name: from-the-file-of-this-name
-- space/.space/app.yaml --
name: space
`

func TestSelections(t *testing.T) {
	project(t, appsInFiles)
	for _, ext := range []string{"json", "yaml", "cue"} {
		file := "apps." + ext
		for path, want := range map[string]string{
			"apps":         `FILE#apps.a {"name":"a"}` + "\n" + `FILE#apps."my-b" {"name":"b"}`,
			`apps."my-b"`:  `FILE#apps."my-b" {"name":"b"}`,
			"apps.a":       `FILE#apps.a {"name":"a"}`,
			"list[0]":      `FILE#list[0] {"name":"x"}`,
			"bare":         `FILE#bare {"all":{"instance_max":1}}`,
			"all":          `FILE#all.all {"name":"all"}`,
			"aps":          "FILE: has no field aps, which FILE#aps names; did you mean apps?",
			"apps.x.y":     "FILE: apps has no field x, which FILE#apps.x.y names; did you mean a?",
			"list[1]":      "FILE: list has no field 1, which FILE#list[1] names",
			"zzzzzzzzz":    "has no field zzzzzzzzz, which FILE#zzzzzzzzz names; it has all, apps, bare, empty, ",
			"empty":        "empty: FILE#empty names an empty object: there is no app in it",
			"mixed":        "mixed.n: must be an app, got a number; FILE#mixed names an object of apps, or one app with a name",
			"text":         "a manifest must be an object of fields such as name and all, got a string",
			"":             `FILE#: after # there must be the path of a value, such as apps or apps."my-app", got ""`,
			"apps..a":      `after # there must be the path of a value, such as apps or apps."my-app", got "apps..a"`,
			`apps."unshut`: "after # there must be the path of a value",
		} {
			want = strings.ReplaceAll(want, "FILE", file)
			if got := selectApps(t, file+"#"+path); !strings.Contains(got, want) {
				t.Errorf("%s#%s: got\n%s\nwithout\n%s", file, path, got, want)
			}
		}
	}
}

func TestSelectionsOfPackages(t *testing.T) {
	project(t, appsInFiles)
	for argument, want := range map[string]string{
		"dir:many#apps":    `dir:many#apps.a {"name":"a"}` + "\n" + `dir:many#apps."my-b" {"name":"b"}`,
		"dir:other#apps":   `dir:other#apps.c {"name":"c"}`,
		"dir:many#list":    "list: a manifest must be an object of fields such as name and all, got a list",
		"dir#apps":         "dir: has several CUE packages; name one of dir:many, dir:other",
		"-#apps":           `-#apps.a {"name":"a"}`,
		"apps.yaml#one":    `apps.yaml#one {"name":"from-the-file-of-this-name"}`,
		"space#apps":       "space#apps: space is the directory of one app; leave #apps out",
		"nothing.cue#a":    "no such file",
		"apps.cue#_hidden": "after # there must be",
	} {
		if got := selectApps(t, argument); !strings.Contains(got, want) {
			t.Errorf("%s: got\n%s\nwithout\n%s", argument, got, want)
		}
	}
}

// A mistake in a template that several apps share has one line for each app, and each line says which.
func TestSelectedAppsAreNamedInReports(t *testing.T) {
	project(t, "-- a.cue --\napps: [Name=_]: {name: Name, n: <5}\napps: {a: n: 1, b: n: 7, c: n: 9}\n")
	got := selectApps(t, "a.cue#apps")
	for _, want := range []string{"apps.b.n: ", "apps.c.n: "} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s\nwithout %s", got, want)
		}
	}
	if strings.Contains(got, "apps.a.n: ") {
		t.Error(got)
	}
}
