// Package destroy deletes the stacks of an orbit or an app, dependent stacks first.
//
//	destroy.go   Prepare: live stacks → a plan
//	scope.go     the selected stacks
//	depends.go   the dependencies, found in live parameters and outputs
//	order.go     the order, and which rules of others are unbound first
//	protected.go databases that are protected from deletion
//	kept.go      resources that stay in the account
//	left.go      things outside of stacks, which spacel does not delete
//	execute.go   the plan carried out
//	remove.go    one stack deleted, until it is gone
//	unbind.go    one stack updated to no longer use another's values
package destroy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/diff"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
)

// Plan lists the stacks to be deleted, and the resources that stay.
type Plan struct {
	Orbit  string   `json:"orbit"`
	Name   string   `json:"name"`             // of the orbit, or of the apps
	Stacks []Stack  `json:"stacks"`           // in an order in which they can be deleted
	Unbind []Unbind `json:"unbind,omitempty"` // done first
	Left   []string `json:"left,omitempty"`   // things outside of stacks, which spacel does not delete, a sentence each

	live map[assembly.StackRef]*live.Stack
}

// Stack is a stack to be deleted.
type Stack struct {
	assembly.StackRef
	App       string              `json:"app,omitempty"`
	Status    string              `json:"status"` // in CloudFormation's words
	Protected bool                `json:"protected,omitempty"`
	Resources int                 `json:"resources"`
	After     []assembly.StackRef `json:"after,omitempty"` // stacks that must be gone first
	Kept      []Resource          `json:"kept,omitempty"`  // stays in the account
	Lost      []Resource          `json:"lost,omitempty"`  // holds data, or is an address that others may know
}

// Resource is a resource of a stack.
type Resource struct {
	LogicalID  string `json:"logicalId"`
	PhysicalID string `json:"physicalId"`
	Type       string `json:"type"`
	Policy     string `json:"policy,omitempty"` // its DeletionPolicy: Retain, Snapshot …
}

// Unbind is a stack that stays, or is deleted later, and whose optional parameters name a stack to be deleted.
type Unbind struct {
	assembly.StackRef
	Parameters []string `json:"parameters"` // set to the empty string
	From       []string `json:"from"`       // the stacks they name, as region/name
}

// Prepare reads the deployed stacks and plans. It changes nothing. All problems are returned as one error.
func Prepare(ctx context.Context, c *cloud.Cloud, stacks *live.Stacks, scope Scope) (*Plan, error) {
	s := &survey{cloud: c, stacks: stacks, scope: scope, byRef: map[assembly.StackRef]*live.Stack{},
		templates: map[assembly.StackRef]*live.Template{}, resources: map[assembly.StackRef][]Resource{}}
	if err := s.read(ctx); err != nil {
		return nil, err
	}
	doomed := s.selected()
	p := &Plan{Orbit: scope.Orbit, Name: scope.name(), live: s.byRef, Stacks: []Stack{}}
	// An empty plan is no error: a second run after a complete one ends well.
	if len(doomed) == 0 {
		return p, nil
	}
	if err := s.details(ctx, doomed); err != nil {
		return nil, err
	}
	if err := s.refuseProtected(doomed); err != nil {
		return nil, err
	}
	order, unbind, err := orderDeletions(s.edges(doomed), doomed)
	if err != nil {
		return nil, err
	}
	p.Unbind = unbind
	for _, ref := range order.sorted {
		p.Stacks = append(p.Stacks, s.describe(ref, order.after[ref]))
	}
	p.Left = s.left(ctx, p)
	return p, nil
}

// survey is the state of the orbit, as Prepare reads it.
type survey struct {
	cloud     *cloud.Cloud
	stacks    *live.Stacks
	scope     Scope
	found     []*live.Stack                     // of the orbit, in all regions looked through, sorted
	byRef     map[assembly.StackRef]*live.Stack // found
	templates map[assembly.StackRef]*live.Template
	resources map[assembly.StackRef][]Resource
}

// read lists the orbit's stacks. A stack of another owner with a name of the directory's is an error.
func (s *survey) read(ctx context.Context) error {
	var work errgroup.Group
	lists := make([][]*live.Stack, len(s.scope.Search))
	for i, region := range s.scope.Search {
		work.Go(func() (err error) {
			lists[i], err = s.stacks.List(ctx, region, s.scope.Orbit)
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return err
	}
	// List matches the orbit's tag. A stack that only has a matching name is not in the lists, so foreign looks for it.
	s.found = slices.Concat(lists...)
	for _, stack := range s.found {
		s.byRef[stack.StackRef] = stack
	}
	return s.foreign(ctx)
}

// foreign returns an error for each stack of the directory whose name is taken by a stack of another owner.
func (s *survey) foreign(ctx context.Context) error {
	var problems []error
	for _, stack := range s.scope.Stacks {
		if !s.scope.wants(stack.Ref(), stack.App) || s.find(stack.Ref()) != nil {
			continue
		}
		other, err := s.stacks.Get(ctx, stack.Ref())
		if err != nil {
			return err
		}
		// The stack is the orbit's, so the list should have had it. Its resources and dependents are unknown then.
		if other != nil && other.Orbit() == s.scope.Orbit {
			problems = append(problems, fmt.Errorf("the list of stacks in %s leaves out %s, which is there (%s): nothing was changed; "+
				"run this again, and check the endpoint and a proxy between here and AWS", stack.Region, stack.Name, other.Status))
			continue
		}
		if other != nil {
			problems = append(problems, fmt.Errorf("the stack %s does not belong to orbit %s (its tag %s is %q): nothing was changed",
				stack.Ref(), s.scope.Orbit, document.TagOrbit, other.Orbit()))
		}
	}
	return errors.Join(problems...)
}

// find returns a stack that read found, nil for another one.
func (s *survey) find(ref assembly.StackRef) *live.Stack {
	return s.byRef[ref]
}

// selected returns the stacks to be deleted.
func (s *survey) selected() map[assembly.StackRef]bool {
	doomed := map[assembly.StackRef]bool{}
	for _, stack := range s.found {
		if s.scope.wants(stack.StackRef, stack.App()) {
			doomed[stack.StackRef] = true
		}
	}
	return doomed
}

// describe returns a stack as the plan shows it. Each resource is kept by its policy, lost with its data, or neither: an
// instance or a rule is not worth a line.
func (s *survey) describe(ref assembly.StackRef, after []assembly.StackRef) Stack {
	stack := s.find(ref)
	out := Stack{StackRef: ref, App: stack.App(), Status: string(stack.Status), Protected: stack.TerminationProtection, After: after}
	for _, r := range s.resources[ref] {
		out.Resources++
		r.Policy = s.templates[ref].DeletionPolicy(r.LogicalID, r.Type)
		switch {
		case s.templates[ref].Protects(r.LogicalID):
			r.Policy = "DeletionProtection"
			out.Kept = append(out.Kept, r)
		case keeps(r.Policy):
			out.Kept = append(out.Kept, r)
		case diff.HoldsData(r.Type):
			out.Lost = append(out.Lost, r)
		}
	}
	return out
}
