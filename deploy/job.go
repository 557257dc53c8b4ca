package deploy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/values"
)

// job is one stack's part in a deployment.
type job struct {
	*Deployment

	stack    assembly.Stack
	needs    []assembly.StackRef // see needsOf
	template *live.Template
	deployed *live.Stack   // as it was looked at last
	values   values.ByName // nil: not resolved
	plan     StackPlan
	proposal *changeSet // nil: none stands
	turns    int        // change sets and operations so far, which names are made of
	result   StackResult
	failure  *Failure
	started  time.Time
	appeared []string // optional outputs that came after its turn
}

func newJob(d *Deployment, a *assembly.Assembly, stack assembly.Stack) (*job, error) {
	body, err := a.Template(stack.Ref())
	if err != nil {
		return nil, err
	}
	t, err := live.ParseTemplate(body)
	if err != nil {
		return nil, fmt.Errorf("%s: read its template: %w: run spacel build again", stack.Ref(), err)
	}
	return &job{Deployment: d, stack: stack, needs: needsOf(stack), template: t, plan: StackPlan{StackRef: stack.Ref()}}, nil
}

func (j *job) ref() assembly.StackRef { return j.stack.Ref() }

// tell is of the job's stack.
func (j *job) tell(e activity.Event) {
	e.Region, e.Stack = j.stack.Region, j.stack.Name
	j.Deployment.tell(e)
}

// origin is where in the manifests a resource comes from, empty if that is not known.
func (j *job) origin(logicalID string) string { return j.places[j.ref().String()][logicalID] }

// look reads the stack again.
func (j *job) look(ctx context.Context) (err error) {
	j.deployed, err = j.live.Refresh(ctx, j.ref())
	return err
}

// job is a stack's job in this run, nil if it has none.
func (d *Deployment) job(ref assembly.StackRef) *job {
	return d.index[ref]
}

// needsOf are the stacks that must be done before this one: those it depends on, and those whose outputs it requires. Sorted.
func needsOf(s assembly.Stack) []assembly.StackRef {
	refs := map[assembly.StackRef]bool{}
	for _, ref := range s.DependsOn {
		refs[ref] = true
	}
	for _, source := range s.Parameters {
		if o := source.Output; o != nil && !o.Optional {
			refs[assembly.StackRef{Region: o.Region, Name: o.Stack}] = true
		}
	}
	delete(refs, s.Ref())
	return slices.SortedFunc(maps.Keys(refs), compareRefs)
}

func compareRefs(a, b assembly.StackRef) int {
	switch {
	case a.String() < b.String():
		return -1
	case a.String() > b.String():
		return 1
	}
	return 0
}

// token names the job's next change set or operation. CloudFormation takes a call that comes twice with one token for the
// same call, and shows the token in the operation's events.
func (j *job) token() string {
	j.turns++
	return fmt.Sprintf("%s-%d", j.name, j.turns)
}
