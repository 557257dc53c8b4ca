package cloudtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// scaled returns a group of running instances of version 1, whose launch template has version 2 by now.
func scaled(least, desired, most int, zones ...string) *Group {
	g := &Group{Name: "asg", Min: least, Max: most, Desired: desired, Zones: zones, Version: "1"}
	g.Settle()
	g.Version = "2"
	return g
}

// TestRollingUpdates repeats the measurements of github.com/guardian/testing-asg-rolling-update, by the file in observations/ that
// describes them. A group there has 15 minutes for a batch; the events are CloudFormation's own.
func TestRollingUpdates(t *testing.T) {
	for name, c := range map[string]struct {
		least, desired, most int
		batch, inService     int
		events               []string // without the ids of instances
		fewest               int      // healthy instances at the worst moment
	}{
		"healthy-to-healthy.md": {5, 5, 10, 10, 5, []string{
			"Terminating 5 obsolete instance(s) in batches of 5, while keeping at least 5",
			"DesiredCapacity to 10", "replacing with 0 new"}, 5},
		"healthy-to-healthy-fully-scaled.md": {3, 9, 9, 9, 3, []string{
			"Terminating 9 obsolete instance(s) in batches of 6, while keeping at least 3",
			"replacing with 6 new", "replacing with 3 new"}, 3},
		"healthy-to-healthy-fully-scaled-v2.md": {3, 9, 9, 9, 8, append([]string{
			"Terminating 9 obsolete instance(s) in batches of 1, while keeping at least 8"},
			slices.Repeat([]string{"replacing with 1 new"}, 9)...), 8},
		"healthy-to-healthy-partially-scaled.md": {3, 6, 9, 9, 3, []string{
			"Terminating 6 obsolete instance(s) in batches of 6, while keeping at least 3",
			"DesiredCapacity to 9", "replacing with 3 new"}, 3},
		"healthy-to-healthy-partially-scaled.md, footnote": {3, 6, 9, 3, 3, []string{
			"Terminating 6 obsolete instance(s) in batches of 3, while keeping at least 3",
			"replacing with 3 new", "replacing with 3 new"}, 3},
		// Quoted in public code: "Temporarily setting autoscaling group MinSize and DesiredCapacity to 2."
		"one instance of at most two": {1, 1, 2, 1, 1, []string{
			"Terminating 1 obsolete instance(s) in batches of 1, while keeping at least 1",
			"DesiredCapacity to 2", "replacing with 0 new"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			g := scaled(c.least, c.desired, c.most)
			fewest := g.Healthy()
			g.Watch = func(g *Group) { fewest = min(fewest, g.Healthy()) }
			if err := g.Roll(Rolling{Batch: c.batch, MinInService: c.inService, Pause: 15 * time.Minute}); err != nil {
				t.Fatal(err)
			}
			if len(g.Events) != len(c.events) {
				t.Fatalf("got %q", g.Events)
			}
			for i, want := range c.events {
				if !strings.Contains(g.Events[i], want) {
					t.Errorf("got %s, want %s", g.Events[i], want)
				}
			}
			if fewest != c.fewest {
				t.Errorf("%d healthy at the worst moment, want %d", fewest, c.fewest)
			}
			got, want := []int{g.Min, g.Desired, g.Max, len(g.obsolete()), g.Healthy()}, []int{c.least, c.desired, c.most, 0, c.desired}
			if !cmp.Equal(got, want) {
				t.Errorf("in the end: minimum, desired, maximum, obsolete, healthy: %d", got)
			}
		})
	}
}

// A broken release leaves a group at its temporary size, and the rollback keeps that size when the template has no DesiredCapacity:
// guardian, healthy-to-unhealthy.md and healthy-to-unhealthy-partially-scaled-v2.md.
func TestFailedRollingUpdate(t *testing.T) {
	g := scaled(3, 6, 9)
	g.Boot = func(g *Group, i *Instance) Signal {
		if i.Version == "2" {
			return ""
		}
		return Success
	}
	err := g.Roll(Rolling{Batch: 9, MinInService: 6, Pause: 5 * time.Minute})
	if err == nil || !strings.Contains(err.Error(), "Failed to receive 3 resource signal(s)") {
		t.Fatalf("got %v", err)
	}
	g.Version, g.Min = "1", 3
	if err := g.Roll(Rolling{Batch: 9, MinInService: 3, Pause: 5 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(g.Min, g.Desired, g.Max, g.Healthy()); got != "3 9 9 9" {
		t.Errorf("got %s", got)
	}
	const back = "Terminating 3 obsolete instance(s) in batches of 3, while keeping at least 3"
	if last := g.Events[len(g.Events)-2]; !strings.Contains(last, back) {
		t.Errorf("got %q", g.Events)
	}
}

// An alarm scales out in the middle: the update sets the size back (guardian, healthy-scale-out-mid-deploy.md). With
// AlarmNotification suspended nothing happens.
func TestScalingDuringAnUpdate(t *testing.T) {
	for _, suspended := range [][]string{nil, {"AlarmNotification"}} {
		g := scaled(3, 3, 9)
		most := 0
		g.Watch = func(g *Group) {
			if g.Now > 10*time.Minute {
				return
			}
			g.SetDesired(8, "AlarmNotification")
			most = max(most, g.Desired)
		}
		if err := g.Roll(Rolling{Batch: 9, MinInService: 3, Pause: 15 * time.Minute, Suspend: suspended}); err != nil {
			t.Fatal(err)
		}
		if want := map[bool]int{true: 6, false: 8}[suspended != nil]; most != want || g.Suspended != nil {
			t.Errorf("suspended %v: at most %d, want %d", suspended, most, want)
		}
	}
}

// MinInstancesInService must be less than MaxSize.
func TestTooManyInService(t *testing.T) {
	if err := scaled(1, 1, 1).Roll(Rolling{Batch: 1, MinInService: 1}); err == nil {
		t.Error("accepted")
	}
}

// A launch comes seconds after a termination that takes minutes: the old instance still runs while the new one boots.
func TestLaunchDuringTermination(t *testing.T) {
	g := scaled(1, 1, 2, "a", "b")
	g.Draining = 5 * time.Minute
	together := 0
	g.Watch = func(g *Group) {
		for _, i := range g.Instances {
			if i.Phase == Terminating && len(g.Alive()) == 1 {
				together++
			}
		}
	}
	if err := g.Roll(Rolling{Batch: 1, MinInService: 0, Pause: 15 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	if together < 10 {
		t.Errorf("old and new ran together for %d ticks", together)
	}
}

// Each zone gets as many instances as the others.
func TestZonesOfLaunches(t *testing.T) {
	g := scaled(0, 7, 9, "a", "b", "c")
	count := map[string]int{}
	for _, i := range g.Alive() {
		count[i.Zone]++
	}
	if !cmp.Equal(count, map[string]int{"a": 3, "b": 2, "c": 2}) {
		t.Errorf("got %v", count)
	}
}
