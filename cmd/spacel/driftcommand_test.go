package main

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/deploy/temporary"
	"github.com/pebble/spacel/internal/cloudtest"
)

// newDrifted is an account with a deployed app, in which somebody opened port 22, set another maximum and another instance class.
func newDrifted(t *testing.T) (*account, string) {
	a := newAccount(t)
	a.build(oddWeb("small"))
	a.must("deploy", "build", "--yes")
	a.expect(a.spacel("status", "build", "--drift"), exitYes, "test-web     good", "drift: 0 differences",
		"good: CloudFormation's last operation succeeded; the template, tags and parameters are the directory's; "+
			"AWS has what the deployed template says, as far as it was compared")
	app := cloudtest.ByHand{Account: a.cf, Region: east, Stack: "test-web"}
	id := app.Open("Sg", cloudtest.HandRule{Protocol: "tcp", From: 22, To: 22, Cidr: "0.0.0.0/0"})
	app.Set("Asg", "MaxSize", 40)
	app.Set("Main", "DBInstanceClass", "huge")
	return a, east + "/test-web/Sg/" + id
}

func TestStatusDrift(t *testing.T) {
	a, id := newDrifted(t)
	a.expect(a.spacel("status", "build"), exitYes, "good: ", "AWS itself was not compared (--drift does)")
	for _, args := range [][]string{{"build"}, {"--orbit", "test"}} {
		a.expect(a.spacel(append([]string{"status", "--drift"}, args...)...), exitNo, "test-web     drifted",
			"Sg: somebody opened internet → ", "Asg: instance_max (MaxSize) is 40, deployed as 1",
			"Main: databases: instance_type (DBInstanceClass) is huge, deployed as small", "drift: 3 differences")
	}
	var out struct {
		Version int
		OK      bool
		Drift   struct {
			Version int
			Drift   []struct{ ID, Text, Field string }
		}
	}
	s := a.spacel("status", "build", "--drift", "--output", "json")
	if err := json.Unmarshal([]byte(s.stdout), &out); err != nil || out.OK || out.Version != 1 || out.Drift.Version != 1 ||
		len(out.Drift.Drift) != 3 || out.Drift.Drift[2].ID != id || out.Drift.Drift[0].Field != "instance_max" {
		t.Errorf("%v: %+v", err, out)
	}
	a.expect(a.spacel("status", "build", "--drift", "--stack", "test-vpc"), exitYes, "0 differences")
}

// CloudFormation repairs the instance class, and the group's maximum is set back. The rule goes only when it is named.
func TestRevertDrift(t *testing.T) {
	a, id := newDrifted(t)
	a.unchanged(func() {
		a.expect(a.spacel("deploy", "build", "--revert-drift", "--dry-run"), exitNo, "ID "+id, "DBInstanceClass")
		a.expect(a.spacel("deploy", "build", "--revert-drift"), exitError, "there is no terminal to ask on")
		a.expect(a.spacel("deploy", "build", "--revert-drift", "--yes", "--remove", id+"x"), exitError,
			"no rule or policy of this ID was added; nothing was changed")
		a.expect(a.spacel("deploy", "build", "--remove", id), exitError, "--remove is only for --revert-drift")
		a.expect(a.spacel("deploy", "build", "--revert-drift", "--version", "v2"), exitError, "leave --version out")
	})
	s := a.spacel("deploy", "build", "--revert-drift", "--yes")
	a.expect(s, exitNo, "1 updated", "read again: ", "drift: 1 difference, 6 of 6 resources compared",
		"it stays: give --remove "+id+" to remove it")
	if strings.Contains(s.stdout[strings.Index(s.stdout, "read again"):], "MaxSize") {
		t.Errorf("the maximum is not set back:\n%s", s.stdout)
	}
	if g := a.cf.Group(east, "test-web", "Asg"); g.Max != 1 {
		t.Errorf("the maximum is %d", g.Max)
	}
	a.expect(a.spacel("deploy", "build", "--revert-drift", "--yes", "--remove", id), exitYes, "drift: 0 differences")
	a.expect(a.spacel("status", "build", "--drift"), exitYes, "drift: 0 differences")
	a.expect(a.spacel("deploy", "build", "--revert-drift"), exitYes, "drift: 0 differences")
}

// With --output json each line is an object: the drift before, the plan, the events, the summary, and the drift after.
func TestRevertDriftJSON(t *testing.T) {
	a, id := newDrifted(t)
	s := a.spacel("deploy", "build", "--revert-drift", "--yes", "--remove", id, "--output", "json")
	a.expect(s, exitYes)
	var kinds []string
	for line := range strings.SplitSeq(strings.TrimSpace(s.stdout), "\n") {
		var object struct{ Kind string }
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		kinds = append(kinds, object.Kind)
	}
	if !regexp.MustCompile(`^drift plan .* summary drift$`).MatchString(strings.Join(kinds, " ")) {
		t.Errorf("the lines are %v", kinds)
	}
}

