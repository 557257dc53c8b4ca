package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pebble/spacel/deploy"
	"github.com/pebble/spacel/internal/cloudtest"
)

// small is an orbit without bastions and an app.
var small = map[string]string{
	"orbit.json": `{"name": "test", "regions": ["eu-west-1"], "all": {"domain": "example.com", "bastion_instance_count": 0}}`,
	"web.json":   web,
}

// clean is the account after a deployment that nothing disturbed, and how many calls that takes.
var clean = struct {
	once  sync.Once
	state string
	calls int
}{}

func cleanRun(t *testing.T, dir string) (state string, calls int) {
	t.Helper()
	clean.once.Do(func() {
		w, cf := newFakeEnv(t)
		p := cloudtest.NewProxy(t, cf.URL, cloudtest.Faults{})
		w.endpoint = p.URL
		w.mustDeploy(dir)
		clean.state, clean.calls = cf.State(), len(p.Calls())
	})
	return clean.state, clean.calls
}

func same(t *testing.T, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			t.Fatalf("the account is not as after a clean run: line %d is\n%s\nwant\n%s", i+1, g[i], w[i])
		}
	}
	t.Fatalf("the account is not as after a clean run: %d lines, want %d", len(g), len(w))
}

// Whatever the connection does, the end is that of a clean run.
func TestFaults(t *testing.T) {
	t.Parallel()
	dir := build(t, small)
	want, _ := cleanRun(t, dir)
	for name, faults := range map[string]cloudtest.Faults{
		"throttled":      {Seed: 1, Throttle: 0.3},
		"dropped before": {Seed: 2, DropBefore: 0.2},
		"dropped after":  {Seed: 3, DropAfter: 0.2},
		"broken":         {Seed: 4, Break: 0.2},
		"slow":           {Seed: 5, Slow: 0.3, Delay: 200 * time.Millisecond},
		"clock behind":   {Clock: 5*time.Minute + 30*time.Second},
		"clock ahead":    {Clock: -5*time.Minute - 30*time.Second},
		"a bit of all": {Seed: 6, Throttle: 0.05, DropBefore: 0.05, DropAfter: 0.05, Break: 0.05, Slow: 0.05,
			Delay: 50 * time.Millisecond},
		"many changes twice": {Seed: 7, DropAfter: 0.3, Only: changes},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, cf := newFakeEnv(t)
			w.endpoint = cloudtest.NewProxy(t, cf.URL, faults).URL
			w.mustDeploy(dir)
			same(t, cf.State(), want)
		})
	}
}

// changes are the calls that change something.
func changes(_, operation string) bool {
	return !strings.HasPrefix(operation, "Describe") && !strings.HasPrefix(operation, "Get") && !strings.HasPrefix(operation, "List")
}

// Two runs at once come to the same end as one.
func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	dir := build(t, small)
	want, _ := cleanRun(t, dir)
	w, cf := newFakeEnv(t)
	var wait sync.WaitGroup
	for range 2 {
		other := &awsEnv{TB: t, endpoint: w.endpoint, buckets: w.buckets}
		wait.Go(func() {
			r, err := other.deploy(dir)
			if err != nil {
				t.Error(err)
			} else if !r.OK() {
				t.Error(explain(r))
			}
		})
	}
	wait.Wait()
	same(t, cf.State(), want)
}

// Expired credentials end a run with what to do about it, and the next run goes on.
func TestExpired(t *testing.T) {
	if testing.Short() {
		t.Skip("waits a minute for an operation that never begins")
	}
	t.Parallel()
	dir := build(t, small)
	want, calls := cleanRun(t, dir)
	w, cf := newFakeEnv(t)
	w.endpoint = cloudtest.NewProxy(t, cf.URL, cloudtest.Faults{ExpireAfter: calls / 2}).URL
	r, err := w.deploy(dir)
	said := fmt.Sprint(err)
	if r != nil {
		said += explain(r)
	}
	if !strings.Contains(said, "expired") || !strings.Contains(said, "log in") {
		t.Errorf("it said: %s", said)
	}
	w.endpoint = cf.URL
	w.mustDeploy(dir)
	same(t, cf.State(), want)
}

// A dry run leaves the account as it was, byte for byte, whatever is there.
func TestDryRunLeavesNoTrace(t *testing.T) {
	t.Parallel()
	dir := build(t, small)
	w, cf := newFakeEnv(t)
	dry := func() *deploy.Plan {
		o := w.deployOptions(dir)
		o.DryRun = true
		before := cf.Everything()
		d, err := w.prepare(t.Context(), dir, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Discard(t.Context()); err != nil {
			t.Fatal(err)
		}
		if after := cf.Everything(); after != before {
			t.Errorf("a dry run left\n%s\nbefore it was\n%s", after, before)
		}
		return &d.Plan
	}
	if plan := dry(); len(plan.Stacks) != 3 {
		t.Errorf("the plan is %+v", plan)
	}
	w.mustDeploy(dir)
	next := map[string]string{"orbit.json": small["orbit.json"],
		"web.json": strings.Replace(web, `"instance_max": 2`, `"instance_max": 3`, 1)}
	dir = build(t, next)
	plan := dry()
	var changed []string
	for _, s := range plan.Stacks {
		for _, c := range s.Changes {
			changed = append(changed, s.Name+" "+c.LogicalID)
		}
	}
	if len(changed) != 1 || !strings.HasPrefix(changed[0], "test-web ") {
		t.Errorf("it would change %v", changed)
	}
}
