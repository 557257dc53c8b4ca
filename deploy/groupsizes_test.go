package deploy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/impact"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/internal/cloudtest"
)

// scalable is an app's stack with a group of 2 to 20 instances of an image. Its policy is rolling or redblack.
func scalable(policy, image string, change ...func(*assembly.Stack)) built {
	parameter, update, sizes, count := "Capacity", `"AutoScalingReplacingUpdate": {"WillReplace": true}`,
		`"MinSize": "2", "MaxSize": "20", "DesiredCapacity": {"Ref": "Capacity"}`, `{"Ref": "Capacity"}`
	size := assembly.GroupSize{Of: assembly.SizeDesired, Default: 2, Min: 2, Max: 20}
	if policy == "rolling" {
		parameter, sizes, count = "InstancesInService", `"MinSize": "2", "MaxSize": "20"`, "2"
		update = `"AutoScalingRollingUpdate": {"MaxBatchSize": 1, "MinInstancesInService": {"Ref": "InstancesInService"},
			"PauseTime": "PT15M", "WaitOnResourceSignals": true}`
		size = assembly.GroupSize{Of: assembly.SizeInService, Default: 2, Min: 2, Max: 20, Batch: 1}
	}
	template := fmt.Sprintf(`{"Parameters": {%q: {"Type": "Number"}}, "Resources": {
		"Topic": {"Type": "AWS::SNS::Topic"},
		"LaunchTemplate": {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": {"ImageId": %q}}},
		"Asg": {"Type": "AWS::AutoScaling::AutoScalingGroup",
			"CreationPolicy": {"ResourceSignal": {"Count": %s, "Timeout": "PT15M"}},
			"UpdatePolicy": {"AutoScalingScheduledAction": {"IgnoreUnmodifiedGroupSizeProperties": true}, %s},
			"Properties": {%s, "LaunchTemplate": {"LaunchTemplateId": {"Ref": "LaunchTemplate"},
				"Version": {"Fn::GetAtt": ["LaunchTemplate", "LatestVersionNumber"]}}}}},
		"Outputs": {"AutoScalingGroup": {"Value": {"Ref": "Asg"}}}}`, parameter, image, count, update, sizes)
	return testStack(east, "test-web", template, append([]func(*assembly.Stack){func(s *assembly.Stack) {
		s.Parameters[parameter] = assembly.ValueFrom{GroupSize: &size}
	}}, change...)...)
}

// live returns the sizes of the app's group, and how many targets are healthy.
func (b *deployEnv) live() string {
	b.Helper()
	g := b.cf.Group(east, "test-web", "Asg")
	return fmt.Sprint(g.Min, g.Desired, g.Max, g.Healthy())
}

// scale sets the desired capacity, as an alarm does.
func (b *deployEnv) scale(n int) {
	b.Helper()
	g := b.cf.Group(east, "test-web", "Asg")
	g.SetDesired(n, "")
	g.Settle()
}

// A red-black update begins with as many instances as the old group has, whatever scaling has made of it.
func TestRedBlackKeepsTheCapacity(t *testing.T) {
	b := newEnv(t)
	image := "ami-1"
	b.expect(b.deploy(scalable("redblack", image)), "test-web created")
	for _, n := range []int{18, 2, 20} {
		b.scale(n)
		before := b.cf.Group(east, "test-web", "Asg").Name
		b.expect(b.deploy(scalable("redblack", image)), "test-web unchanged") // scaling alone is no difference
		image = fmt.Sprint("ami-for-", n)
		d := b.prepared(scalable("redblack", image))
		if diff := cmp.Diff(&Instances{Before: n, After: n, Policy: "redblack"}, d.Plan.Stacks[0].Instances); diff != "" {
			t.Error(diff)
		}
		r, err := d.Execute(b.Context(), b.user, nil)
		if err != nil {
			t.Fatal(err)
		}
		b.expect(r, "test-web updated")
		if got, want := b.live(), fmt.Sprint(2, n, 20, n); got != want || before == b.cf.Group(east, "test-web", "Asg").Name {
			t.Errorf("got %s, want %s in a new group", got, want)
		}
	}
}

// A change that replaces no instance leaves the group and the deployed size as they are.
func TestSizesStayWithoutAReplacement(t *testing.T) {
	for _, policy := range []string{"rolling", "redblack"} {
		b := newEnvNow(t)
		b.expect(b.deploy(scalable(policy, "ami-1")), "test-web created")
		b.scale(9)
		other := scalable(policy, "ami-1")
		d := b.prepared(testStack(east, "test-web", strings.Replace(other.template, `"AWS::SNS::Topic"`,
			`"AWS::SNS::Topic", "Properties": {"DisplayName": "x"}`, 1), func(s *assembly.Stack) { s.Parameters = other.Parameters }))
		if plan := d.Plan.Stacks[0]; plan.Instances != nil || len(plan.Parameters) > 0 || len(plan.Changes) != 1 {
			t.Errorf("%s: %+v", policy, plan)
		}
		r, err := d.Execute(b.Context(), b.user, nil)
		if err != nil {
			t.Fatal(err)
		}
		b.expect(r, "test-web updated")
		if got := b.live(); got != "2 9 20 9" {
			t.Errorf("%s: got %s", policy, got)
		}
	}
}

