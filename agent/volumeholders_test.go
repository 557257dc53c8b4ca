package agent

import (
	"fmt"
	"strings"
	"testing"
)

// While the holder of the app's volume leaves, its successor waits for it beside an empty slot: a rolling update launches the successor
// seconds after it began to terminate the holder. When the app is scaled out, the holder stays, and the empty slot is taken.
func TestEmptySlotBesideAHolder(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lifecycle, state string
		waits            string
	}{
		"the load balancer lets it go": {"Terminating", "running", "0 by i-%s (running, Terminating)"},
		"a hook holds it":              {"Terminating:Wait", "running", "0 by i-%s (running, Terminating:Wait)"},
		"it shuts down":                {"", "shutting-down", "0 by i-%s (shutting-down)"},
		"it stops":                     {"", "stopping", "0 by i-%s (stopping)"},
		"it is in service":             {"InService", "running", ""},
		"its hook is open at launch":   {"Pending:Wait", "running", ""},
		"it is in no group":            {"", "running", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newVolumeEnv(t)
			first := l.launch("us-east-1a", data(2))
			first.mustMount()
			first.write("/mnt/data", "1")
			second := l.launch("us-east-1a", data(2))
			second.alter = func(action, answer string) string {
				switch action {
				case "DescribeInstances":
					return strings.ReplaceAll(answer, "<name>running</name>", "<name>"+c.state+"</name>")
				case "DescribeAutoScalingInstances":
					return scalingInstance(first.id(), c.lifecycle)
				}
				return answer
			}
			err := second.claimSlot()
			if c.waits == "" {
				if err != nil || second.slot(1).instance != second.id() {
					t.Errorf("did not take the empty slot: %v", err)
				}
				return
			}
			if want := fmt.Sprintf(c.waits, strings.TrimPrefix(first.id(), "i-")); err == nil || !strings.Contains(err.Error(), want) {
				t.Fatalf("got %v, want %s", err, want)
			}
			second.alter = nil
			first.terminate()
			second.mustMount()
			if second.read("/mnt/data") != "1" {
				t.Error("the app does not see its data")
			}
		})
	}
}

// scalingInstance is the answer of DescribeAutoScalingInstances about an instance, or about one outside of any group.
func scalingInstance(id, lifecycle string) string {
	member := ""
	if lifecycle != "" {
		member = "<member><InstanceId>" + id + "</InstanceId><LifecycleState>" + lifecycle + "</LifecycleState></member>"
	}
	return `<DescribeAutoScalingInstancesResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/">` +
		"<DescribeAutoScalingInstancesResult><AutoScalingInstances>" + member +
		"</AutoScalingInstances></DescribeAutoScalingInstancesResult></DescribeAutoScalingInstancesResponse>"
}
