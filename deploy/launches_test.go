package deploy

import (
	"strings"
	"testing"
	"time"

	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/internal/cloudtest"
)

const groupTemplate = `{"Resources": {
  "Asg": {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": {"MinSize": "1", "MaxSize": "%s"}}}}`

// launchEnv is an environment in which the group of the next operation launches no instance.
func launchEnv(t *testing.T, message string) *deployEnv {
	b := newEnv(t)
	b.options.Patience = 400 * time.Millisecond
	cloudtest.FailLaunch(b.cf, cloudtest.FailedLaunch{Region: east, Stack: "test-web", Logical: "Asg", Message: message,
		Lasts: 300 * time.Millisecond})
	return b
}

func web(size string) built {
	return testStack(east, "test-web", strings.Replace(groupTemplate, "%s", size, 1))
}

// The reason is told while the group is in progress, once, and is the explanation at the end, when the group is deleted already.
func TestFailedLaunchesAreTold(t *testing.T) {
	for message, next := range map[string]string{
		cloudtest.LaunchOverQuota:       "ask for a higher quota of vCPUs",
		cloudtest.LaunchWithoutCapacity: "wait, choose another instance_type",
		cloudtest.LaunchWithoutKey:      "AWSServiceRoleForAutoScaling",
		cloudtest.LaunchOfLargeImage:    "raise root_volume.size",
	} {
		t.Run(message[:20], func(t *testing.T) {
			b := launchEnv(t, message)
			r := b.deploy(web("1"))
			b.expect(r, "test-web failed")
			if b.cf.Seen(east, "test-web") != nil {
				t.Fatal("the failed creation left a stack")
			}
			got := b.told(activity.LaunchFailed)
			if len(got) != 1 || !strings.Contains(got[0], message+" → ") || !strings.Contains(got[0], next) {
				t.Errorf("told %q", got)
			}
			f := r.Failures[0]
			if len(f.Launches) != 1 || f.Launches[0].Message != message || f.Launches[0].Time.IsZero() {
				t.Errorf("got %+v", f.Launches)
			}
			b.says(f.Next, next, "then run spacel deploy")
			if strings.Contains(f.Next, "console") {
				t.Errorf("advice about an instance that never was: %s", f.Next)
			}
		})
	}
}

func TestFailedLaunchOfAnUpdate(t *testing.T) {
	b := newEnv(t)
	b.deploy(web("1"))
	b.options.Patience = 400 * time.Millisecond
	cloudtest.FailLaunch(b.cf, cloudtest.FailedLaunch{Region: east, Stack: "test-web", Logical: "Asg", Message: cloudtest.LaunchOverQuota,
		Lasts: 200 * time.Millisecond})
	r := b.deploy(web("2"))
	b.expect(r, "test-web failed")
	if f := r.Failures[0]; len(f.Launches) != 1 || len(b.told(activity.LaunchFailed)) != 1 {
		t.Errorf("got %+v, told %v", f, b.told(activity.LaunchFailed))
	}
	// An older failure is not that of the next operation.
	b.cf.Fail(cloudtest.Failure{Region: east, Stack: "test-web", Logical: "Asg", When: cloudtest.Update, Reason: "something else"})
	if f := b.deploy(web("2")).Failures[0]; len(f.Launches) > 0 {
		t.Errorf("got %+v", f.Launches)
	}
}

// A group that gets its instances in the end is no failure.
func TestLaunchesThatRecover(t *testing.T) {
	b := newEnv(t)
	b.options.Patience = 400 * time.Millisecond
	cloudtest.FailLaunch(b.cf, cloudtest.FailedLaunch{
		Region: east, Stack: "test-web", Logical: "Asg", Message: cloudtest.LaunchWithoutCapacity,
		Lasts: 200 * time.Millisecond, Recovers: true,
	})
	b.expect(b.deploy(web("1")), "test-web created")
	if got := b.told(activity.LaunchFailed); len(got) != 1 {
		t.Errorf("told %v", got)
	}
}
