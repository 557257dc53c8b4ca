package deploy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/compared"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/staging"
	"github.com/pebble/spacel/deploy/values"
)

// session is the part of a deployment that all stacks share. After Prepare only its control is replaced, by Execute.
type session struct {
	orbit    string
	cloud    *cloud.Cloud
	options  Options
	live     *live.Stacks
	compared *compared.Register // of the stacks, from preflight on
	stage    *staging.Stage
	resolver *values.Resolver
	places   assembly.SourceMap
	identity cloud.Identity
	name     string // of the run: its change sets and tokens start with it
	control  *activity.Control
	follower *live.Follower
	stacks   []*stack // of this run, sorted by region and name

	zoneNames  cloud.Answers[map[string]bool] // the names of the records in a hosted zone: see recordGuard
	unreadable sync.Once                      // tells that existing DNS records cannot be read
}

// newSession makes the parts that the stacks share. The listener is called by one goroutine at a time (activity.Serial).
func newSession(c *cloud.Cloud, a *assembly.Assembly, o Options, l activity.Listener) *session {
	s := &session{orbit: a.Manifest.Orbit, cloud: c, options: o,
		live: live.New(c), stage: staging.New(c, o.Buckets), control: activity.NewControl()}
	s.follower = &live.Follower{Stacks: s.live, Control: s.control, Tell: activity.Serial(l), Poll: o.Poll, Patience: o.Patience}
	s.newResolver()
	return s
}

// newResolver makes the resolver from the present options. It is called again when a run is reduced to checks (onlyCheck).
func (s *session) newResolver() {
	s.resolver = values.New(s.cloud, s.live, s.stage, s.options.Binaries, s.options.Values)
}

// find returns a stack of this run, nil for another stack.
func (s *session) find(ref assembly.StackRef) *stack {
	i, found := slices.BinarySearchFunc(s.stacks, ref, func(s *stack, r assembly.StackRef) int { return s.ref().Compare(r) })
	if !found {
		return nil
	}
	return s.stacks[i]
}

// regions returns the regions of the run, sorted.
func (s *session) regions() []string {
	all := map[string]bool{}
	for _, stack := range s.stacks {
		all[stack.spec.Region] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// waitForOther returns a stack outside of this run, when no operation goes on in it. A dry run does not wait.
func (s *session) waitForOther(ctx context.Context, ref assembly.StackRef) (*live.Stack, error) {
	deployed, err := s.live.Get(ctx, ref)
	if err != nil || s.options.DryRun {
		return deployed, err
	}
	return s.follower.WaitUntilIdle(ctx, deployed, nil, s.places[ref.String()])
}

// verb is the user's command of this run.
func (s *session) verb() string {
	switch {
	case s.options.Redeploy:
		return "redeploy"
	case s.options.Rollback != nil:
		return "rollback"
	}
	return "deploy"
}

// pickUp advises the user about operations which this run no longer follows. Another redeploy would replace the instances a
// second time, so it is not the advice.
func (s *session) pickUp(app string) string {
	if s.options.Rollback != nil {
		return fmt.Sprintf("run spacel rollback %s --to %d --orbit %s again to pick it up", s.stacks[0].spec.App, s.options.Rollback.Number,
			s.orbit)
	}
	if !s.options.Redeploy {
		return "run spacel deploy again to pick it up"
	}
	if app == "" && len(s.stacks) > 0 {
		app = s.stacks[0].spec.App
	}
	return fmt.Sprintf("watch it with spacel events %s --orbit %s --follow", app, s.orbit)
}
