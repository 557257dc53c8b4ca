package compiler

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// Every role and user in the stacks of every golden case has the boundary, once the orbit has one.
func TestBoundaryIsOnEveryRole(t *testing.T) {
	cases, err := filepath.Glob("../testdata/golden/*/orbit.*")
	if err != nil {
		t.Fatal(err)
	}
	bounded := map[string]int{}
	for _, orbit := range cases {
		apps, _ := filepath.Glob(filepath.Join(filepath.Dir(orbit), "*.[cjy]*"))
		for _, app := range apps {
			in := schema.Inputs{Orbit: orbit}
			if app != orbit {
				in.Apps = []string{app}
			}
			var r report.Report
			model, err := schema.Load(t.Context(), in, &r)
			if err != nil || model == nil {
				continue // a case that must be refused
			}
			model.Orbit.PermissionsBoundary = "every-role"
			sink := &built{t: t, stacks: map[string]assembly.Stack{}, bodies: map[string]map[string]any{},
				origins: map[string]map[string]string{}, assets: map[string][]byte{}}
			if err := Compile(model, Scope{Orbit: app == orbit}, &r, sink); err != nil {
				t.Fatal(err)
			}
			for key, body := range sink.bodies {
				countBounded(t, orbit+" "+key, body, bounded)
			}
		}
	}
	if bounded["AWS::IAM::Role"] < 50 {
		t.Errorf("found %v", bounded)
	}
}

// countBounded checks one template.
func countBounded(t *testing.T, name string, body map[string]any, bounded map[string]int) {
	t.Helper()
	resources, _ := body["Resources"].(map[string]any)
	for id, r := range resources {
		r := r.(map[string]any)
		kind := r["Type"].(string)
		if kind != "AWS::IAM::Role" && kind != "AWS::IAM::User" {
			continue
		}
		bounded[kind]++
		got, _ := json.Marshal(r["Properties"].(map[string]any)["PermissionsBoundary"])
		if want := `{"Fn::Sub":"arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/every-role"}`; string(got) != want {
			t.Errorf("%s: %s has the boundary %s", name, id, got)
		}
	}
}
