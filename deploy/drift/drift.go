// Package drift finds what somebody changed in AWS outside of CloudFormation: what differs from the deployed templates. It only reads;
// revert.go takes changes back.
//
//	drift.go         the report, and the order of the work
//	values.go        the values of a deployed template, as CloudFormation evaluated them
//	detection.go     CloudFormation's own drift detection
//	reach.go         rules of security groups, rulereads.go reads them
//	rights.go        roles: trust, boundary, policies; rolereads.go reads them, documents.go compares documents
//	sizes.go         sizes of groups, and launchversions.go the launch template versions in use
//	records.go       DNS records
//	temporary.go     changes by spacel scale and maintenance, which are no drift
//	words.go         the manifest's words for properties
//	revert.go        takes changes back
//
// CloudFormation's detection compares only properties in the template, and only of some types. A rule added to a group
// whose rules are resources of their own stays IN_SYNC (aws-cloudformation/cloudformation-coverage-roadmap #2091), as does a policy added
// to a role (#936, #2489) and a launch template version made by hand (#1682). IAM::Policy (#1686) and Route 53's records (#1681) have
// no detection. So these are read from their services and compared here.
package drift

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/schedule"
)

// Version is the version of the report's form in JSON.
const Version = 1

// Report is what differs, and what could not be compared.
type Report struct {
	Version   int         `json:"version"`
	OK        bool        `json:"ok"`        // nothing differs, and nothing failed to be read
	Compared  int         `json:"compared"`  // resources that were compared in some way
	Resources int         `json:"resources"` // of the stacks
	Drift     []Finding   `json:"drift"`     // sorted by region, stack and resource
	Unchecked []Unchecked `json:"unchecked"` // sorted likewise

	Temporary []Temporary `json:"temporary"` // changes by spacel scale and maintenance in force, which are no drift; sorted likewise
}

// Finding is one difference between a deployed template and AWS.
type Finding struct {
	assembly.StackRef
	App      string `json:"app,omitempty"`
	Resource string `json:"resource"` // logical id
	Type     string `json:"type"`
	From     string `json:"from,omitempty"` // file:line:col in the manifests, when the artifact is at hand
	Change   Change `json:"change"`
	Property string `json:"property,omitempty"` // of the resource, such as MaxSize
	Field    string `json:"field,omitempty"`    // the manifest's word for it, such as instance_max
	Expected string `json:"expected,omitempty"` // by the template
	Actual   string `json:"actual,omitempty"`   // in AWS
	Text     string `json:"text"`

	// ID names a rule or policy that somebody added, for the flag that agrees to its removal: region/stack/resource/NAME.
	ID string `json:"id,omitempty"`

	// remove removes what somebody added, repair sets a size back. Both are nil for everything else, which CloudFormation may repair.
	remove, repair func(context.Context, *cloud.Region) error
}

// Change is what somebody did.
type Change string

// The changes.
const (
	Added   Change = "added"
	Removed Change = "removed"
	Changed Change = "changed"
)

// Unchecked is something without a comparison. It may differ, or not.
type Unchecked struct {
	assembly.StackRef
	Resource string `json:"resource,omitempty"` // empty: the stack as a whole, or an aspect of it
	Type     string `json:"type,omitempty"`
	Why      string `json:"why"`
	// Failed means: it can be compared, and was not: a permission is missing, or AWS did not answer. Other entries are limits of
	// CloudFormation or of spacel, which the next run has again.
	Failed bool `json:"failed,omitempty"`
}

// Scope says what to compare.
type Scope struct {
	Orbit    string
	Artifact *assembly.Assembly // for lines of manifests; may be nil
	Regions  []string
	Wanted   func(ref assembly.StackRef, app string) bool
	Poll     time.Duration // between two looks at a detection; 0: live.DefaultPoll
}

// reading collects a report. It is filled from several goroutines.
type reading struct {
	cloud  *cloud.Cloud
	stacks *live.Stacks
	scope  Scope
	places assembly.SourceMap
	mu     sync.Mutex
	found  []Finding
	missed []Unchecked

	temporary []Temporary // complete before the readers begin

	checked map[resourceKey]bool // resources that were compared in some way
}

// resourceKey is a resource of a stack.
type resourceKey struct {
	assembly.StackRef
	id string
}

// Read compares the stacks with AWS. Failures to read stacks are errors. Failures to read anything else are parts of the report,
// because the rest of it is true without them.
func Read(ctx context.Context, c *cloud.Cloud, scope Scope) (*Report, error) {
	r := &reading{cloud: c, stacks: live.New(c), scope: scope, checked: map[resourceKey]bool{}}
	if scope.Artifact != nil {
		var err error
		if r.places, err = scope.Artifact.SourceMap(); err != nil {
			return nil, err
		}
	}
	all, err := r.list(ctx)
	if err != nil {
		return nil, err
	}
	wanted := slices.DeleteFunc(slices.Clone(all), func(d *deployed) bool { return !scope.Wanted(d.StackRef, d.App()) })
	r.readTemporary(ctx, wanted)
	// The readers are independent of each other. CloudFormation's detection takes minutes, so the others run meanwhile. None of them
	// returns an error: each names its failures in the report.
	readers := []func(context.Context){
		func(ctx context.Context) { r.detect(ctx, wanted) },
		func(ctx context.Context) { reach{r, all}.compare(ctx, wanted) },
		func(ctx context.Context) { rights{r, all}.compare(ctx, wanted) },
		func(ctx context.Context) { sizes{r}.compare(ctx, wanted) },
		func(ctx context.Context) { records{r}.compare(ctx, wanted) },
	}
	var wait sync.WaitGroup
	for _, read := range readers {
		wait.Go(func() { read(ctx) })
	}
	wait.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return r.report(wanted), nil
}

