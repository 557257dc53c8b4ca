// Package snapshot describes deployed stacks as an artifact directory, so they can be compared with a built one.
//
//	snapshot.go     deployed stacks, for spacel diff --live; parameters.go their values
//	keep.go         deployed stacks, for spacel redeploy
//	upgrades.go     values that deploy keeps, and the newer ones
package snapshot

import (
	"context"
	"fmt"
	"slices"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/compared"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/schedule"
	"github.com/pebble/spacel/internal/hexdigest"
)

// Take reads the stacks which a directory names, as they are deployed. AWS does not know a stack's dependencies or the
// sources of its values, so these come from the directory. Stacks which are not deployed are left out.
//
// With verify every deployed template is read, whatever earlier comparisons found.
func Take(ctx context.Context, c *cloud.Cloud, stacks *live.Stacks, a *assembly.Assembly, verify bool) (*assembly.Assembly, error) {
	s := &snapshot{cloud: c, stacks: stacks, artifact: a, memory: assembly.NewInMemory(a, a.Manifest.Orbit),
		known: compared.New(c, a.Manifest.Orbit, verify)}
	// The command has refused another account, so the deployed stacks have the directory's.
	s.memory.Of(a.Manifest.Owner)
	var err error
	if s.places, err = a.SourceMap(); err != nil {
		return nil, err
	}
	written := a.Manifest.Stacks
	refs := make([]assembly.StackRef, len(written))
	for i, w := range written {
		refs[i] = w.Ref()
	}
	s.known.Survey(ctx, stacks, refs, compared.Handful) // without items the templates are read
	regionOf := func(i int) string { return written[i].Region }
	err = schedule.Each(ctx, len(written), 0, regionOf, func(ctx context.Context, i int) error { return s.stack(ctx, written[i]) })
	if err != nil {
		return nil, err
	}
	return s.memory.Assembly()
}

// snapshot collects the stacks of one Take.
type snapshot struct {
	cloud    *cloud.Cloud
	stacks   *live.Stacks
	known    *compared.Register // the templates that earlier comparisons found
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
		return fmt.Errorf("the stack %s does not belong to this orbit and app: its tags are %s=%q, %s=%q", written.Ref(), document.TagOrbit,
			deployed.Orbit(), document.TagApp, deployed.App())
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

// template returns the deployed template. If it differs from the directory's only in layout (white space, order of
// keys), it returns the directory's, so the diff stays empty.
func (s *snapshot) template(ctx context.Context, written assembly.Stack, deployed *live.Stack) ([]byte, error) {
	if item, trusted := s.known.Of(deployed); trusted && item.Template == written.Digest {
		return s.artifact.Template(written.Ref())
	}
	body, err := s.stacks.TemplateText(ctx, deployed)
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

// capabilities returns the directory's capabilities when all of them were granted. A stack may have been granted
// more, and a deploy would not ask for anything then.
func capabilities(written assembly.Stack, deployed *live.Stack) []string {
	granted := slices.Sorted(slices.Values(deployed.Capabilities))
	for _, c := range written.Capabilities {
		if !slices.Contains(granted, c) {
			return granted
		}
	}
	return written.Capabilities
}
