package deploy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/internal/cloudtest"
)

const east, west = "us-east-1", "eu-west-1"

// deployEnv is the environment of a test: an account, and a user who deploys to it.
type deployEnv struct {
	*testing.T
	cf      *cloudtest.CloudFormation
	options Options
	user    *user

	mu        sync.Mutex
	events    []activity.Event
	listeners []func(activity.Event) // called for each event, one at a time
}

func newEnv(t *testing.T) *deployEnv {
	t.Parallel()
	return newEnvNow(t)
}

// newEnvNow returns another environment for a test that runs already.
func newEnvNow(t *testing.T) *deployEnv {
	return &deployEnv{T: t, cf: cloudtest.NewCloudFormation(t), options: Options{Poll: 2 * time.Millisecond}, user: &user{confirm: true}}
}

// user answers questions and remembers them.
type user struct {
	confirm, dangers, skip, leave bool
	nobody                        bool // there is no terminal

	mu    sync.Mutex
	asked []string
}

func (u *user) answer(yes bool, question string) (bool, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.asked = append(u.asked, question)
	if u.nobody {
		return false, errors.New("there is no terminal to ask on")
	}
	return yes, nil
}

func (u *user) Confirm(context.Context, *Plan) (bool, error) { return u.confirm, nil }

func (u *user) Dangers(_ context.Context, _ StackPlan, dangers []Danger) (bool, error) {
	var ids []string
	for _, d := range dangers {
		ids = append(ids, d.ID)
	}
	return u.answer(u.dangers, "dangers "+strings.Join(ids, " "))
}

func (u *user) SkipResources(_ context.Context, ref assembly.StackRef, failed []live.FailedResource) (bool, error) {
	return u.answer(u.skip, "skip "+ref.String()+" "+strings.Join(live.LogicalIDs(failed), " "))
}

func (u *user) LeaveBehind(_ context.Context, ref assembly.StackRef, failed []live.FailedResource) (bool, error) {
	return u.answer(u.leave, "leave "+ref.String()+" "+strings.Join(live.LogicalIDs(failed), " "))
}

// testStack is a stack of an artifact under construction.
func testStack(region, name, template string, change ...func(*assembly.Stack)) built {
	sum := sha256.Sum256([]byte(template))
	s := assembly.Stack{
		Name: name, Region: region, Template: region + "/" + name + ".template.json", Digest: hex.EncodeToString(sum[:]),
		Tags: map[string]string{document.TagOrbit: "test"}, Parameters: map[string]assembly.ValueFrom{},
	}
	if app := strings.TrimPrefix(name, "test-"); app != "vpc" && app != "tables" {
		s.App, s.Tags[document.TagApp] = app, app
	}
	for _, f := range change {
		f(&s)
	}
	return built{s, template}
}

type built struct {
	assembly.Stack
	template string
}

func after(names ...string) func(*assembly.Stack) {
	return func(s *assembly.Stack) {
		for _, name := range names {
			s.DependsOn = append(s.DependsOn, assembly.StackRef{Region: s.Region, Name: name})
		}
	}
}

func literal(name, value string) func(*assembly.Stack) {
	return func(s *assembly.Stack) { s.Parameters[name] = assembly.ValueFrom{Literal: &value} }
}

func output(name, stack, output string, optional bool) func(*assembly.Stack) {
	return func(s *assembly.Stack) {
		s.Parameters[name] = assembly.ValueFrom{Output: &assembly.Output{Region: s.Region, Stack: stack, Output: output,
			Optional: optional}}
	}
}

func protected(s *assembly.Stack) { s.TerminationProtection = true }

// artifact is a directory with some stacks. Every resource comes from a place of its own.
func (b *deployEnv) artifact(stacks ...built) *assembly.Assembly {
	b.Helper()
	m := assembly.NewInMemory(nil, "test")
	for _, s := range stacks {
		t, err := live.ParseTemplate([]byte(s.template))
		if err != nil {
			b.Fatalf("%s: %v", s.Name, err)
		}
		origins := map[string]string{}
		for id := range t.Resources {
			origins[id] = s.Name + ".cue:3:" + fmt.Sprint(len(id))
		}
		if err := m.Stack(s.Stack, []byte(s.template), origins); err != nil {
			b.Fatal(err)
		}
	}
	a, err := m.Assembly()
	if err != nil {
		b.Fatal(err)
	}
	return a
}

func (b *deployEnv) listen(e activity.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, e)
	for _, f := range b.listeners {
		f(e)
	}
}

// told lists the events of some kinds, each as region/stack: reason.
func (b *deployEnv) told(kinds ...activity.Kind) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, e := range b.events {
		if slices.Contains(kinds, e.Kind) {
			out = append(out, fmt.Sprintf("%s %s/%s: %s", e.Kind, e.Region, e.Stack, e.Reason))
		}
	}
	return out
}

func (b *deployEnv) prepare(stacks ...built) (*Deployment, error) {
	b.Helper()
	return b.prepareIn(b.Context(), stacks...)
}

func (b *deployEnv) prepareIn(ctx context.Context, stacks ...built) (*Deployment, error) {
	b.Helper()
	return Prepare(ctx, cloud.New(b.cf.Config(b.T, ""), cloud.Access{}), b.artifact(stacks...), b.options, b.listen)
}

// prepared makes a plan that must succeed.
func (b *deployEnv) prepared(stacks ...built) *Deployment {
	b.Helper()
	d, err := b.prepare(stacks...)
	if err != nil {
		b.Fatal(err)
	}
	return d
}

// deploy prepares and executes, and fails the test when AWS could not be asked.
func (b *deployEnv) deploy(stacks ...built) *Result {
	b.Helper()
	r, err := b.prepared(stacks...).Execute(b.Context(), b.user, nil)
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// outcomes is a result on one line.
func outcomes(r *Result) string {
	var out []string
	for _, s := range r.Stacks {
		out = append(out, s.Name+" "+string(s.Outcome))
	}
	return strings.Join(out, ", ")
}

func (b *deployEnv) expect(r *Result, want string) {
	b.Helper()
	if got := outcomes(r); got != want {
		whys := ""
		for _, f := range r.Failures {
			whys += "\n" + f.What + "; " + f.State
		}
		b.Errorf("got %s, want %s; failures: %s", got, want, whys)
	}
}

// says fails unless a text has all of these in it.
func (b *deployEnv) says(text string, want ...string) {
	b.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			b.Errorf("got %q, want %q in it", text, w)
		}
	}
}

// topics is a template of topics by name, with an output each.
func topics(names ...string) string {
	var resources, outputs []string
	for _, n := range names {
		resources = append(resources, fmt.Sprintf(`%q: {"Type": "AWS::SNS::Topic"}`, n))
		outputs = append(outputs, fmt.Sprintf(`%q: {"Value": {"Ref": %q}}`, n, n))
	}
	return `{"Resources": {` + strings.Join(resources, ", ") + `}, "Outputs": {` + strings.Join(outputs, ", ") + `}}`
}

// reader is a template with a parameter that a topic's display name shows, and an output.
func reader(parameter string) string {
	return fmt.Sprintf(`{"Parameters": {%[1]q: {"Type": "String", "Default": ""}}, "Resources": {"Topic": {"Type": "AWS::SNS::Topic", `+
		`"Properties": {"DisplayName": {"Ref": %[1]q}}}}, "Outputs": {"Topic": {"Value": {"Ref": "Topic"}}}}`, parameter)
}

func sprint(v any) string { return fmt.Sprintf("%+v", v) }
