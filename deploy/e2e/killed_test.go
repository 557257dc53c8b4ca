package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/destroy"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/staging"
	"github.com/pebble/spacel/internal/cloudtest"
	"github.com/pebble/spacel/internal/stride"
)

// A run that is gone after any of its calls is picked up by the next.
func TestKilledAtEveryCall(t *testing.T) {
	t.Parallel()
	dir := build(t, small)
	want, calls := cleanRun(t, dir)
	for at := 1; at <= calls; at += stride.Short(4) {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			t.Parallel()
			w, cf := newFakeEnv(t)
			interruptedDeploy(w, cf, dir, at)
			w.mustDeploy(dir)
			same(t, cf.State(), want)
		})
	}
}

// The same of a run that updates.
func TestUpdateKilledAtEveryCall(t *testing.T) {
	t.Parallel()
	next := map[string]string{"orbit.json": small["orbit.json"], "web.json": written(web, `"instance_max": 2`, `"instance_max": 3`)}
	updateKilled(t, small, next, 1, func(*awsEnv, *cloudtest.CloudFormation) {})
}

// updateKilled kills an update of some stacks after each of its calls, and has the next run go on. Between the two runs it looks at the
// account.
func updateKilled(t *testing.T, before, after map[string]string, stacks int, look func(*awsEnv, *cloudtest.CloudFormation)) {
	t.Helper()
	updateKilledWith(t, nil, before, after, stacks, look)
}

// updateKilledWith is updateKilled with other options.
func updateKilledWith(t *testing.T, options func(*deploy.Options), before, after map[string]string, stacks int,
	look func(*awsEnv, *cloudtest.CloudFormation)) {
	t.Helper()
	dir, next := build(t, before), build(t, after)
	w, cf := newFakeEnv(t)
	w.options = options
	w.mustDeploy(dir)
	p := cloudtest.NewProxy(t, cf.URL, cloudtest.Faults{})
	w.endpoint = p.URL
	w.wantOutcome(w.mustDeploy(next), activity.WasUpdated, stacks)
	want, calls := cf.State(), len(p.Calls())
	for at := 1; at <= calls; at += stride.Short(4) {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			t.Parallel()
			w, cf := newFakeEnv(t)
			w.options = options
			w.mustDeploy(dir)
			interruptedDeploy(w, cf, next, at)
			look(w, cf)
			w.mustDeploy(next)
			same(t, cf.State(), want)
		})
	}
}

// interruptedDeploy deploys until a call has been served.
func interruptedDeploy(w *awsEnv, cf *cloudtest.CloudFormation, dir string, at int) {
	a, err := assembly.Read(dir)
	w.fatal(err)
	options := w.deployOptions(dir)
	w.runUntilCall(cf, at, func(ctx context.Context, to *cloud.Cloud) {
		if prepared, err := deploy.Prepare(ctx, to, a, options, nil); err == nil {
			_, _ = prepared.Execute(ctx, yes{}, nil)
		}
	})
}

// runUntilCall does something until a call has been served, and waits for nothing: what would still be done is not done.
func (w *awsEnv) runUntilCall(cf *cloudtest.CloudFormation, at int, do func(context.Context, *cloud.Cloud)) {
	ctx, cancel := context.WithCancel(w.Context())
	stopped, over := make(chan struct{}), make(chan struct{})
	var p *cloudtest.Proxy
	p = cloudtest.NewProxy(w, cf.URL, cloudtest.Faults{StopAt: at, StopAfter: true, Stop: func() {
		p.Kill()
		cancel()
		close(stopped)
	}})
	w.endpoint = p.URL
	to := w.cloud()
	go func() {
		defer close(over)
		do(ctx, to)
	}()
	select {
	case <-stopped:
	case <-over: // a run may make fewer calls than another
		cancel()
	}
	w.endpoint = cf.URL
}

