// Package e2e deploys what spacel really builds, to an AWS that is not.
package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pebble/spacel/compiler"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/staging"
	"github.com/pebble/spacel/deploy/values"
	"github.com/pebble/spacel/internal/cloudtest"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// poll is how often a running operation is looked at.
const poll = 5 * time.Millisecond

// build compiles manifests, by file name, into an artifact directory: orbit.json and apps.
func build(t testing.TB, manifests map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	in := schema.Inputs{Orbit: filepath.Join(dir, "orbit.json")}
	for name, body := range manifests {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
		if name != "orbit.json" {
			in.Apps = append(in.Apps, path)
		}
	}
	slices.Sort(in.Apps)
	return buildInputs(t, in)
}

// buildInputs compiles the orbit and the apps.
func buildInputs(t testing.TB, in schema.Inputs) string {
	t.Helper()
	report := &report.Report{}
	model, err := schema.Load(t.Context(), in, report)
	if err != nil || model == nil {
		t.Fatalf("load the manifests: %v %v", err, report)
	}
	out := filepath.Join(t.TempDir(), "build")
	writer, err := assembly.NewWriter(out, model.Orbit.Name)
	if err == nil {
		err = compiler.Compile(model, compiler.Scope{Orbit: true}, report, writer)
	}
	if err == nil {
		err = writer.Close()
	}
	if err != nil || report.Failed(false) {
		t.Fatalf("compile: %v %v", err, report)
	}
	return out
}

// awsEnv is an account to deploy to.
type awsEnv struct {
	testing.TB
	endpoint string
	buckets  string
	events   []activity.Event
	options  func(*deploy.Options)
}

// yes agrees to everything.
type yes struct{}

func (yes) Confirm(context.Context, *deploy.Plan) (bool, error) { return true, nil }

func (yes) Dangers(context.Context, deploy.StackPlan, []deploy.Danger) (bool, error) {
	return true, nil
}

func (yes) SkipResources(context.Context, assembly.StackRef, []live.FailedResource) (bool, error) {
	return true, nil
}

func (yes) LeaveBehind(context.Context, assembly.StackRef, []live.FailedResource) (bool, error) {
	return true, nil
}

func (w *awsEnv) cloud() *cloud.Cloud {
	return cloud.New(cloudtest.Config(w, w.endpoint, "us-east-1"), cloud.Access{})
}

func (w *awsEnv) deployOptions(dir string) deploy.Options {
	o := deploy.Options{
		Poll: poll, Minute: time.Millisecond, Directory: dir, Binaries: cloudtest.Programs(), Buckets: staging.Buckets{Asset: w.buckets},
		Values: values.Settings{Environment: os.LookupEnv},
	}
	if w.options != nil {
		w.options(&o)
	}
	return o
}

func (w *awsEnv) prepare(ctx context.Context, dir string, o deploy.Options) (*deploy.Deployment, error) {
	w.Helper()
	a, err := assembly.Read(dir)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = a.Close() })
	return deploy.Prepare(ctx, w.cloud(), a, o, func(e activity.Event) { w.events = append(w.events, e) })
}

// deploy deploys a directory and gives what became of it.
func (w *awsEnv) deploy(dir string) (*deploy.Result, error) {
	w.Helper()
	w.events = nil
	d, err := w.prepare(w.Context(), dir, w.deployOptions(dir))
	if err != nil {
		return nil, err
	}
	return d.Execute(w.Context(), yes{}, nil)
}

// mustDeploy deploys a directory, which must succeed, and gives the stacks by what became of them.
func (w *awsEnv) mustDeploy(dir string) map[activity.Outcome][]string {
	w.Helper()
	r, err := w.deploy(dir)
	if err != nil {
		w.Fatal(err)
	}
	if !r.OK() {
		w.Fatalf("the deployment failed: %s", explain(r))
	}
	return outcomes(r)
}

func outcomes(r *deploy.Result) map[activity.Outcome][]string {
	all := map[activity.Outcome][]string{}
	for _, s := range r.Stacks {
		all[s.Outcome] = append(all[s.Outcome], s.String())
	}
	return all
}

func explain(r *deploy.Result) string {
	var b strings.Builder
	for _, s := range r.Stacks {
		fmt.Fprintf(&b, "\n%s %s %s %s", s.StackRef, s.Outcome, s.Status, s.Why)
	}
	for _, f := range r.Failures {
		fmt.Fprintf(&b, "\n%s: %s; %s %s; next: %s", f.StackRef, f.What, f.Resource, f.Reason, f.Next)
	}
	return b.String()
}
