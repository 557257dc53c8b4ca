package status

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/compared"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/schedule"
	"github.com/pebble/spacel/internal/hexdigest"
)

// compareAll compares the deployed stacks with the directory.
func compareAll(ctx context.Context, c *cloud.Cloud, stacks *live.Stacks, scope Scope, found []Stack) ([]Stack, error) {
	var written []assembly.Stack
	var refs []assembly.StackRef
	for _, s := range scope.Artifact.Manifest.Stacks {
		if scope.Wanted(s.Ref(), s.App) {
			written, refs = append(written, s), append(refs, s.Ref())
		}
	}
	of := comparison{stacks, compared.New(c, scope.Artifact.Manifest.Orbit, scope.Verify), scope.Artifact}
	of.known.Read(ctx, refs)
	out := make([]Stack, len(written))
	regionOf := func(i int) string { return written[i].Region }
	err := schedule.Each(ctx, len(written), 0, regionOf, func(ctx context.Context, i int) (err error) {
		out[i], err = of.one(ctx, written[i])
		return err
	})
	if err != nil {
		return nil, err
	}
	// These stacks are deployed, but missing from the directory. An app that somebody renamed or removed leaves such stacks.
	for _, s := range found {
		if _, known := scope.Artifact.Stack(s.StackRef); !known && covers(scope.Artifact, s.App) {
			s.State, s.Why = Unwritten, append(s.Why, "deploy leaves it alone; spacel destroy removes it")
			out = append(out, s)
		}
	}
	return out, nil
}

// covers reports whether a directory is about an app, or with "" about the orbit's own stacks. A directory with one
// app says nothing about the other apps.
func covers(a *assembly.Assembly, app string) bool {
	return slices.ContainsFunc(a.Manifest.Stacks, func(s assembly.Stack) bool { return s.App == app })
}

// comparison compares deployed stacks with a directory.
type comparison struct {
	stacks   *live.Stacks
	known    *compared.Register // the templates that earlier comparisons found
	artifact *assembly.Assembly
}

// one returns the state of one stack of the directory. A stack of that name which belongs to another orbit or app counts as different.
func (c comparison) one(ctx context.Context, written assembly.Stack) (Stack, error) {
	deployed, err := c.stacks.Get(ctx, written.Ref())
	if err != nil {
		return Stack{}, err
	}
	if deployed.Unowned() {
		return Stack{StackRef: written.Ref(), App: written.App, State: Missing}, nil
	}
	if deployed.Orbit() != c.artifact.Manifest.Orbit || deployed.App() != written.App {
		why := fmt.Sprintf("a stack with this name exists and belongs to another orbit or app: its tags are %s=%q, %s=%q",
			document.TagOrbit, deployed.Orbit(),
			document.TagApp, deployed.App())
		return Stack{StackRef: written.Ref(), App: written.App, State: Differs, Status: string(deployed.Status), Why: []string{why}}, nil
	}
	s := describe(deployed)
	// A stack in a failed state or with a running operation has no template worth a comparison.
	if s.State != Good {
		return s, nil
	}
	if s.Why, err = c.differences(ctx, written, deployed); err != nil {
		return Stack{}, err
	}
	if len(s.Why) > 0 {
		s.State = Differs
	}
	return s, nil
}

// differences lists the differences in words. spacel diff --live shows their place and their effect. Only literal parameters are
// compared: any other value would have to be looked up first. CloudFormation masks NoEcho values, so they are skipped.
func (c comparison) differences(ctx context.Context, written assembly.Stack, deployed *live.Stack) (out []string, err error) {
	if item, trusted := c.known.Of(deployed); !trusted || item.Template != written.Digest {
		if out, err = c.templates(ctx, written, deployed); err != nil {
			return nil, err
		}
	}
	if !maps.Equal(written.Tags, deployed.OwnTags()) {
		out = append(out, "the stack's tags")
	}
	if written.TerminationProtection != deployed.TerminationProtection {
		out = append(out, fmt.Sprintf("termination protection: deployed %s, built %s",
			live.OnOff(deployed.TerminationProtection), live.OnOff(written.TerminationProtection)))
	}
	for _, name := range slices.Sorted(maps.Keys(written.Parameters)) {
		literal := written.Parameters[name].Literal
		if is := deployed.Parameters[name]; literal != nil && is != live.Masked && is != *literal {
			out = append(out, fmt.Sprintf("parameter %s: deployed %q, built %q", name, is, *literal))
		}
	}
	return out, nil
}

// templates reads the deployed template and compares it with the directory's.
func (c comparison) templates(ctx context.Context, written assembly.Stack, deployed *live.Stack) ([]string, error) {
	body, err := c.stacks.TemplateText(ctx, deployed)
	if err != nil {
		return nil, err
	}
	want, err := c.artifact.Template(written.Ref())
	if err != nil || live.SameTemplate(body, want) {
		return nil, err
	}
	return []string{fmt.Sprintf("the template: deployed sha256 %.12s…, built %.12s…", hexdigest.SHA256(body), written.Digest)}, nil
}
