package cloudtest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Group is an auto scaling group in a time of its own: nothing happens between two calls. Each rule of EC2 Auto Scaling has its
// source beside it. "guardian" stands for the measurements in github.com/guardian/testing-asg-rolling-update, observations/.
//
//	group.go          sizes, launches, terminations, zones
//	grouproll.go      a rolling update by CloudFormation
//	groupstack.go     the groups of a stack: creation, update, replacement, rollback
//	groupcalls.go     the calls of EC2 Auto Scaling
type Group struct {
	Name              string
	Min, Max, Desired int
	Zones             []string
	Version           string        // of the launch template: instances with another one are obsolete
	Draining          time.Duration // the target groups' deregistration delay, 0 without target groups

	// Boot reports the state of a new instance, each time it is asked. Without it an instance signals success after 2 minutes.
	Boot func(g *Group, i *Instance) Signal
	// Pick chooses between zones with equally few instances: AWS does not say which. Without it the first is taken.
	Pick func(zones []string) string
	// Watch is called after each tick.
	Watch func(g *Group)

	Now       time.Duration
	Instances []*Instance // the terminated ones, too: EC2 shows them for about an hour
	Events    []string    // CloudFormation's status reasons during updates
	Suspended []string    // processes

	launched int
}

// Instance is an instance of a group.
type Instance struct {
	ID, Zone, Version string
	Launched, Leaving time.Duration // Leaving is when the termination began
	Phase             Phase
	Unhealthy         bool // as a load balancer's check finds it
	Signal            Signal
}

// Phase is the lifecycle state of an instance in its group, with EC2's states after the group has let it go.
type Phase string

// The phases, in order. While an instance is Terminating, its targets are deregistered, and EC2 still shows it as running: the group
// waits for the deregistration delay ("If connection draining is enabled, Auto Scaling waits", EC2 Auto Scaling User Guide,
// "Attach a load balancer"). An instance that shuts down can still write to its volumes.
const (
	InService    Phase = "InService"
	Terminating  Phase = "Terminating"
	ShuttingDown Phase = "shutting-down"
	Terminated   Phase = "terminated"
)

// Signal is the outcome of an instance's boot, "" before its end.
type Signal string

// The signals.
const (
	Success     Signal = "SUCCESS"
	BootFailure        = Signal("FAILURE")
)

const (
	tick      = 15 * time.Second
	bootTime  = 2 * time.Minute
	shutdowns = 2 * time.Minute // from shutting-down to terminated: minutes, when units stop slowly
)

// Alive returns the instances of the group: those that are not on their way out.
func (g *Group) Alive() []*Instance {
	return slices.DeleteFunc(slices.Clone(g.Instances), func(i *Instance) bool { return i.Phase != InService })
}

// Healthy counts the healthy targets: instances that booted, and are not deregistered.
func (g *Group) Healthy() int {
	return len(slices.DeleteFunc(g.Alive(), func(i *Instance) bool { return i.Signal != Success }))
}

// SetDesired changes the desired capacity, on behalf of a process such as AlarmNotification or ScheduledActions, or of a user with
// "". A suspended process changes nothing.
func (g *Group) SetDesired(n int, process string) {
	if process == "" || !slices.Contains(g.Suspended, process) {
		g.Desired = min(max(n, g.Min), g.Max)
	}
}

// Settle lets time pass until the group has its desired capacity, and no instance boots or leaves, at most a day.
func (g *Group) Settle() {
	for end := g.Now + 24*time.Hour; g.Now < end; {
		g.Tick()
		idle := len(g.Alive()) == g.Desired
		for _, i := range g.Instances {
			idle = idle && (i.Phase == Terminated || i.Phase == InService && i.Signal != "")
		}
		if idle {
			return
		}
	}
}

// Tick lets some time pass. The group launches and terminates until it has its desired capacity.
func (g *Group) Tick() {
	g.Now += tick
	for len(g.Alive()) < g.Desired {
		g.launch()
	}
	if extra := len(g.Alive()) - g.Desired; extra > 0 {
		for _, i := range g.surplus()[:extra] {
			g.terminate(i)
		}
	}
	for _, i := range g.Instances {
		g.pass(i)
	}
	if g.Watch != nil {
		g.Watch(g)
	}
}

// pass takes an instance to the state in which it is by now.
func (g *Group) pass(i *Instance) {
	switch {
	case i.Phase == InService && i.Signal == "":
		i.Signal = g.boot(i)
	case i.Phase == Terminating && g.Now >= i.Leaving+g.Draining:
		i.Phase = ShuttingDown
	case i.Phase == ShuttingDown && g.Now >= i.Leaving+g.Draining+shutdowns:
		i.Phase = Terminated
	}
}

// boot asks for the outcome of a boot.
func (g *Group) boot(i *Instance) Signal {
	switch {
	case g.Boot != nil:
		return g.Boot(g, i)
	case g.Now >= i.Launched+bootTime:
		return Success
	}
	return ""
}

// launch adds an instance in the zone with the fewest of the group's instances. Leaving ones do not count ("Amazon EC2 Auto Scaling
// attempts to maintain equivalent numbers of instances in each enabled Availability Zone", User Guide, "Distribute instances across
// zones").
func (g *Group) launch() *Instance {
	g.launched++
	i := &Instance{ID: fmt.Sprintf("%s-i%d", g.Name, g.launched), Zone: g.zone(), Version: g.Version, Launched: g.Now, Phase: InService}
	g.Instances = append(g.Instances, i)
	return i
}

// zone returns the zone for the next launch.
func (g *Group) zone() string {
	count := map[string]int{}
	for _, i := range g.Alive() {
		count[i.Zone]++
	}
	var fewest []string
	for _, z := range g.Zones {
		switch {
		case len(fewest) == 0 || count[z] < count[fewest[0]]:
			fewest = []string{z}
		case count[z] == count[fewest[0]]:
			fewest = append(fewest, z)
		}
	}
	switch {
	case len(fewest) == 0:
		return ""
	case g.Pick != nil:
		return g.Pick(fewest)
	}
	return fewest[0]
}

// surplus returns the instances in the order in which scaling in takes them: from the zone with the most, the oldest launch template
// first (User Guide, "Default termination policy").
func (g *Group) surplus() []*Instance {
	count := map[string]int{}
	all := g.Alive()
	for _, i := range all {
		count[i.Zone]++
	}
	slices.SortStableFunc(all, func(a, b *Instance) int {
		if count[a.Zone] != count[b.Zone] {
			return count[b.Zone] - count[a.Zone]
		}
		return strings.Compare(boolText(a.Version == g.Version), boolText(b.Version == g.Version))
	})
	return all
}

// boolText orders false before true.
func boolText(b bool) string { return fmt.Sprint(b) }

// terminate begins the termination of an instance.
func (g *Group) terminate(i *Instance) { i.Phase, i.Leaving = Terminating, g.Now }

// obsolete returns the instances that an update replaces: those of another version of the launch template, or outside of the
// group's zones. CloudFormation applies the update policies when LaunchTemplate or VPCZoneIdentifier changes
// (CloudFormation Template Reference, "UpdatePolicy attribute").
func (g *Group) obsolete() []*Instance {
	return slices.DeleteFunc(g.Alive(), func(i *Instance) bool {
		return i.Version == g.Version && (len(g.Zones) == 0 || slices.Contains(g.Zones, i.Zone))
	})
}
