// Package rights makes the IAM policies and the trust policy of a role that deploys an artifact directory. It calls no AWS.
//
//	rights.go            the policies of a directory
//	table.go             AWS's own tables: the actions of each resource type, the resources of each action
//	names.go             the names that narrow the resources
//	calls.go             the calls that deploy itself makes
//	drift.go             the calls of drift detection
//	statements.go        joins grants to statements
//	split.go             splits statements into policies of IAM's size
//	trust.go             who may assume the role
//	cloudformation.go    the same as a CloudFormation template
package rights

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/template"
)

// Request says which stacks a pipeline deploys, and how.
type Request struct {
	Apps       []string // only these apps' stacks; none: the whole orbit
	FutureApps bool     // of the whole orbit: also apps that the directory does not have yet
	Account    string   // 12 digits; "" for the one in the directory, or any
	NoList     bool     // without the right to list all stacks of the account
	NoDrift    bool     // without the rights to detect drift
	Buckets    []string // of the user's own, for uploads; {region} stands for each region
}

// Policies are the rights of the role.
type Policies struct {
	Documents []Document // each of IAM's size at most, in order
	Unknown   []Unknown  // resources whose rights the table lacks
}

// Unknown is a resource of a type missing from the table.
type Unknown struct {
	Stack assembly.StackRef
	ID    string // logical
	Type  string
	From  string // file:line:col in the manifests
}

// Document is one managed policy.
type Document struct {
	Version   string
	Statement []Statement
}

// Statement is one statement of a policy.
type Statement struct {
	Sid       string `json:",omitempty"`
	Effect    string
	Action    []string
	Resource  []string
	Condition map[string]map[string][]string `json:",omitempty"`
}

// Make returns the policies for a role to deploy the stacks of a request, to roll them back and to delete them.
func Make(a *assembly.Assembly, r Request) (*Policies, error) {
	s, err := newScope(a, r)
	if err != nil {
		return nil, err
	}
	out, all, done := &Policies{}, grants{}, map[string]bool{}
	for _, stack := range s.stacks {
		for _, id := range slices.Sorted(maps.Keys(stack.resources)) {
			kind := stack.resources[id].Type
			actions, known := actionsOf(kind)
			if !known {
				out.Unknown = append(out.Unknown, Unknown{stack.ref, id, kind, s.places[stack.ref.String()][id]})
			}
			// A type gets the same rights in all stacks: names already has those of all.
			if done[kind] {
				continue
			}
			done[kind] = true
			for _, action := range actions {
				s.grantForType(all, kind, action)
			}
		}
	}
	s.grantCalls(all)
	out.Documents = split(s.statements(all))
	return out, nil
}

// scope is a request together with its stacks.
type scope struct {
	Request
	orbit   string
	regions []string // of the stacks, sorted
	stacks  []stack
	others  []assembly.StackRef // stacks outside of the pipeline whose outputs it reads
	places  assembly.SourceMap

	services []string            // that may assume the stacks' roles, sorted
	bounds   string              // the permissions boundary of the stacks' roles, "" for none
	answered map[string][]string // resources by action
}

// stack is a stack with its template.
type stack struct {
	assembly.Stack
	ref       assembly.StackRef
	resources map[string]template.Resource // by logical id
}

// newScope reads the templates of the stacks.
func newScope(a *assembly.Assembly, r Request) (*scope, error) {
	s := &scope{Request: r, orbit: a.Manifest.Orbit, answered: map[string][]string{}}
	// IAM compares the account of an ARN like its other parts, so * allows any. A policy of a role still reaches only its own account,
	// unless another account's resource policy lets it in.
	s.Account = cmp.Or(r.Account, a.Manifest.Account, "*")
	var err error
	if s.places, err = a.SourceMap(); err != nil {
		return nil, err
	}
	for _, written := range a.Manifest.Stacks {
		if len(r.Apps) > 0 && !slices.Contains(r.Apps, written.App) {
			continue
		}
		body, err := a.Template(written.Ref())
		if err != nil {
			return nil, err
		}
		parsed, err := template.Parse(body)
		if err != nil {
			return nil, fmt.Errorf("read the template of %s: %w", written.Ref(), err)
		}
		s.stacks = append(s.stacks, stack{written, written.Ref(), parsed.Resources})
		s.regions = append(s.regions, written.Region)
	}
	slices.Sort(s.regions)
	s.regions = slices.Compact(s.regions)
	s.findOthers()
	s.services, s.bounds = s.passedTo(), s.boundary()
	return s, nil
}

// findOthers lists the stacks outside of the pipeline whose outputs it reads.
func (s *scope) findOthers() {
	for _, from := range s.stacks {
		refs := slices.Clone(from.DependsOn)
		for _, source := range from.Parameters {
			if source.Output != nil {
				refs = append(refs, assembly.StackRef{Region: source.Output.Region, Name: source.Output.Stack})
			}
		}
		for _, ref := range refs {
			if !slices.ContainsFunc(s.stacks, func(own stack) bool { return own.ref == ref }) && !slices.Contains(s.others, ref) {
				s.others = append(s.others, ref)
			}
		}
	}
	slices.SortFunc(s.others, assembly.StackRef.Compare)
}