// list reads all stacks of the orbit in the regions. The selection narrows it later: a rule of an unselected stack is no
// rule that somebody added by hand. A stack without a lasting state is not compared, since its template is not what AWS has yet.
func (r *reading) list(ctx context.Context) ([]*deployed, error) {
	var refs []*live.Stack
	// A region's list is one call for a hundred stacks, so regions are listed one after the other.
	for _, region := range r.scope.Regions {
		found, err := r.stacks.List(ctx, region, r.scope.Orbit)
		if err != nil {
			return nil, err
		}
		for _, stack := range found {
			if why := unsettled(stack); why == "" {
				refs = append(refs, stack)
			} else if r.scope.Wanted(stack.StackRef, stack.App()) {
				r.miss(Unchecked{StackRef: stack.StackRef, Why: why, Failed: true})
			}
		}
	}
	out := make([]*deployed, len(refs))
	regionOf := func(i int) string { return refs[i].Region }
	err := schedule.Each(ctx, len(refs), 0, regionOf, func(ctx context.Context, i int) (err error) {
		out[i], err = r.read(ctx, refs[i])
		return err
	})
	return out, err
}

// unsettled returns the reason for which a stack's template does not say what AWS should have, "" if it does.
func unsettled(stack *live.Stack) string {
	switch {
	case !stack.Exists():
		return "the stack was never created"
	case stack.Busy():
		return fmt.Sprintf("an operation is in progress: the stack is %s", stack.Status)
	case !slices.Contains(settled, stack.Status):
		return fmt.Sprintf("the stack has the status %q: only a finished deployment tells what AWS should have", stack.Status)
	}
	return ""
}

// read reads the template and the resources of a stack.
func (r *reading) read(ctx context.Context, stack *live.Stack) (*deployed, error) {
	body, err := r.stacks.TemplateText(ctx, stack)
	if err != nil {
		return nil, err
	}
	resources, err := r.stacks.Resources(ctx, stack)
	if err != nil {
		return nil, err
	}
	return newDeployed(stack, body, resources, r.places[stack.String()])
}

// add adds a finding about a resource of a stack.
func (r *reading) add(d *deployed, id string, f Finding) {
	f.StackRef, f.App, f.Resource, f.Type, f.From = d.StackRef, d.App(), id, d.template.Resources[id].Type, d.places[id]
	f.Field = fieldOf(f.Type, f.Property, d.App() != "")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found = append(r.found, f)
}

// miss adds something without a comparison.
func (r *reading) miss(u Unchecked) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.missed = append(r.missed, u)
}

// fail adds an aspect of a resource, or with no id of a stack, that AWS did not tell.
func (r *reading) fail(d *deployed, id string, err error) {
	r.miss(Unchecked{StackRef: d.StackRef, Resource: id, Type: d.template.Resources[id].Type, Why: err.Error(), Failed: true})
}

// check marks a resource as compared.
func (r *reading) check(d *deployed, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.checked[resourceKey{d.StackRef, id}] = true
}

// report sorts the findings. CloudFormation's own findings are left out where a direct read says the same in better words.
func (r *reading) report(wanted []*deployed) *Report {
	out := &Report{Version: Version, Drift: []Finding{}, Unchecked: []Unchecked{}, Temporary: []Temporary{}}
	for _, d := range wanted {
		for _, id := range d.template.IDs() {
			if !d.exists(id) {
				continue
			}
			out.Resources++
			if r.checked[resourceKey{d.StackRef, id}] {
				out.Compared++
			}
		}
	}
	out.Drift = append(out.Drift, r.found...)
	// CloudFormation has no detection for a record or an IAM policy. It is compared all the same, so it is not listed as unchecked.
	for _, u := range r.missed {
		if u.Failed || u.Resource == "" || !r.checked[resourceKey{u.StackRef, u.Resource}] {
			out.Unchecked = append(out.Unchecked, u)
		}
	}
	// The findings come in the order in which AWS answered. Equal accounts give equal reports only when they are sorted.
	slices.SortStableFunc(out.Drift, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.String(), b.String()), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Property, b.Property),
			cmp.Compare(a.Change, b.Change), cmp.Compare(a.Text, b.Text))
	})
	slices.SortStableFunc(out.Unchecked, func(a, b Unchecked) int {
		return cmp.Or(cmp.Compare(a.String(), b.String()), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Why, b.Why))
	})
	out.Unchecked = slices.Compact(out.Unchecked)
	out.Temporary = append(out.Temporary, r.temporary...)
	slices.SortStableFunc(out.Temporary, func(a, b Temporary) int {
		return cmp.Or(cmp.Compare(a.StackRef.String(), b.StackRef.String()), cmp.Compare(a.Kind, b.Kind))
	})
	out.OK = len(out.Drift) == 0 && !slices.ContainsFunc(out.Unchecked, func(u Unchecked) bool { return u.Failed })
	return out
}

// Of returns the findings about one stack.
func (r *Report) Of(ref assembly.StackRef) []Finding {
	return slices.DeleteFunc(slices.Clone(r.Drift), func(f Finding) bool { return f.StackRef != ref })
}
