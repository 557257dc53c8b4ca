package schema

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pebble/spacel/schema/report"
)

// library is a module in which three apps are made of one definition.
const library = `
-- orbit.cue --
name: "test"
regions: ["us-east-1"]
all: domain: "example.com"
-- cue.mod/module.cue --
module: "acme.com/infra@v0"
language: version: "v0.14.0"
-- lib/lim.cue --
package lib

#Lim: {
	name: string
	cap:  int | *4
	out: {"name": name, all: {instance_max: cap, instance_min: 3, services: web: image: "x"}}
}
-- policy/policy.cue --
package policy

import "github.com/pebble/spacel/schema"

#Prod: schema.#App & {
	name: =~"^pay-"
	all: {
		instance_max?: <=4 | error("at most 4 instances; ask #platform")
		instance_min?: >=2
		services?: [_]: environment?: PASSWORD?: !="hunter2"
	}
}
-- apps/la.cue --
import "acme.com/infra/lib"

(lib.#Lim & {name: "a"}).out
-- apps/lb.cue --
import "acme.com/infra/lib"

(lib.#Lim & {name: "b", cap: 2}).out
-- apps/lc.cue --
import "acme.com/infra/lib"

(lib.#Lim & {name: "c"}).out
-- apps/pol.cue --
import "acme.com/infra/policy"

policy.#Prod & {
	name: "web"
	all: {
		instance_max: 8
		instance_min: 1
		services: web: {image: "nginx:1", environment: PASSWORD: "hunter2"}
	}
}
`

// reportOn loads apps of a module and returns what is reported.
func reportOn(t *testing.T, files string, apps ...string) []report.Problem {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, f := range txtar.Parse([]byte(files)).Files {
		if err := os.MkdirAll(filepath.Dir(f.Name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.Name, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var r report.Report
	if _, err := Load(context.Background(), Inputs{Orbit: "orbit.cue", Apps: apps}, &r); err != nil {
		t.Fatal(err)
	}
	return r.Problems()
}

func lines(problems []report.Problem) (all []string) {
	for _, p := range problems {
		all = append(all, p.String())
	}
	return all
}

// A mistake in a shared definition names the manifest that uses it, and its app.
func TestMistakeInASharedDefinition(t *testing.T) {
	got := reportOn(t, library, "apps/la.cue", "apps/lb.cue", "apps/lc.cue")
	want := []string{"lib/lim.cue:6:47: all.instance_min: must be at most instance_max, got 3 and 2 (in apps/lb.cue, app b)"}
	if !slices.Equal(lines(got), want) || got[0].Pos.In != "apps/lb.cue" || got[0].App != "b" {
		t.Errorf("got %q, want %q", lines(got), want)
	}
	both := reportOn(t, strings.Replace(library, "int | *4", "int | *1", 1), "apps/la.cue", "apps/lc.cue")
	if len(both) != 2 || both[0].App == both[1].App {
		t.Errorf("one line for each app is wanted, got %q", lines(both))
	}
}

// What a team's rule refuses is one line at the value, with the rule's place. A secret is not shown.
func TestMistakesAgainstATeamsRules(t *testing.T) {
	want := []string{
		`apps/pol.cue:4:8: name: must match "^pay-", got "web" (rule: policy/policy.cue:6:8)`,
		`apps/pol.cue:6:17: all.instance_max: at most 4 instances; ask #platform (rule: policy/policy.cue:8:24)`,
		`apps/pol.cue:7:17: all.instance_min: must be >=2, got 1 (rule: policy/policy.cue:9:18)`,
		`apps/pol.cue:8:60: all.services.web.environment.PASSWORD: must not be … (rule: policy/policy.cue:10:44)`,
	}
	if got := lines(reportOn(t, library, "apps/pol.cue")); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A misspelt field is reported although a rule of the team refuses the object around it. So is a field that a closed definition of
// the team does not have.
func TestUnknownFieldsBesideRules(t *testing.T) {
	files := strings.Replace(library, "PASSWORD?: !=\"hunter2\"", "PASSWORD?: !=\"hunter2\"\n\t\tservices?: [_]: image!: string", 1) + `
-- small/small.cue --
package small

import "github.com/pebble/spacel/schema"

#Small: {
	name: string
	all: {instance_max: <=2, services: _}
}
#App: schema.#App & #Small
-- apps/misspelt.cue --
import "acme.com/infra/policy"

policy.#Prod & {
	name: "pay-web"
	all: {
		instance_mx: 3
		idle_timeout: "long"
		services: web: imagee: "nginx:1"
	}
}
-- apps/small.cue --
import "acme.com/infra/small"

small.#App & {
	name: "web"
	all: {
		instance_max: 2
		instance_min: 1
		elb_avail: "private"
		services: web: image: "nginx:1"
	}
}
`
	got := lines(reportOn(t, files, "apps/misspelt.cue", "apps/small.cue"))
	want := []string{
		"apps/misspelt.cue:6:3: all.instance_mx: unknown field; did you mean instance_max?",
		`apps/misspelt.cue:7:3: all.idle_timeout: must be 1 to 6000 seconds, got "long"`,
		"apps/misspelt.cue:8:18: all.services.web.imagee: unknown field; did you mean image?",
		"apps/small.cue:7:3: all.instance_min: unknown field of this definition",
		"apps/small.cue:8:3: all.elb_avail: unknown field; did you mean elb_availability?",
		"policy/policy.cue:11:19: all.services.web.image: is required here and has no value (in apps/misspelt.cue, app pay-web)",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
