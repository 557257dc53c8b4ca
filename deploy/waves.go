package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/groups"
	"github.com/pebble/spacel/deploy/live"
)

// The stacks of an app are deployed in waves of regions, if its manifest says so. A stack waits for the stacks of the waves before, then
// for the pause, and then until these are healthy. Nothing about waves is kept anywhere but in CloudFormation. A run that begins again
// finds the stacks of the finished waves unchanged, reads from their events when they ended, and waits for the rest of the pause. So a
// killed run needs no clean-up, and the same command goes on where it was.
//
// Stacks that do not change wait for nothing, and stacks outside of the run (--region) are not waited for.

const (
	pauseLook   = time.Second      // between looks at an interrupt during a pause
	healthLook  = 15 * time.Second // between looks at instances and alarms
	healthLimit = 5 * time.Minute  // for instances to become healthy after the pause: the group may replace one at that moment
)

// waveOf returns the number of a stack's wave, 0 for a stack without waves.
func waveOf(s assembly.Stack) int {
	if s.Release == nil || s.Release.Waves < 2 {
		return 0
	}
	return s.Release.Wave
}

// earlier returns the same app's parts of this run in the waves before.
func (d *Deployment) earlier(p *part) []*part {
	var before []*part
	if d.options.Rollback != nil {
		return nil
	}
	for _, other := range d.parts {
		if other.spec.App == p.spec.App && p.spec.App != "" && waveOf(other.spec) > 0 && waveOf(other.spec) < waveOf(p.spec) {
			before = append(before, other)
		}
	}
	return before
}

// order returns the stacks before a stack: its needs, and the waves before.
func (d *Deployment) order(p *part) []assembly.StackRef {
	refs := slices.Clone(p.needs)
	for _, other := range d.earlier(p) {
		refs = append(refs, other.ref())
	}
	return refs
}

// A stack holds its place in the region's limit of concurrent stacks while it waits. Another place would be needed later anyway, and the
// waves of one app have one stack in each region.

// waveGate lets a stack begin when the waves before it have ended, paused and proved healthy.
type waveGate struct {
	*Deployment
	part *part
}

// pass waits. The error is the failure of this stack: an earlier one is not healthy, or the run was stopped.
func (g waveGate) pass(ctx context.Context) error {
	before := g.earlier(g.part)
	if len(before) == 0 || g.part.plan.Action == None {
		return nil
	}
	if err := g.pause(ctx, before); err != nil {
		return err
	}
	limit := time.Now().Add(g.minutes(healthLimit))
	for {
		problem, err := g.problem(ctx, before)
		switch {
		case err != nil:
			return err
		case problem == "":
			return nil
		case time.Now().After(limit):
			return refuse("%s: the wave before is not healthy, so this one does not begin: %s", g.part.ref(), problem)
		}
		g.part.tell(activity.Event{Kind: activity.Waiting, Reason: "until the wave before is healthy: " + problem})
		if err := g.sleep(ctx, g.minutes(healthLook)); err != nil {
			return err
		}
	}
}

// minutes scales a time in tests, where a minute is shorter.
func (g waveGate) minutes(d time.Duration) time.Duration {
	if g.options.Minute == 0 {
		return d
	}
	return time.Duration(float64(d) / float64(time.Minute) * float64(g.options.Minute))
}

// pause waits for the rest of the pause since the end of the stacks before. An alarm that goes off ends it.
func (g waveGate) pause(ctx context.Context, before []*part) error {
	length := g.minutes(time.Duration(g.part.spec.Release.Pause) * time.Minute)
	if length == 0 {
		return nil
	}
	var ended time.Time
	for _, p := range before {
		at, err := g.endOf(ctx, p)
		if err != nil {
			return err
		}
		if at.After(ended) {
			ended = at
		}
	}
	until := ended.Add(length)
	if !time.Now().Before(until) {
		return nil
	}
	g.part.tell(activity.Event{Kind: activity.Paused, Until: until.UTC(), Reason: fmt.Sprintf("until %s, %d min after the wave before",
		until.UTC().Format("15:04:05Z"), g.part.spec.Release.Pause)})
	for time.Now().Before(until) {
		if err := g.alarms(ctx, before); err != nil {
			return err
		}
		if err := g.sleep(ctx, min(time.Until(until), g.minutes(time.Minute))); err != nil {
			return err
		}
	}
	return nil
}

// sleep waits, and returns an error when the run is stopped meanwhile.
func (g waveGate) sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(max(d, 0))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-g.control.Stopped():
		return errStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// endOf returns when the stack's last operation ended: in this run, or else by its newest event, which is that of the stack itself. A
