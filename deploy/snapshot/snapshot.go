// Package snapshot takes what is deployed as if it were an artifact directory, so that it can be compared with one.
package snapshot

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/status"
	"github.com/pebble/spacel/internal/hexdigest"
)

// atOnce is how many stacks are read at a time.
const atOnce = 8

// Take reads the stacks that a directory names, as they are deployed. What AWS does not know of a stack (what it depends on,
// where the values come from that are as they should be) is taken from the directory; what is not deployed is left out.
func Take(ctx context.Context, c *cloud.Cloud, stacks *live.Stacks, a *assembly.Assembly) (*assembly.Assembly, error) {
	s := &snapshot{cloud: c, stacks: stacks, artifact: a, memory: assembly.NewInMemory(a, a.Manifest.Orbit)}
	var err error
	if s.places, err = a.SourceMap(); err != nil {
		return nil, err
	}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(atOnce)
	for _, stack := range a.Manifest.Stacks {
		work.Go(func() error { return s.stack(ctx, stack) })
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	return s.memory.Assembly()
}

type snapshot struct {
	cloud    *cloud.Cloud
	stacks   *live.Stacks
	artifact *assembly.Assembly
	memory   *assembly.InMemory
	places   assembly.SourceMap
}

// stack adds one stack as it is deployed.
func (s *snapshot) stack(ctx context.Context, written assembly.Stack) error {
	deployed, err := s.stacks.Get(ctx, written.Ref())
	if err != nil || !deployed.Exists() {
		return err
	}
	if deployed.Orbit() != s.artifact.Manifest.Orbit || deployed.App() != written.App {
		return fmt.Errorf("the stack %s is not of this orbit and app: its tags are %s=%q, %s=%q", written.Ref(), document.TagOrbit, deployed.Orbit(), document.TagApp, deployed.App())
	}
	body, err := s.template(ctx, written, deployed)
	if err != nil {
		return err
	}
	is := written
	is.Digest = hexdigest.SHA256(body)
	is.Capabilities = capabilities(written, deployed)
	is.TerminationProtection = deployed.TerminationProtection
	is.Tags = deployed.OwnTags()
	if is.Parameters, err = s.parameters(ctx, written, deployed); err != nil {
		return err
	}
	return s.memory.Stack(is, body, s.places[written.Ref().String()])
}

// template is the deployed one; the directory's where the two only differ in layout.
func (s *snapshot) template(ctx context.Context, written assembly.Stack, deployed *live.Stack) ([]byte, error) {
	body, err := status.Template(ctx, s.cloud, deployed)
	if err != nil {
		return nil, err
	}
	want, err := s.artifact.Template(written.Ref())
	if err != nil {
		return nil, err
	}
	if live.SameTemplate(body, want) {
		return want, nil
	}
	return body, nil
}

// capabilities are the directory's where those are among what was granted: more may have been, and asks for nothing.
func capabilities(written assembly.Stack, deployed *live.Stack) []string {
	granted := slices.Sorted(slices.Values(deployed.Capabilities))
	for _, c := range written.Capabilities {
		if !slices.Contains(granted, c) {
			return granted
		}
	}
	return written.Capabilities
}