// A rolling update keeps as many instances in service as run, as far as the maximum leaves room.
func TestRollingKeepsTheCapacity(t *testing.T) {
	for n, c := range map[int]struct{ inService, fewest int }{2: {2, 2}, 18: {18, 18}, 20: {19, 19}} {
		b := newEnvNow(t)
		b.expect(b.deploy(scalable("rolling", "ami-1")), "test-web created")
		b.scale(n)
		fewest := n
		b.cf.Group(east, "test-web", "Asg").Watch = func(g *cloudtest.Group) { fewest = min(fewest, g.Healthy()) }
		d := b.prepared(scalable("rolling", "ami-2"))
		want := &Instances{Before: n, After: n, Policy: "rolling", InService: c.inService, Batch: 1}
		if diff := cmp.Diff(want, d.Plan.Stacks[0].Instances); diff != "" {
			t.Error(diff)
		}
		r, err := d.Execute(b.Context(), b.user, nil)
		if err != nil {
			t.Fatal(err)
		}
		b.expect(r, "test-web updated")
		if got := b.live(); got != fmt.Sprint(2, n, 20, n) || fewest != c.fewest {
			t.Errorf("%d: got %s, at least %d healthy", n, got, fewest)
		}
	}
}

// After a failed update the group is as large as before, although CloudFormation leaves it larger.
func TestCapacityAfterAFailedUpdate(t *testing.T) {
	b := newEnv(t)
	b.cf.OnGroup(func(g *cloudtest.Group) {
		first := g.Version
		g.Boot = func(_ *cloudtest.Group, i *cloudtest.Instance) cloudtest.Signal {
			if i.Version == first {
				return cloudtest.Success
			}
			return cloudtest.BootFailure
		}
	})
	b.expect(b.deploy(scalable("rolling", "ami-1")), "test-web created")
	b.scale(5)
	b.expect(b.deploy(scalable("rolling", "ami-2")), "test-web failed")
	if got := b.live(); got != "2 5 20 5" {
		t.Errorf("got %s", got)
	}
	told := b.told(activity.Note)
	if len(told) == 0 || !strings.Contains(told[len(told)-1], "the desired capacity is 5 again, as before the update; it was 6") {
		t.Errorf("told %q", told)
	}
}

// An alarm scales the group out between the plan and its execution.
func TestScaledAfterThePlan(t *testing.T) {
	b := newEnv(t)
	b.expect(b.deploy(scalable("redblack", "ami-1")), "test-web created")
	d := b.prepared(scalable("redblack", "ami-2"))
	b.scale(11)
	r, err := d.Execute(b.Context(), b.user, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.expect(r, "test-web updated")
	if got := b.live(); got != "2 11 20 11" {
		t.Errorf("got %s", got)
	}
}

// A redeploy has no artifact, and keeps the capacity, too.
func TestRedeployKeepsTheCapacity(t *testing.T) {
	b := newEnv(t)
	app := scalable("redblack", "ami-1", func(s *assembly.Stack) { s.Parameters["Token"] = assembly.ValueFrom{Token: &assembly.Token{}} })
	app.template = strings.NewReplacer(`"Parameters": {`, `"Parameters": {"Token": {"Type": "String", "Default": ""}, `,
		`"ImageId"`, `"UserData": {"Ref": "Token"}, "ImageId"`).Replace(app.template)
	app = testStack(east, "test-web", app.template, func(s *assembly.Stack) { s.Parameters = app.Parameters })
	b.expect(b.deploy(app), "test-web created")
	b.scale(7)
	b.options.Redeploy = true
	b.expect(b.deploy(app), "test-web updated")
	if got := b.live(); got != "2 7 20 7" {
		t.Errorf("got %s", got)
	}
}

// The plan forecasts from the live number of instances, which scaling made: of 20 that run with room for 20, one is ended first.
func TestForecastOfTheLiveSize(t *testing.T) {
	b := newEnv(t)
	b.expect(b.deploy(scalable("rolling", "ami-1")), "test-web created")
	b.scale(20)
	effect := b.prepared(scalable("rolling", "ami-2")).Plan.Stacks[0].Impact[0]
	if effect.Kind != impact.Reduced || effect.Capacity == nil || *effect.Capacity != 19 || !strings.Contains(effect.Text, "19 of 20") {
		t.Errorf("got %+v", effect)
	}
}
