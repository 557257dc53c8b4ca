package cloudtest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Rolling is an AutoScalingRollingUpdate with WaitOnResourceSignals.
type Rolling struct {
	Batch        int           // MaxBatchSize
	MinInService int           // MinInstancesInService
	Pause        time.Duration // PauseTime: how long to wait for the signals of a batch
	Suspend      []string      // SuspendProcesses
}

// Roll replaces the obsolete instances. The error is CloudFormation's reason when the update fails; the group is then left as it is
// at this moment.
//
// The batch is the smallest of MaxBatchSize, the obsolete instances, and MaxSize less MinInstancesInService. When the group has fewer
// instances than MinInstancesInService and a batch, it is enlarged by the difference first: "Temporarily setting autoscaling group
// MinSize and DesiredCapacity to 9" (guardian: 3, 6 and 9 as minimum, desired and maximum). Otherwise the first batch is terminated
// before anything is launched (guardian, healthy-to-healthy-fully-scaled.md and -partially-scaled.md). An InstanceMaintenancePolicy
// has no effect ("Rolling updates don't honor the instance maintenance policy", Template Reference, "UpdatePolicy attribute").
func (g *Group) Roll(p Rolling) error {
	if p.MinInService >= g.Max {
		return because("MinInstancesInService must be less than the autoscaling group's MaxSize")
	}
	g.Suspended = p.Suspend
	// Suspended processes are resumed at the end, after a failure too (Template Reference, SuspendProcesses: "during a stack update").
	defer func() { g.Suspended = nil }()
	old := g.obsolete()
	if len(old) == 0 {
		return nil
	}
	u := &rolling{Group: g, policy: p, least: g.Min, size: g.Desired, batch: min(p.Batch, len(old), g.Max-p.MinInService)}
	g.event("Rolling update initiated. Terminating %d obsolete instance(s) in batches of %d, while keeping at least %d instance(s) "+
		"in service.", len(old), u.batch, p.MinInService)
	if err := u.enlarge(); err != nil {
		return err
	}
	for len(old) > 0 {
		// Some of them may be gone: scaling in took them, after a failed update had enlarged the group.
		if old = slices.DeleteFunc(old, func(i *Instance) bool { return i.Phase != InService }); len(old) == 0 {
			break
		}
		n := min(u.batch, len(old))
		if err := u.replace(old[:n]); err != nil {
			return err
		}
		old = old[n:]
	}
	// CloudFormation sets the sizes back to those before the update, whatever others have set meanwhile (guardian,
	// healthy-scale-out-mid-deploy.md).
	g.Min, g.Desired = u.least, u.size
	g.Settle()
	return nil
}

// rolling is a rolling update in progress.
type rolling struct {
	*Group
	policy      Rolling
	least, size int // Min and Desired before
	batch       int
	fresh       int // instances launched by the update
}

// event records a status reason.
func (g *Group) event(format string, args ...any) {
	g.Events = append(g.Events, fmt.Sprintf(format, args...))
}

// enlarge makes room for a batch above MinInstancesInService.
func (u *rolling) enlarge() error {
	room := u.policy.MinInService + u.batch
	if u.Desired >= room {
		return nil
	}
	u.event("Temporarily setting autoscaling group MinSize and DesiredCapacity to %d.", room)
	more := room - u.Desired
	u.Min, u.Desired = room, room
	return u.await(u.add(more), nil)
}

// replace terminates a batch, and launches as many as the group then lacks. The launches come within seconds of the terminations,
// which take minutes (guardian: "Terminating instance(s) […]; replacing with 6 new instance(s)").
func (u *rolling) replace(batch []*Instance) error {
	more := min(len(batch), u.size-u.fresh)
	var ids []string
	for _, i := range batch {
		ids = append(ids, i.ID)
		u.terminate(i)
	}
	u.event("Terminating instance(s) [%s]; replacing with %d new instance(s).", strings.Join(ids, ","), more)
	// TerminateInstanceInAutoScalingGroup with ShouldDecrementDesiredCapacity (guardian, healthy-to-healthy.md).
	u.Desired -= len(batch) - more
	u.Min = min(u.Min, u.Desired)
	return u.await(u.add(more), batch)
}

// add launches instances of the new version.
func (u *rolling) add(n int) []*Instance {
	var added []*Instance
	for range n {
		added = append(added, u.launch())
	}
	u.fresh += n
	return added
}

// await waits for a signal from each new instance, and until the old ones are terminated. The first failure, or the end of PauseTime,
// fails the update, since all must succeed by default (MinSuccessfulInstancesPercent 100).
func (u *rolling) await(added, gone []*Instance) error {
	return u.awaitSignals(added, u.policy.Pause, func() bool {
		for _, i := range gone {
			if i.Phase != Terminated {
				return false
			}
		}
		return true
	})
}

// awaitSignals waits until all instances have signalled and ready is true.
func (g *Group) awaitSignals(added []*Instance, patience time.Duration, ready func() bool) error {
	for began := g.Now; ; {
		g.Tick()
		good, bad := signals(added)
		switch {
		case bad > 0:
			return because("Received %d FAILURE signal(s) out of %d.  "+unsatisfied, bad, len(added))
		case good == len(added) && ready():
			return nil
		case good < len(added) && g.Now-began >= patience:
			return because("Failed to receive %d resource signal(s) for the current batch.  Each resource signal timeout is counted as a "+
				"FAILURE. Received %d SUCCESS signal(s) out of %d.  "+unsatisfied, len(added)-good, good, len(added))
		}
	}
}

// unsatisfied ends CloudFormation's reasons for a failed update.
const unsatisfied = "Unable to satisfy 100%% MinSuccessfulInstancesPercent requirement"

// signals counts the instances that signalled success and failure.
func signals(instances []*Instance) (good, bad int) {
	for _, i := range instances {
		switch i.Signal {
		case Success:
			good++
		case BootFailure:
			bad++
		}
	}
	return good, bad
}

// reason is an error in CloudFormation's own words.
type reason string

// because returns a reason.
func because(format string, args ...any) error { return reason(fmt.Sprintf(format, args...)) }

// Error returns the text.
func (r reason) Error() string { return string(r) }
