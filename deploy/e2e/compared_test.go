package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/diff"
	"github.com/pebble/spacel/deploy"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/compared"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/snapshot"
	"github.com/pebble/spacel/deploy/status"
	"github.com/pebble/spacel/internal/cloudtest"
)

// manyApps is an orbit with more stacks than a handful.
func manyApps() map[string]string {
	manifests := map[string]string{"orbit.json": small["orbit.json"], "web.json": web}
	for i := range compared.Handful {
		name := fmt.Sprintf("app%02d", i)
		manifests[name+".json"] = written(web, `"web"`, `"`+name+`"`)
	}
	return manifests
}

// Deploy, status and diff --live read no template of a stack whose item is of its state. One that was changed by hand they find.
func TestItemsServeAllCommands(t *testing.T) {
	t.Parallel()
	w, cf := newFakeEnv(t)
	dir := build(t, manyApps())
	a, err := assembly.Read(dir)
	w.fatal(err)
	defer a.Close()
	day := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	w.options = func(o *deploy.Options) { o.Day = day }
	w.mustDeploy(dir)
	sampled := 0
	for _, s := range a.Manifest.Stacks {
		if compared.Sampled(s.Ref(), day) {
			sampled++
		}
	}
	reads := func(verify bool) (states []status.State, different []string, calls []int) {
		count := func() {
			calls = append(calls, cf.Calls()["cloudformation:GetTemplate"])
			cf.ResetCalls()
		}
		cf.ResetCalls()
		r, err := status.Read(t.Context(), w.cloud(), status.Scope{Orbit: "test", Artifact: a, Regions: []string{"eu-west-1"},
			Verify: verify, Wanted: func(assembly.StackRef, string) bool { return true }})
		w.fatal(err)
		count()
		for _, s := range r.Stacks {
			states = append(states, s.State)
		}
		was, err := snapshot.Take(t.Context(), w.cloud(), live.New(w.cloud()), a, verify)
		w.fatal(err)
		count()
		d, err := diff.Compare(was, a)
		w.fatal(err)
		for _, s := range d.Stacks {
			different = append(different, s.Name)
		}
		return states, different, calls
	}
	stacks := len(a.Manifest.Stacks)
	states, different, calls := reads(false)
	if slices.Contains(states, status.Differs) || len(different) > 0 || !slices.Equal(calls, []int{0, 0}) {
		t.Errorf("unchanged: %v, %v, templates read: %v", states, different, calls)
	}
	cf.ResetCalls()
	w.wantOutcome(w.mustDeploy(dir), activity.WasUnchanged, stacks)
	if got := cf.Calls()["cloudformation:GetTemplate"]; got != sampled {
		t.Errorf("deploy read %d templates, %d are of the sample", got, sampled)
	}
	if _, _, calls := reads(true); !slices.Equal(calls, []int{stacks, stacks}) {
		t.Errorf("with --verify templates read: %v", calls)
	}

	changeByHand(t, cf, a, assembly.StackRef{Region: "eu-west-1", Name: "test-web"})
	states, different, calls = reads(false)
	if !slices.Contains(states, status.Differs) || !slices.Equal(different, []string{"test-web"}) || !slices.Equal(calls, []int{1, 1}) {
		t.Errorf("changed by hand: %v, %v, templates read: %v", states, different, calls)
	}
	w.wantOutcome(w.mustDeploy(dir), activity.WasUpdated, 1)
}

// changeByHand updates a stack of a directory with another cooldown of its group, and the deployed values of all parameters.
func changeByHand(t *testing.T, cf *cloudtest.CloudFormation, a *assembly.Assembly, ref assembly.StackRef) {
	t.Helper()
	body, err := a.Template(ref)
	if err != nil {
		t.Fatal(err)
	}
	spec, _ := a.Stack(ref)
	in := &cloudformation.UpdateStackInput{StackName: &ref.Name, Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
		TemplateBody: aws.String(strings.Replace(string(body), `"MaxSize"`, `"Cooldown": "77", "MaxSize"`, 1))}
	for name := range spec.Parameters {
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: &name, UsePreviousValue: aws.Bool(true)})
	}
	if _, err := cloudformation.NewFromConfig(cf.Config(t, ref.Region)).UpdateStack(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	cf.Settle()
}

// An update with items that is gone after any of its calls is picked up by the next run, which finds a change by hand, too.
func TestUpdateWithItemsKilledAtEveryCall(t *testing.T) {
	t.Parallel()
	next := map[string]string{"orbit.json": small["orbit.json"], "web.json": written(web, `"instance_max": 2`, `"instance_max": 3`)}
	updateKilledWith(t, func(o *deploy.Options) { o.Handful = -1 }, small, next, 1, func(*awsEnv, *cloudtest.CloudFormation) {})
}
