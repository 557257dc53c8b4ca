package cloudtest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// grouped is a template with a group of 2 to 20 instances of an image, with an update policy.
func grouped(image, policy string) string {
	return fmt.Sprintf(`{"Resources": {
  "Template": {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": {"ImageId": %q}}},
  "Asg": {"Type": "AWS::AutoScaling::AutoScalingGroup", "CreationPolicy": {"ResourceSignal": {"Count": 2, "Timeout": "PT15M"}},
    "UpdatePolicy": {"AutoScalingScheduledAction": {"IgnoreUnmodifiedGroupSizeProperties": true}, %s},
    "Properties": {"MinSize": "2", "MaxSize": "20", "LaunchTemplate": {"LaunchTemplateId": {"Ref": "Template"},
      "Version": {"Fn::GetAtt": ["Template", "LatestVersionNumber"]}}}}}}`, image, policy)
}

const (
	rollingPolicy = `"AutoScalingRollingUpdate": {"MaxBatchSize": 1, "MinInstancesInService": 2, "PauseTime": "PT15M",
      "WaitOnResourceSignals": true}`
	newGroup = `"AutoScalingReplacingUpdate": {"WillReplace": true}`
)

// updated puts a stack with a group of 18 instances, updates it, and returns the group and the state of the stack.
func (b *cloudFormationEnv) updated(policy string) (*Group, types.StackStatus) {
	b.Helper()
	b.cf.Put(b, Stack{Region: region, Name: "test-web", Status: types.StackStatusCreateComplete, Template: grouped("ami-1", policy),
		Tags: map[string]string{"spacel:orbit": "test"}})
	b.cf.Group(region, "test-web", "Asg").SetDesired(18, "")
	b.cf.Group(region, "test-web", "Asg").Settle()
	made := b.change("next", grouped("ami-2", policy))
	if _, err := b.api.ExecuteChangeSet(b.Context(), &cloudformation.ExecuteChangeSetInput{ChangeSetName: made.ChangeSetId}); err != nil {
		b.Fatal(err)
	}
	b.cf.Settle()
	return b.cf.Group(region, "test-web", "Asg"), b.cf.Seen(region, "test-web").Status
}

// putGroup puts a stack with a group of two instances.
func (b *cloudFormationEnv) putGroup() {
	b.Helper()
	b.cf.Put(b, Stack{Region: region, Name: "test-web", Status: types.StackStatusCreateComplete,
		Template: grouped("ami-1", rollingPolicy)})
}

// A rolling update keeps a group and its size. A replacing update makes a new group, which begins with MinSize: see createGroup.
func TestUpdatesOfGroups(t *testing.T) {
	for name, c := range map[string]struct{ policy, want string }{
		"rolling":   {rollingPolicy, "2 18 20 18"},
		"replacing": {newGroup, "2 2 20 2"},
		"none":      {`"AutoScalingInstanceRefresh": {}`, "2 18 20 18"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newCloudFormationEnv(t)
			g, status := b.updated(c.policy)
			if got := fmt.Sprint(g.Min, g.Desired, g.Max, g.Healthy()); got != c.want || status != types.StackStatusUpdateComplete {
				t.Errorf("%s: minimum, desired, maximum and healthy: got %s, want %s", status, got, c.want)
			}
			if old := len(g.obsolete()); (old > 0) != (name == "none") {
				t.Errorf("%d instances of the old version", old)
			}
		})
	}
}

// A release whose instances do not boot is rolled back: a rolling update to the old version, a replacing one to the old group.
func TestRollbackOfGroups(t *testing.T) {
	for name, policy := range map[string]string{"rolling": rollingPolicy, "replacing": newGroup} {
		t.Run(name, func(t *testing.T) {
			b := newCloudFormationEnv(t)
			b.cf.OnGroup(func(g *Group) {
				first := g.Version
				if strings.Contains(first, `"Version":"2"`) {
					first = "none"
				}
				g.Boot = func(_ *Group, i *Instance) Signal {
					if i.Version == first {
						return Success
					}
					return BootFailure
				}
			})
			g, status := b.updated(policy)
			got := fmt.Sprint(g.Min, g.Desired, g.Max, g.Healthy())
			if got != "2 18 20 18" || status != types.StackStatusUpdateRollbackComplete {
				t.Errorf("%s: got %s", status, got)
			}
		})
	}
}

// A rollback whose instances do not boot either ends in UPDATE_ROLLBACK_FAILED, and can be continued once they do.
func TestRollbackOfAGroupFails(t *testing.T) {
	b := newCloudFormationEnv(t)
	broken := false
	b.cf.OnGroup(func(g *Group) {
		g.Boot = func(*Group, *Instance) Signal {
			if broken {
				return BootFailure
			}
			return Success
		}
	})
	b.putGroup()
	broken = true
	made := b.change("next", grouped("ami-2", rollingPolicy))
	if _, err := b.api.ExecuteChangeSet(b.Context(), &cloudformation.ExecuteChangeSetInput{ChangeSetName: made.ChangeSetId}); err != nil {
		b.Fatal(err)
	}
	b.cf.Settle()
	if status := b.cf.Seen(region, "test-web").Status; status != types.StackStatusUpdateRollbackFailed {
		t.Fatalf("got %s", status)
	}
	broken = false
	_, err := b.api.ContinueUpdateRollback(b.Context(), &cloudformation.ContinueUpdateRollbackInput{StackName: aws.String("test-web")})
	if err != nil {
		t.Fatal(err)
	}
	b.cf.Settle()
	g := b.cf.Group(region, "test-web", "Asg")
	if status := b.cf.Seen(region, "test-web").Status; status != types.StackStatusUpdateRollbackComplete || len(g.obsolete()) > 0 {
		t.Errorf("got %s, %d obsolete", status, len(g.obsolete()))
	}
}

// The calls of EC2 Auto Scaling see the groups of stacks.
func TestGroupCalls(t *testing.T) {
	b := newCloudFormationEnv(t)
	b.putGroup()
	name := b.cf.Group(region, "test-web", "Asg").Name
	api := autoscaling.NewFromConfig(b.cf.Config(t, region))
	set := func(n int32) error {
		in := &autoscaling.SetDesiredCapacityInput{AutoScalingGroupName: &name, DesiredCapacity: &n}
		_, err := api.SetDesiredCapacity(t.Context(), in)
		return err
	}
	if err := set(5); err != nil {
		t.Fatal(err)
	}
	if err := set(21); err == nil || !strings.Contains(err.Error(), "limits 2 and 20") {
		t.Errorf("got %v", err)
	}
	out, err := api.DescribeAutoScalingGroups(t.Context(),
		&autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{name, "no"}})
	if err != nil || len(out.AutoScalingGroups) != 1 {
		t.Fatalf("%v, %v", out, err)
	}
	if g := out.AutoScalingGroups[0]; aws.ToInt32(g.DesiredCapacity) != 5 || aws.ToInt32(g.MaxSize) != 20 || len(g.Instances) != 5 {
		t.Errorf("got %+v", g)
	}
}

// Durations in templates are ISO 8601.
func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"PT15M": 15 * time.Minute, "PT1H": time.Hour, "PT1H30M": 90 * time.Minute, "PT0S": 0, "15": 7,
	} {
		if got := duration(text, 7); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}
