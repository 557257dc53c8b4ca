package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

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
