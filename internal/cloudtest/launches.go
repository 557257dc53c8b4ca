package cloudtest

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	cloudformation "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// FailedLaunch makes EC2 launch no instance of a stack's group when the group is created or updated. The group stays in progress for a
// while, and CloudFormation then says only that it received no signal (github.com/widdix/aws-cf-templates/issues/186).
type FailedLaunch struct {
	Region, Stack, Logical string
	Message                string        // one of the below
	Lasts                  time.Duration // of the group's state in progress
	Recovers               bool          // the launch succeeds in the end
}

// AWS's messages for launches that fail, as DescribeScalingActivities gives them in StatusMessage.
const (
	// Of a new account: github.com/kubernetes/autoscaler/issues/1263 shows such an activity whole, and the error VcpuLimitExceeded has
	// these words since the quotas count vCPUs.
	LaunchOverQuota = "You have requested more vCPU capacity than your current vCPU limit of 5 allows for the instance bucket that the " +
		"specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this " +
		"limit. Launching EC2 instance failed."
	// github.com/kubernetes/autoscaler/issues/1402
	LaunchWithoutCapacity = "We currently do not have sufficient t3.nano capacity in the Availability Zone you requested (us-east-1a). " +
		"Our system will be working on provisioning additional capacity. You can currently get t3.nano capacity by not specifying an " +
		"Availability Zone in your request or choosing us-east-1b. Launching EC2 instance failed."
	// https://docs.aws.amazon.com/autoscaling/ec2/userguide/ts-as-instancelaunchfailure.html: the key of an encrypted volume
	LaunchWithoutKey = "Instance became unhealthy while waiting for instance to be in InService state. Termination Reason: " +
		"Client.InternalError: Client error on launch"
	// Quoted in Terraform modules for ECS, whose images have 30 GiB.
	LaunchOfLargeImage = "Volume of size 8GB is smaller than snapshot 'snap-0a2a6b21a0c4cda56', expect size >= 30GB. " +
		"Launching EC2 instance failed."
)

// FailLaunch arranges a failed launch, once.
func FailLaunch(c *CloudFormation, f FailedLaunch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.engine.launches = append(c.engine.launches, &f)
}

// failedLaunch returns and forgets the failure arranged for a group, nil if there is none.
func (e *engine) failedLaunch(s *stack, logical string) *FailedLaunch {
	i := slices.IndexFunc(e.launches, func(f *FailedLaunch) bool {
		return f.Region == s.region && f.Stack == s.name && f.Logical == logical
	})
	if i < 0 {
		return nil
	}
	f := e.launches[i]
	e.launches = slices.Delete(e.launches, i, i+1)
	return f
}

// beginLaunch adds the activity of a failed launch. A new group has its name, and the event for it, while it is in progress: the events
// of a creation are CREATE_IN_PROGRESS without a physical id, and CREATE_IN_PROGRESS "Resource creation Initiated" with it.
func (g *change) beginLaunch(at time.Time, f *resourceChange) {
	if f.next.Type != groupType {
		return
	}
	if f.launch = g.engine.failedLaunch(g.s, f.next.Logical); f.launch == nil {
		return
	}
	if f.verb == Create {
		g.engine.serial++
		f.next.Physical = g.s.newPhysical(f.next.Logical, f.next.Type, f.next.Properties, g.engine.serial)
		g.s.mark(at, f.next, cloudformation.ResourceStatusCreateInProgress, "Resource creation Initiated")
	}
	f.launchEnds = at.Add(f.launch.Lasts)
	g.engine.activities = append(g.engine.activities, launchActivity(g.s.region, f.next.Physical, f.launch.Message, at,
		len(g.engine.activities)))
}

// launchPending reports whether a group of a level still waits for its launch.
func (g *change) launchPending(at time.Time, level []string) bool {
	return slices.ContainsFunc(level, func(logical string) bool {
		f := g.ongoing[logical]
		return f != nil && f.launch != nil && at.Before(f.launchEnds)
	})
}

// failLaunches ends the groups of a level whose launches failed. Their activities stay when the groups are deleted.
func (g *change) failLaunches(at time.Time, level []string) {
	for _, logical := range level {
		if f := g.ongoing[logical]; f != nil && f.launch != nil && !f.launch.Recovers {
			g.failResource(at, logical, f, "Received 0 SUCCESS signal(s) out of 1. "+unsatisfied)
		}
	}
}

// activity is a scaling activity in a region.
type activity struct {
	region string
	types.Activity
}

// launchActivity is the activity of a launch that failed, in the form of github.com/kubernetes/autoscaler/issues/1263. EC2 cancels the
// launch of an instance that ended again.
func launchActivity(region, group, message string, at time.Time, serial int) activity {
	code := types.ScalingActivityStatusCodeFailed
	if strings.HasPrefix(message, "Instance became unhealthy") {
		code = types.ScalingActivityStatusCodeCancelled
	}
	return activity{region, types.Activity{
		ActivityId: aws.String(digest(36, group, serial)), AutoScalingGroupName: &group, StartTime: &at, EndTime: &at,
		StatusCode: code, StatusMessage: &message, Progress: aws.Int32(100),
		Description: aws.String("Launching a new EC2 instance.  Status Reason: " + message),
		Cause: aws.String(fmt.Sprintf("At %s an instance was started in response to a difference between desired and actual capacity, "+
			"increasing the capacity from 0 to 1.", at.UTC().Format(time.RFC3339))),
	}}
}

// describeScalingActivities returns the activities of a group, the newest first. A deleted group's are only there for a caller who asks
// for them (API Reference, IncludeDeletedGroups). An unknown group is a ValidationError.
func (c *call) describeScalingActivities(
	in *autoscaling.DescribeScalingActivitiesInput,
) (*autoscaling.DescribeScalingActivitiesOutput, error) {
	name := aws.ToString(in.AutoScalingGroupName)
	exists := len(c.engine.groups(c.region, []string{name})) > 0
	out := &autoscaling.DescribeScalingActivitiesOutput{Activities: []types.Activity{}}
	for _, a := range slices.Backward(c.engine.activities) {
		if a.region == c.region && aws.ToString(a.AutoScalingGroupName) == name && (exists || aws.ToBool(in.IncludeDeletedGroups)) {
			out.Activities = append(out.Activities, a.Activity)
		}
	}
	if !exists && !aws.ToBool(in.IncludeDeletedGroups) {
		return nil, invalid("AutoScalingGroup name not found - AutoScalingGroup %s not found", name)
	}
	return out, nil
}

// hasActivities reports whether a call is about a group with activities, which may be deleted.
func (e *engine) hasActivities(form url.Values) bool {
	return slices.ContainsFunc(e.activities, func(a activity) bool {
		return aws.ToString(a.AutoScalingGroupName) == form.Get("AutoScalingGroupName")
	})
}
