package cloudtest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
)

// groupOperations are the calls of EC2 Auto Scaling about the groups of stacks.
var groupOperations = map[string]func(c *call, operation string, form url.Values) ([]byte, error){
	"DescribeAutoScalingGroups": handle((*call).describeGroups),
	"DescribeScalingActivities": handle((*call).describeScalingActivities),
	"SetDesiredCapacity":        handle((*call).setDesiredCapacity),
	"UpdateAutoScalingGroup":    handle(updateAutoScalingGroup),
}

// groupCalls answers the calls of EC2 Auto Scaling.
type groupCalls struct{ *CloudFormation }

// serve answers a call about groups of this account. Others go to the server of Forward, if there is one.
func (c groupCalls) serve(w http.ResponseWriter, r *http.Request, region string) {
	form, err := readForm(r)
	operation := form.Get("Action")
	run, ok := groupOperations[operation]
	if err != nil || c.forward != nil && (!ok || !c.owns(form)) {
		c.forwardCall(w, r, "autoscaling")
		return
	}
	c.count("autoscaling", operation)
	if !ok {
		answer(w, nil, refuse("InvalidAction", "this test has no autoscaling:%s", operation))
		return
	}
	out, err := c.perform(region, operation, run, form)
	answer(w, out, err)
}

// perform runs an operation under the lock.
func (c groupCalls) perform(region, operation string, run func(*call, string, url.Values) ([]byte, error),
	form url.Values) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.engine.advance(time.Now())
	return run(&call{c.CloudFormation, region, time.Now()}, operation, form)
}

// owns reports whether a call is about groups that stacks of this account have.
func (c groupCalls) owns(form url.Values) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.engine.hasActivities(form) {
		return true
	}
	for key, values := range form {
		if strings.HasPrefix(key, "AutoScalingGroupName") && len(c.engine.groups("", values)) > 0 {
			return true
		}
	}
	return false
}

// groups returns the groups with some names, in a region or in all with "".
func (e *engine) groups(region string, names []string) []*resource {
	var found []*resource
	for _, s := range e.stacks {
		for _, r := range s.listed() {
			if r.group == nil || e.hand.deleted[r.Physical] {
				continue
			}
			if r.exists() && (region == "" || s.region == region) && slices.Contains(names, r.group.Name) {
				found = append(found, r)
			}
		}
	}
	return found
}

// describeGroups describes groups by name. Unknown names are left out.
func (c *call) describeGroups(in *autoscaling.DescribeAutoScalingGroupsInput) (*autoscaling.DescribeAutoScalingGroupsOutput, error) {
	out := &autoscaling.DescribeAutoScalingGroupsOutput{AutoScalingGroups: []types.AutoScalingGroup{}}
	for _, r := range c.engine.groups(c.region, in.AutoScalingGroupNames) {
		g := r.group
		described := types.AutoScalingGroup{
			AutoScalingGroupName: &g.Name, MinSize: aws.Int32(int32(g.Min)), MaxSize: aws.Int32(int32(g.Max)),
			DesiredCapacity: aws.Int32(int32(g.Desired)), VPCZoneIdentifier: aws.String(strings.Join(g.Zones, ",")),
			Instances: []types.Instance{},
		}
		c.engine.hand.launches(r, &described)
		for _, i := range g.Alive() {
			health := "Healthy"
			if i.Unhealthy {
				health = "Unhealthy"
			}
			described.Instances = append(described.Instances, types.Instance{
				InstanceId: &i.ID, AvailabilityZone: &i.Zone, LifecycleState: types.LifecycleState(i.Phase),
				HealthStatus: &health,
			})
		}
		out.AutoScalingGroups = append(out.AutoScalingGroups, described)
	}
	return out, nil
}

// setDesiredCapacity sets a group's desired capacity. One outside of the group's limits is refused.
func (c *call) setDesiredCapacity(in *autoscaling.SetDesiredCapacityInput) (*autoscaling.SetDesiredCapacityOutput, error) {
	found := c.engine.groups(c.region, []string{aws.ToString(in.AutoScalingGroupName)})
	if len(found) == 0 {
		return nil, invalid("AutoScalingGroup name not found - null")
	}
	g, n := found[0].group, int(aws.ToInt32(in.DesiredCapacity))
	if n < g.Min || n > g.Max {
		return nil, invalid("New SetDesiredCapacity value %d is outside of the limits %d and %d for the AutoScalingGroup.", n, g.Min, g.Max)
	}
	g.Desired = n
	g.Settle()
	return &autoscaling.SetDesiredCapacityOutput{}, nil
}
