package deploy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/live"
)

// stack is one stack of the artifact directory, as the steps of a deployment see it. The state in AWS is not a part of it: a
// stackPlan holds that.
type stack struct {
	*session

	spec       assembly.Stack
	needs      []assembly.StackRef // see needsOf
	template   artifactTemplate
	secrets    live.Secrets // all secret values that were found for its parameters in this run
	operations int          // change sets and operations so far: they are numbered
}

// newStack makes the stack, with the counts of its template in the artifact.
func newStack(s *session, a *assembly.Assembly, spec assembly.Stack) (*stack, error) {
	t, err := newTemplate(a, spec)
	if err != nil {
		return nil, err
	}
	return &stack{session: s, spec: spec, needs: needsOf(spec), template: t}, nil
}

// ref returns the stack's region and name.
func (s *stack) ref() assembly.StackRef { return s.spec.Ref() }

// client returns the CloudFormation client of the stack's region.
func (s *stack) client() *cloudformation.Client {
	return s.cloud.Region(s.spec.Region).CloudFormation()
}

// tell reports an event of the stack.
func (s *stack) tell(e activity.Event) {
	e.Region, e.Stack = s.spec.Region, s.spec.Name
	s.follower.Tell(e)
}

// origins maps the stack's logical ids to their places in the manifests.
func (s *stack) origins() map[string]string { return s.places[s.ref().String()] }

// origin is the place of a resource in the manifests, empty if it is not known.
func (s *stack) origin(logicalID string) string { return s.origins()[logicalID] }

// mask hides the stack's secrets in a text.
func (s *stack) mask(text string) string { return s.secrets.Mask(text) }

// nextName names the stack's next change set or operation. It is sent as the ClientRequestToken: CloudFormation takes a call
// that arrives twice with one token for the same call, and repeats the token in the operation's events.
func (s *stack) nextName() string {
	s.operations++
	return fmt.Sprintf("%s-%d", s.name, s.operations)
}

// refresh reads the stack again, nil if there is none.
func (s *stack) refresh(ctx context.Context) (*live.Stack, error) {
	return s.live.Refresh(ctx, s.ref())
}

// waitUntilIdle waits for operations that somebody else began.
func (s *stack) waitUntilIdle(ctx context.Context, deployed *live.Stack) (*live.Stack, error) {
	return s.follower.WaitUntilIdle(ctx, deployed, s.secrets, s.origins())
}

// refreshIdle reads the stack again, and once more when no operation goes on in it any more.
func (s *stack) refreshIdle(ctx context.Context) (*live.Stack, error) {
	deployed, err := s.refresh(ctx)
	if err != nil {
		return nil, err
	}
	return s.waitUntilIdle(ctx, deployed)
}

// command is the user's command that deploys this stack alone.
func (s *stack) command() string {
	if s.options.Redeploy {
		return fmt.Sprintf("spacel redeploy %s --orbit %s --region %s", s.spec.App, s.orbit, s.spec.Region)
	}
	if r := s.options.Rollback; r != nil {
		return fmt.Sprintf("spacel rollback %s --to %d --orbit %s --region %s", s.spec.App, r.Targets[s.ref()].Record.Number, s.orbit,
			s.spec.Region)
	}
	dir := s.options.Directory
	if dir == "" {
		dir = "DIR"
	}
	if s.options.RevertDrift {
		dir += " --revert-drift"
	}
	return fmt.Sprintf("spacel deploy %s --stack %s", dir, s.ref())
}

// optionalOutputs returns the parameters that take an optional output of another stack, sorted.
func (s *stack) optionalOutputs() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(s.spec.Parameters)) {
		if o := s.spec.Parameters[name].Output; o != nil && o.Optional {
			out = append(out, name)
		}
	}
	return out
}

// needsOf returns the stacks that must be done before this one, sorted: its dependencies, and the stacks whose outputs it
// requires.
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
	return slices.SortedFunc(maps.Keys(refs), assembly.StackRef.Compare)
}

// listRefs returns stacks as region/name, separated by commas.
func listRefs(refs []assembly.StackRef) string {
	names := make([]string, len(refs))
	for i, r := range refs {
		names[i] = r.String()
	}
	return strings.Join(names, ", ")
}
