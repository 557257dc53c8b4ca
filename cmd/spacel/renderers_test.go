package main

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/impact"
	"github.com/pebble/spacel/deploy"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/destroy"
)

var laika = assembly.StackRef{Region: "us-east-1", Name: "production-laika"}

func samplePlan() *deploy.Plan {
	return &deploy.Plan{
		Orbit: "production", Account: "123456789012", Warnings: []string{"us-east-1/production-laika: no group of belka yet"},
		Stacks: []deploy.StackPlan{
			{StackRef: assembly.StackRef{Region: "us-east-1", Name: "production-belka"}, Action: deploy.Create, Changes: []deploy.Change{
				{LogicalID: "Sg", Type: "AWS::EC2::SecurityGroup", Action: "Add", Origin: "belka.json:1:1",
					Properties: []deploy.PropertyChange{{Path: "GroupDescription", After: "x"}}},
				{LogicalID: "Users", Type: "AWS::DynamoDB::Table", Action: "Import"},
			}},
			{StackRef: laika, Action: deploy.Update,
				Changes: []deploy.Change{
					{LogicalID: "Asg", Type: "AWS::AutoScaling::AutoScalingGroup", Action: "Modify", Replacement: "Conditional",
						Properties: []deploy.PropertyChange{{Path: "MaxSize", Before: "1", After: "2"},
							{Path: "Tags", Change: "Modify", Replacement: "Conditionally"}}},
					{LogicalID: "Cache", Type: "AWS::ElastiCache::ReplicationGroup", Action: "Modify", Replacement: "True",
						Policy: "ReplaceAndSnapshot", Origin: "laika.json:9:3",
						Properties: []deploy.PropertyChange{{Path: "Engine", Before: "redis", After: "valkey", Replacement: "Always"},
							{Path: "Port", After: "6379"}, {Path: "Tags", Before: "a\x1b[31m\nb"}}},
					{LogicalID: "Old", Type: "AWS::SNS::Topic", Action: "Remove", Policy: "Delete"},
					{LogicalID: "Role", Type: "AWS::IAM::Role", Action: "Modify", Replacement: "False"},
				},
				Parameters: []deploy.ParameterChange{{Name: "Version", Before: "v1", After: "v2"}},
				Dangers:    []deploy.Danger{{ID: laika.String() + "/Cache", What: "Cache is replaced: a snapshot of the old one is kept"}},
			},
			{StackRef: assembly.StackRef{Region: "us-east-1", Name: "production-vpc"}, Action: deploy.None},
		},
	}
}

