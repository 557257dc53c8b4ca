package agent

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/pebble/spacel/agent/slots"
)

// slotHolder is the state of an instance that claimed a slot, to EC2 and to its auto scaling group.
type slotHolder struct {
	state     ec2types.InstanceStateName // "" when EC2 does not know the instance
	lifecycle string                     // of EC2 Auto Scaling, such as InService or Terminating:Wait; "" outside of a group
}

// String describes the holder for the log.
func (h slotHolder) String() string {
	if h.lifecycle == "" || h.lifecycle == "InService" {
		return stateText(h.state)
	}
	return stateText(h.state) + ", " + h.lifecycle
}

// visibilityDelay is how long after a claim an unknown holder still counts as running. EC2's answers may lag behind the
// launch of an instance. The holder ran this agent, so it was launched minutes ago already, and ten more are ample.
const visibilityDelay = 10 * time.Minute

// of returns the state of a slot's holder, in the terms of the decision. A holder that its group has begun to terminate is leaving,
// though EC2 shows it as running: the group first waits until the load balancer has let its targets go, for
// deregistration_delay (EC2 Auto Scaling User Guide, "Amazon EC2 Auto Scaling instance lifecycle").
func (h slotHolder) of(s *slot) slots.Holder {
	switch h.state {
	case ec2types.InstanceStateNameTerminated, ec2types.InstanceStateNameStopped:
		return slots.Ended
	case ec2types.InstanceStateNameShuttingDown, ec2types.InstanceStateNameStopping:
		return slots.Leaving
	case "":
		if s.instance == "" || time.Since(time.Unix(s.claimed, 0)) > visibilityDelay {
			return slots.None
		}
	}
	if strings.HasPrefix(h.lifecycle, "Terminat") {
		return slots.Leaving
	}
	return slots.Staying
}

// holders asks for the state of each slot's holder.
func (m volumeManager) holders(ctx context.Context, all []*slot) (map[string]slotHolder, error) {
	var ids []string
	for _, s := range all {
		if s.instance != "" {
			ids = append(ids, s.instance)
		}
	}
	known, err := describeInstances(ctx, m.ec2, ids)
	if err != nil {
		return nil, err
	}
	seen := map[string]slotHolder{}
	var running []string
	for _, id := range ids {
		state := stateOf(known[id])
		seen[id] = slotHolder{state: state}
		if state == ec2types.InstanceStateNameRunning {
			running = append(running, id)
		}
	}
	return seen, m.lifecycles(ctx, running, seen)
}

// maxScalingInstances is how many instances one call of DescribeAutoScalingInstances may name (EC2 Auto Scaling API Reference).
const maxScalingInstances = 50

// lifecycles adds the states in the auto scaling group.
func (m volumeManager) lifecycles(ctx context.Context, ids []string, seen map[string]slotHolder) error {
	for some := range slices.Chunk(ids, maxScalingInstances) {
		pages := autoscaling.NewDescribeAutoScalingInstancesPaginator(m.scaling,
			&autoscaling.DescribeAutoScalingInstancesInput{InstanceIds: some})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return fmt.Errorf("describe the instances of the auto scaling group: %w", err)
			}
			for _, i := range page.AutoScalingInstances {
				id := aws.ToString(i.InstanceId)
				seen[id] = slotHolder{state: seen[id].state, lifecycle: aws.ToString(i.LifecycleState)}
			}
		}
	}
	return nil
}