// The same of a run that destroys.
func TestDestroyKilledAtEveryCall(t *testing.T) {
	t.Parallel()
	dir := build(t, small)
	deployed := func(t *testing.T) (*awsEnv, *cloudtest.CloudFormation) {
		w, cf := newFakeEnv(t)
		w.mustDeploy(dir)
		return w, cf
	}
	w, cf := deployed(t)
	p := cloudtest.NewProxy(t, cf.URL, cloudtest.Faults{})
	w.endpoint = p.URL
	w.destroy("test")
	want, calls := cf.State(), len(p.Calls())
	for at := 1; at <= calls; at += stride.Short(4) {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			t.Parallel()
			w, cf := deployed(t)
			w.runUntilCall(cf, at, func(ctx context.Context, to *cloud.Cloud) {
				stacks := live.New(to)
				plan, err := destroy.Prepare(ctx, to, stacks, destroy.Scope{Orbit: "test", Search: regions})
				if err == nil {
					_, _ = plan.Execute(ctx, to, stacks, destroy.Options{Poll: poll}, yes{}, activity.NewControl(), func(activity.Event) {})
				}
			})
			w.destroy("test")
			same(t, cf.State(), want)
		})
	}
}

// A process that is killed for good (SIGKILL) leaves what the next run takes up.
func TestProcessKilled(t *testing.T) {
	t.Parallel()
	dir := build(t, small)
	want, calls := cleanRun(t, dir)
	for at := 2; at <= calls; at += 5 * stride.Short(2) {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			t.Parallel()
			w, cf := newFakeEnv(t)
			program := exec.CommandContext(t.Context(), os.Args[0])
			p := cloudtest.NewProxy(t, cf.URL, cloudtest.Faults{StopAt: at, Stop: func() { _ = program.Process.Kill() }})
			program.Env = append(cloudtest.Environment(t, p.URL), deployVariable+"="+dir, bucketsVariable+"="+w.buckets)
			out, err := program.CombinedOutput()
			if err == nil {
				t.Logf("it was done before: %s", out)
			} else if program.ProcessState.Exited() {
				t.Fatalf("it ended by itself: %s: %s", err, out)
			}
			w.mustDeploy(dir)
			same(t, cf.State(), want)
		})
	}
}

// waves are an app's regions, one after the other.
var waves = map[string]string{
	"orbit.json": `{"name": "test", "regions": ["us-east-1", "us-west-2", "eu-west-1"],
		"all": {"domain": "example.com", "bastion_instance_count": 0}}`,
	"web.json": written(web, `"all": {`, `"all": {"release": {"waves": [["eu-west-1"], ["us-east-1"], ["us-west-2"]]}, `),
}

// A release in three waves that is gone after any of its calls is gone on with by the same command. No wave begins before the one before
// has ended, in either run.
func TestWavesKilledAtEveryCall(t *testing.T) {
	t.Parallel()
	next := map[string]string{"orbit.json": waves["orbit.json"],
		"web.json": written(waves["web.json"], `"example/web"`, `"example/web:2"`)}
	updateKilled(t, waves, next, 3, (*awsEnv).wantWaves)
}

// wantWaves fails when a region has the new release and one of the waves before has not.
func (w *awsEnv) wantWaves(cf *cloudtest.CloudFormation) {
	w.Helper()
	first := true
	for i, region := range []string{"eu-west-1", "us-east-1", "us-west-2"} {
		s := cf.Seen(region, "test-web")
		isNew := strings.Contains(s.Template, "example/web:2")
		if done := isNew && s.Status == "UPDATE_COMPLETE"; isNew && !first {
			w.Errorf("wave %d began before the one before had ended", i+1)
		} else {
			first = done
		}
	}
}

// With these in its environment, the test binary deploys a directory instead of testing.
const (
	deployVariable  = "SPACEL_E2E_DEPLOY"
	bucketsVariable = "SPACEL_E2E_BUCKETS"
)

func TestMain(m *testing.M) {
	dir, ok := os.LookupEnv(deployVariable)
	if !ok {
		flag.Parse()
		_ = flag.Set("test.parallel", "8") // they wait more than they work
		os.Exit(m.Run())
	}
	if err := deployAlone(dir); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func deployAlone(dir string) error {
	ctx := context.Background()
	to, err := cloud.Connect(ctx, cloud.Access{})
	if err != nil {
		return err
	}
	a, err := assembly.Read(dir)
	if err != nil {
		return err
	}
	defer a.Close()
	d, err := deploy.Prepare(ctx, to, a, deploy.Options{Poll: poll, Binaries: cloudtest.Programs(),
		Buckets: staging.Buckets{Asset: os.Getenv(bucketsVariable)}}, nil)
	if err != nil {
		return err
	}
	_, err = d.Execute(ctx, yes{}, nil)
	return err
}
