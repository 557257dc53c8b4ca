package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/impact"
	"github.com/pebble/spacel/deploy"
)

// planOfShapes is the plan of a first deploy of apps of two shapes in three regions.
func planOfShapes(apps int) *deploy.Plan {
	plan := &deploy.Plan{Orbit: "prod", Account: "123456789012"}
	for _, region := range []string{"ap-southeast-2", "eu-west-1", "us-east-1"} {
		for i := range apps {
			app := fmt.Sprintf("app%d", i)
			s := deploy.StackPlan{StackRef: assembly.StackRef{Region: region, Name: "prod-" + app}, Action: deploy.Later,
				Why: "waits for " + region + "/prod-vpc",
				New: &impact.Summary{Resources: 15, Kinds: []string{"1 group of instances", "1 load balancer"},
					Costs:  []string{"1 to 2 instances t3.nano"},
					Public: []string{"host name " + app + "-prod.example.com A", "internet → " + app + ":80 (load balancer)"}}}
			if i%2 == 1 {
				s.New.Costs = append(s.New.Costs, "database main db.t4g.micro, 20 GiB")
			}
			plan.Stacks = append(plan.Stacks, s)
		}
	}
	return plan
}

// New apps of one shape are one entry, so that the plan of a first deploy fits a screen however many apps there are.
func TestFirstPlanOfManyAppsFitsAScreen(t *testing.T) {
	for _, apps := range []int{1, 4, 60} {
		for _, width := range []int{80, 120} {
			var out bytes.Buffer
			if err := planText(&out, planOfShapes(apps), planStyle{width: width}); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(out.String(), "\n")
			if len(lines) > 24 {
				t.Errorf("%d apps at %d columns: %d lines\n%s", apps, width, len(lines), out.String())
			}
			for _, line := range lines {
				if len([]rune(line)) > width {
					t.Errorf("%d apps at %d columns: %s", apps, width, line)
				}
			}
		}
	}
	var out bytes.Buffer
	if err := planText(&out, planOfShapes(3), planStyle{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"prod-app0, prod-app2 later in ap-southeast-2, eu-west-1, us-east-1: 15 resources each, waits for prod-vpc",
		"public: host name APP-prod.example.com A, internet → APP:80 (load balancer)",
		"prod-app1 later in ap-southeast-2", "public: host name app1-prod.example.com A",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