// scaledItem is the record of spacel scale in the table of releases: from 1 instance to 3 at least and 5 at most.
func scaledItem(t *testing.T, group string, until time.Time) cloudtest.Item {
	body, err := json.Marshal(temporary.State{Format: 1, Kind: temporary.Scale, App: "web", Since: until.Add(-time.Hour), Until: &until,
		By: "arn:aws:iam::123456789012:user/ada", Group: group, Set: &temporary.Sizes{Min: 3, Max: 5, Desired: 3},
		Before: &temporary.Sizes{Min: 1, Max: 1, Desired: 1}})
	if err != nil {
		t.Fatal(err)
	}
	return cloudtest.Item{"kind": {"S": document.StateKind("web")}, "id": {"S": "scale"}, "state": {"S": string(body)}}
}

// newScaled is an account with a deployed app whose sizes spacel scale has set until a time.
func newScaled(t *testing.T, until time.Time) (*account, cloudtest.ByHand) {
	a := newAccount(t)
	a.tables = oddTables
	a.build(oddWeb("small"))
	a.must("deploy", "build", "--yes")
	cloudtest.SetItems(a.cf, east, "test-releases", append(cloudtest.ItemsOf(a.cf, east, "test-releases"),
		scaledItem(t, a.cf.Seen(east, "test-web").IDs["Asg"], until)))
	app := cloudtest.ByHand{Account: a.cf, Region: east, Stack: "test-web"}
	app.Set("Asg", "MinSize", 3)
	app.Set("Asg", "MaxSize", 5)
	return a, app
}

// Sizes by spacel scale are no drift, and taking drift back leaves them alone: it says which command ends them.
func TestScaleIsNoDrift(t *testing.T) {
	a, app := newScaled(t, time.Now().Add(time.Hour))
	end := "temporary, no drift: us-east-1/test-web: scaled by hand: at least 3, at most 5 instances, until "
	by := ", by arn:aws:iam::123456789012:user/ada; spacel scale web off --orbit test ends it, and so does the next deploy"
	a.expect(a.spacel("status", "build", "--drift"), exitYes, "test-web     good", "drift: 0 differences", end, by)
	a.expect(a.spacel("deploy", "build", "--revert-drift", "--yes"), exitYes, "drift: 0 differences", end, by)
	var out struct {
		Drift struct {
			Temporary []struct{ Name, Kind, Until, End string }
		}
	}
	s := a.spacel("status", "build", "--drift", "--output", "json")
	if err := json.Unmarshal([]byte(s.stdout), &out); err != nil || len(out.Drift.Temporary) != 1 ||
		out.Drift.Temporary[0].Kind != "scale" || out.Drift.Temporary[0].Name != "test-web" || out.Drift.Temporary[0].Until == "" {
		t.Errorf("%v: %s", err, s.stdout)
	}

	// Another change in the stack is taken back, and somebody's own size beside the ones of scale is set back to those.
	app.Set("Main", "DBInstanceClass", "huge")
	app.Set("Asg", "MaxSize", 40)
	s = a.spacel("deploy", "build", "--revert-drift", "--yes")
	a.expect(s, exitYes, "instance_max (MaxSize) is 40, deployed as 1; spacel scale has set it to 5 for now", "drift: 2 differences",
		"1 updated", "drift: 0 differences")
	if g := a.cf.Group(east, "test-web", "Asg"); g.Max != 5 || g.Min != 3 {
		t.Errorf("the group has %d to %d instances", g.Min, g.Max)
	}
	if items := cloudtest.ItemsOf(a.cf, east, "test-releases"); !slices.ContainsFunc(items, func(i cloudtest.Item) bool {
		return i["id"]["S"] == "scale"
	}) {
		t.Errorf("the change is ended: %v", items)
	}
}

// Sizes that are left after the stated end are drift.
func TestScaleThatDidNotEnd(t *testing.T) {
	a, _ := newScaled(t, time.Now().Add(-time.Hour))
	s := a.spacel("status", "build", "--drift")
	a.expect(s, exitNo, "instance_max (MaxSize) is 5, deployed as 1; spacel scale had set it until ", "and AWS did not end that",
		"drift: 2 differences")
	if strings.Contains(s.stdout, "no drift") {
		t.Error(s.stdout)
	}
}

// A report without the changes of spacel scale is not clean, and the sizes that it cannot explain are drift.
func TestDriftWithUnreadableChanges(t *testing.T) {
	a, _ := newScaled(t, time.Now().Add(time.Hour))
	items := cloudtest.ItemsOf(a.cf, east, "test-releases")
	i := slices.IndexFunc(items, func(i cloudtest.Item) bool { return i["id"]["S"] == "scale" })
	items[i]["state"] = map[string]any{"S": `{"format": 99}`}
	cloudtest.SetItems(a.cf, east, "test-releases", items)
	a.expect(a.spacel("deploy", "build", "--revert-drift", "--dry-run"), exitNo, "instance_max (MaxSize) is 5, deployed as 1",
		"not compared: us-east-1/test-tables: changes by spacel scale and maintenance are not known: ", "a record has format 99")
}