func TestPlanText(t *testing.T) {
	var out strings.Builder
	if err := planText(&out, samplePlan(), planStyle{}); err != nil {
		t.Fatal(err)
	}
	want := `orbit production in account 123456789012

us-east-1/production-belka create
  + create        Sg  AWS::EC2::SecurityGroup  belka.json:1:1
  + adopt         Users  AWS::DynamoDB::Table

us-east-1/production-laika update
  ! maybe replace Asg  AWS::AutoScaling::AutoScalingGroup
      ~ MaxSize: 1 → 2
      ~ Tags: changes; CloudFormation does not give the values  (may replace)
  ! replace       Cache  AWS::ElastiCache::ReplicationGroup  laika.json:9:3
      ~ Engine: redis → valkey  (replaces)
      + Port: 6379
      - Tags: a�[31m b
      the old one: ReplaceAndSnapshot
  - delete        Old  AWS::SNS::Topic
      the old one: Delete
  ~ update        Role  AWS::IAM::Role
    parameters
      ~ Version: v1 → v2
  ! Cache is replaced: a snapshot of the old one is kept
    agree to it by typing its name, or with --allow-replace us-east-1/production-laika/Cache

! us-east-1/production-laika: no group of belka yet
stacks: 1 create, 1 update, 1 unchanged; resources: 1 create, 1 adopt, 1 update, 1 maybe replace, 1 replace, 1 delete
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
	colourful := &strings.Builder{}
	if err := planText(colourful, samplePlan(), planStyle{colour: true}); err != nil || !strings.Contains(colourful.String(), "\x1b[31m") ||
		ansi.Strip(colourful.String()) != want {
		t.Errorf("%q, %v", colourful, err)
	}
}

func TestFailuresText(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 1, 2, 0, time.FixedZone("", 3600))
	failures := []deploy.Failure{{
		StackRef: laika, What: laika.String() + ": update failed: Asg", Resource: "Asg", Type: "AWS::AutoScaling::AutoScalingGroup",
		Reason: "Received 1 FAILURE signal", Origin: "laika.json:3:5", Others: []string{"Topic: no"},
		Boot:  []deploy.Boot{{Instance: "i-1", Lines: []string{"volumes: no free slot", "\x1b[2Jgone"}, Last: at}},
		State: "it was rolled back: the app runs as before", Next: "spacel deploy build --stack us-east-1/production-laika",
	}}
	var out strings.Builder
	if err := failuresText(&out, failures, false); err != nil {
		t.Fatal(err)
	}
	want := `
us-east-1/production-laika failed: update failed: Asg
  Asg  AWS::AutoScaling::AutoScalingGroup  laika.json:3:5
  Received 1 FAILURE signal
  also: Topic: no
  boot log of i-1, the last at 09:01:02Z
    | volumes: no free slot
    | �[2Jgone
  it was rolled back: the app runs as before
  next: spacel deploy build --stack us-east-1/production-laika
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestEventText(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 1, 2, 0, time.FixedZone("", 3600))
	of := func(kind activity.Kind, status, reason string) activity.Event {
		return activity.Event{Time: at, Kind: kind, Region: laika.Region, Stack: laika.Name, Status: status, Reason: reason}
	}
	resource := of(activity.Resource, "CREATE_FAILED", "no\nmore")
	resource.Resource, resource.Type, resource.Origin = "Sg", "AWS::EC2::SecurityGroup", "laika.json:1:2"
	for want, e := range map[string]activity.Event{
		"09:01:02Z  us-east-1/production-laika  started update": of(activity.Started,
			"update", ""),
		"09:01:02Z  us-east-1/production-laika  waiting: for us-east-1/production-vpc": of(activity.Waiting,
			"UPDATE_IN_PROGRESS", "for us-east-1/production-vpc"),
		"09:01:02Z  us-east-1/production-laika  UPDATE_IN_PROGRESS": of(activity.Resource,
			"UPDATE_IN_PROGRESS", ""),
		"09:01:02Z  us-east-1/production-laika  Sg  AWS::EC2::SecurityGroup  CREATE_FAILED: no more  laika.json:1:2": resource,
		"09:01:02Z  -  warning: clean up": {Time: at,
			Kind: activity.Warning, Reason: "clean up"},
		"09:01:02Z  us-east-1  uploaded: https://b": {Time: at,
			Kind: activity.Uploaded, Region: "us-east-1", Reason: "https://b"},
	} {
		if got := eventText(e); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// begun is a tree some time after a run began.
func begun(colour bool) (*tree, time.Time) {
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	vpc, web := assembly.StackRef{Region: "us-east-1", Name: "production-vpc"},
		assembly.StackRef{Region: "eu-west-1", Name: "production-vpc"}
	t := newTree(colour, start, "deployed", []assembly.StackRef{laika, vpc, web})
	note := func(after time.Duration, ref assembly.StackRef, kind activity.Kind, resource, status string) {
		t.note(activity.Event{Time: start.Add(after), Kind: kind, Region: ref.Region, Stack: ref.Name, Resource: resource, Type: "AWS::X",
			Status: status, Total: 3}, start.Add(after))
	}
	note(0, vpc, activity.Started, "", "create")
	note(0, web, activity.Started, "", "update")
	note(0, web, activity.Resource, "", "UPDATE_IN_PROGRESS")
	note(5*time.Second, web, activity.Resource, "B", "UPDATE_IN_PROGRESS")
	note(6*time.Second, web, activity.Resource, "A", "UPDATE_IN_PROGRESS")
	note(7*time.Second, web, activity.Resource, "C", "UPDATE_IN_PROGRESS")
	note(8*time.Second, web, activity.Resource, "C", "UPDATE_COMPLETE")
	note(61*time.Second, vpc, activity.Done, "", "CREATE_COMPLETE")
	return t, start.Add(65 * time.Second)
}

func TestTree(t *testing.T) {
	tree, now := begun(false)
	want := `eu-west-1
  ● production-vpc    updating  1:05  1 of 3 resources done
      B  AWS::X  UPDATE_IN_PROGRESS  1:00
      A  AWS::X  UPDATE_IN_PROGRESS  0:59
us-east-1
  ○ production-laika  pending
  ✓ production-vpc    deployed  1:01
1 of 3 stacks done, 1 running  1:05`
	if diff := cmp.Diff(want, tree.view(80, 24, now)); diff != "" {
		t.Error(diff)
	}
	tree.footer = "waiting"
	tree.note(activity.Event{Time: tree.began, Kind: activity.Failed, Region: "eu-west-1", Stack: "production-vpc", Reason: "no"}, now)
	got := tree.view(80, 24, now)
	for _, want := range []string{"  ✗ production-vpc    failed  1:05", "10:00:00Z  eu-west-1/production-vpc  failed: no",
		"1 of 3 stacks done, 1 failed  1:05  waiting"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

// Whatever the window's size, the tree fits into it.
func TestTreeFits(t *testing.T) {
	for _, colour := range []bool{false, true} {
		for width := 1; width < 100; width += 7 {
			for height := 6; height < 30; height += 3 {
				tree, now := begun(colour)
				for i := range 40 {
					ref := assembly.StackRef{Region: "ap-southeast-2", Name: "production-app" + strings.Repeat("x", i)}
					tree.note(activity.Event{Kind: activity.Started, Region: ref.Region, Stack: ref.Name, Status: "create"}, now)
				}
				lines := strings.Split(tree.view(width, height, now), "\n")
				if len(lines) >= height {
					t.Fatalf("%d lines in a window of %d", len(lines), height)
				}
				for _, line := range lines {
					if ansi.StringWidth(line) > width {
						t.Fatalf("%d columns: %q", width, line)
					}
				}
			}
		}
	}
}

// many is a tree of apps in four regions: one is finished, some run, and the rest is pending.
func many(apps, running int) (*tree, time.Time) {
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	var refs []assembly.StackRef
	for _, region := range []string{"ap-south-1", "eu-west-1", "us-east-1", "us-west-2"} {
		for i := range apps / 4 {
			refs = append(refs, assembly.StackRef{Region: region, Name: fmt.Sprintf("prod-app%d", i)})
		}
	}
	t := newTree(false, start, "deployed", refs)
	note := func(ref assembly.StackRef, e activity.Event) {
		e.Region, e.Stack = ref.Region, ref.Name
		t.note(e, start)
	}
	note(refs[0], activity.Event{Kind: activity.Done})
	for i := range running {
		ref := refs[(len(refs)/2+i*7)%len(refs)]
		note(ref, activity.Event{Kind: activity.Started, Status: "create"})
		for j := range 5 {
			note(ref, activity.Event{Kind: activity.Resource, Resource: fmt.Sprint("R", j), Type: "AWS::X", Status: "CREATE_IN_PROGRESS"})
		}
	}
	return t, start.Add(time.Minute)
}

// When all resources are updated, the alarms are watched, and the line says how long that still takes.
func TestTreeShowsTheWatch(t *testing.T) {
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	tree := newTree(false, start, "deployed", []assembly.StackRef{laika})
	note := func(after time.Duration, kind activity.Kind, resource, status string) {
		tree.note(activity.Event{Kind: kind, Region: laika.Region, Stack: laika.Name, Resource: resource, Status: status, Total: 1,
			Watch: 10}, start.Add(after))
	}
	note(0, activity.Started, "", "update")
	note(0, activity.Resource, "", "UPDATE_IN_PROGRESS")
	note(time.Second, activity.Resource, "Asg", "UPDATE_IN_PROGRESS")
	if got := tree.view(80, 24, start.Add(time.Minute)); strings.Contains(got, "watching") {
		t.Errorf("it watches before the end of the update:\n%s", got)
	}
	note(time.Minute, activity.Resource, "Asg", "UPDATE_COMPLETE")
	if got := tree.view(80, 24, start.Add(4*time.Minute)); !strings.Contains(got, "watching alarms, 7:00 left") {
		t.Errorf("got\n%s", got)
	}
	note(5*time.Minute, activity.Resource, "", "UPDATE_ROLLBACK_IN_PROGRESS")
	if got := tree.view(80, 24, start.Add(5*time.Minute)); !strings.Contains(got, "rolling back") || strings.Contains(got, "watching") {
		t.Errorf("got\n%s", got)
	}
}

// With thousands of stacks the few in progress are on the screen, and the rest is counted.
func TestTreeShowsActiveStacksFirst(t *testing.T) {
	tree, now := many(4000, 10)
	tree.note(activity.Event{Kind: activity.Failed, Region: "us-west-2", Stack: "prod-app999", Reason: "no"}, now)
	got := tree.view(120, 60, now)
	if n := strings.Count(got, "●"); n != 10 {
		t.Errorf("%d of 10 running stacks are shown:\n%s", n, got)
	}
	for _, want := range []string{"✗ prod-app999", "… and 3988 pending", "1 of 4000 stacks done, 10 running, 1 failed"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if got := tree.view(120, 14, now); !strings.Contains(got, "more lines") || len(strings.Split(got, "\n")) >= 14 {
		t.Errorf("in a window of 14 lines:\n%s", got)
	}
}

func BenchmarkTree(b *testing.B) {
	for _, stacks := range []int{60, 400, 4000, 10000} {
		tree, now := many(stacks, min(stacks/2, 400))
		b.Run(strconv.Itoa(stacks), func(b *testing.B) {
			for b.Loop() {
				tree.view(120, 40, now)
			}
		})
	}
}

func TestElapsed(t *testing.T) {
	for want, d := range map[string]time.Duration{"0:00": -1, "1:05": 65 * time.Second, "59:59": 3599 * time.Second,
		"1:00:01": 3601 * time.Second} {
		if got := elapsed(d); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestDestroyText(t *testing.T) {
	plan := &destroy.Plan{
		Orbit: "production", Name: "laika",
		Unbind: []destroy.Unbind{{StackRef: assembly.StackRef{Region: "us-east-1", Name: "production-belka"},
			Parameters: []string{"GroupOfAppLaika"}, From: []string{laika.String()}}},
		Stacks: []destroy.Stack{{
			StackRef: laika, App: "laika", Status: "ROLLBACK_COMPLETE", Protected: true, Resources: 4,
			Kept: []destroy.Resource{{LogicalID: "Main", PhysicalID: "db-1", Type: "AWS::RDS::DBInstance", Policy: "Snapshot"},
				{LogicalID: "Log", PhysicalID: "/log", Type: "AWS::Logs::LogGroup", Policy: "Retain"}},
			Lost: []destroy.Resource{{LogicalID: "Ip", PhysicalID: "1.2.3.4", Type: "AWS::EC2::EIP"}},
		}},
		Left: []string{"us-east-1: the KMS key alias/production-laika"},
	}
	var out strings.Builder
	if err := destroyText(&out, plan, false); err != nil {
		t.Fatal(err)
	}
	want := `~ us-east-1/production-belka is updated: it no longer reads the outputs of us-east-1/production-laika (GroupOfAppLaika)
- us-east-1/production-laika  4 resources  ROLLBACK_COMPLETE  (termination protection is turned off)
    ! lost: AWS::EC2::EIP Ip (1.2.3.4)
    a last snapshot stays: of AWS::RDS::DBInstance Main (db-1), named production-laika-snapshot-main-…
    stays: AWS::Logs::LogGroup Log (/log)

left in the account, unchanged:
  us-east-1: the KMS key alias/production-laika

1 stack of orbit production will be deleted
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

// firstPlan is the plan of a first deploy: an orbit and an app in two regions.
func firstPlan() *deploy.Plan {
	p := &deploy.Plan{Orbit: "production", Account: "123456789012"}
	for _, region := range []string{"eu-west-1", "us-east-1"} {
		for _, name := range []string{"bastion", "laika", "tables", "vpc"} {
			s := deploy.StackPlan{StackRef: assembly.StackRef{Region: region, Name: "production-" + name}, Action: deploy.Create,
				New: &impact.Summary{Resources: 90, Kinds: []string{"1 network", "30 subnets", "2 policies"},
					Costs: []string{"3 × NAT gateway"}}}
			if name != "vpc" {
				s.Action, s.Why = deploy.Later, "waits for "+region+"/production-vpc"
				s.New.Public = []string{"host name " + region + ".example.com A", "internet → " + name + ":443 (load balancer)"}
			}
			for i := range 90 {
				s.Changes = append(s.Changes, deploy.Change{LogicalID: fmt.Sprint("Subnet", i), Type: "AWS::EC2::Subnet", Action: "Add"})
			}
			p.Stacks = append(p.Stacks, s)
		}
	}
	return p
}

// TestFirstPlanFitsAScreen holds for terminals of several widths: 24 lines, and none wider than the terminal. --verbose has all.
func TestFirstPlanFitsAScreen(t *testing.T) {
	for _, width := range []int{80, 100, 200} {
		var out strings.Builder
		if err := planText(&out, firstPlan(), planStyle{width: width}); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		for _, line := range lines {
			if len([]rune(line)) > width {
				t.Errorf("%d columns: %q", width, line)
			}
		}
		if len(lines) > 24 {
			t.Errorf("%d columns: %d lines\n%s", width, len(lines), out.String())
		}
		for _, want := range []string{"production-vpc create in eu-west-1, us-east-1: 90 resources each", "costs: 3 × NAT gateway",
			"internet → laika:443", "host name REGION.example.com A"} {
			if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), want) {
				t.Errorf("no %q in\n%s", want, out.String())
			}
		}
	}
	var whole strings.Builder
	if err := planText(&whole, firstPlan(), planStyle{verbose: true}); err != nil || strings.Count(whole.String(), "Subnet89") != 8 {
		t.Errorf("--verbose leaves resources out: %v", err)
	}
}

// TestPlanSaysImpact holds that the plan says what users notice, with the way around it.
func TestPlanSaysImpact(t *testing.T) {
	plan := &deploy.Plan{Stacks: []deploy.StackPlan{{StackRef: laika, Action: deploy.Update,
		Impact: []impact.Effect{{Kind: impact.Stops, Text: "traffic stops", Instead: "keep internal_port"}}}}}
	var out strings.Builder
	if err := planText(&out, plan, planStyle{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "  users: traffic stops\n    without that: keep internal_port\n") {
		t.Error(out.String())
	}
}