// stack that ended before its events were deleted (90 days) ended long ago.
func (g waveGate) endOf(ctx context.Context, p *part) (time.Time, error) {
	if !p.ended.IsZero() {
		return p.ended, nil
	}
	deployed := p.plan.deployed
	if deployed == nil {
		return time.Time{}, nil
	}
	seen := false
	events, err := g.live.EventsAfter(ctx, p.ref(), deployed.ID, func(live.Event) bool {
		// One event is enough: the first is not known yet, and each later one is.
		known := seen
		seen = true
		return known
	})
	if err != nil || len(events) == 0 {
		return time.Time{}, err
	}
	return events[len(events)-1].Time, nil
}

// problem says why one of the stacks is not healthy: its instances or its alarms. "" means that all are.
func (g waveGate) problem(ctx context.Context, before []*part) (string, error) {
	for _, p := range before {
		problem, err := g.unhealthy(ctx, p)
		if problem != "" || err != nil {
			return problem, err
		}
	}
	return "", g.alarms(ctx, before)
}

// alarms refuses to go on while an alarm that guards one of the stacks is on.
func (g waveGate) alarms(ctx context.Context, before []*part) error {
	for _, p := range before {
		if !isDeployed(p.plan.deployed) {
			continue
		}
		var refused *refusedError
		if _, err := (guardian{p.stack}).guard(ctx, p.plan.deployed, false); errors.As(err, &refused) {
			return refuse("%s: the wave before is not healthy, so this one does not begin: %s", g.part.ref(), refused)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// The group's own health is compared, which includes the load balancer's where the group asks it. The desired capacity is the measure, not
// the minimum, since alarms may have scaled the group out, and a region with fewer instances than it wants is not one to build on.

// unhealthy says how many instances of a stack's group are missing, "" when it has all of them.
func (g waveGate) unhealthy(ctx context.Context, p *part) (string, error) {
	if !isDeployed(p.plan.deployed) {
		return "", nil
	}
	name := p.plan.deployed.Outputs[document.OutputGroup]
	if name == "" {
		return "", nil
	}
	found, err := groups.Read(ctx, g.cloud.Region(p.spec.Region), name)
	if err != nil {
		return "", fmt.Errorf("%s: describe the auto scaling group %s: %w", p.ref(), name, err)
	}
	group, exists := found[name]
	if !exists {
		return fmt.Sprintf("%s has no auto scaling group %s any more", p.ref(), name), nil
	}
	healthy, want := groups.Healthy(group), int(aws.ToInt32(group.DesiredCapacity))
	if healthy < want {
		return fmt.Sprintf("%s has %d healthy instances in service, and should have %d", p.ref(), healthy, want), nil
	}
	return "", nil
}

// How far a release came is said once for each app, at the end. The failure of a stack is explained in its own place, and later
// stacks have no reason of their own. The advice is for the app as a whole: on or back. Newly created
// stacks have no earlier version, so going back is not offered for them.

// wavesEnd says for each app whose waves did not all end well how far the release came, and how to go on or back.
func (d *Deployment) wavesEnd() []string {
	var out []string
	for _, p := range d.parts {
		// The first stack of an app speaks for all of them.
		first := slices.IndexFunc(d.parts, func(other *part) bool { return other.spec.App == p.spec.App })
		if waveOf(p.spec) == 0 || d.parts[first] != p {
			continue
		}
		if text := d.waveEnd(p.spec.App); text != "" {
			out = append(out, text)
		}
	}
	return out
}

// waveEnd returns the text about one app, "" when all its stacks ended well, or none of the finished ones has an older version.
func (d *Deployment) waveEnd(app string) string {
	var done, rest, back []string
	for _, p := range d.parts {
		switch {
		case p.spec.App != app || waveOf(p.spec) == 0:
		case p.result.Outcome.OK():
			done = append(done, p.spec.Region)
			if p.result.Outcome != activity.WasCreated {
				back = append(back, " --region "+p.spec.Region)
			}
		default:
			rest = append(rest, p.spec.Region)
		}
	}
	if len(rest) == 0 || len(done) == 0 {
		return ""
	}
	text := fmt.Sprintf("the release of %s is in %s and not in %s: run the same command again to go on", app, strings.Join(done, ", "),
		strings.Join(rest, ", "))
	if len(back) > 0 {
		text += fmt.Sprintf(", or take it back with spacel rollback %s --orbit %s%s", app, d.orbit, strings.Join(back, ""))
	}
	return text
}
