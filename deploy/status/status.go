// Package status reports the state of an orbit's stacks, by themselves or compared with an artifact directory. It
// only reads.
//
//	status.go    the stacks, their states and endpoints
//	compare.go   compares them with a directory
//	running.go   the instances of apps, and the alarms that are on
//	releases.go  the last releases of apps
//	temporary.go changes by spacel scale and maintenance
//	drift.go     adds the comparison of package drift
package status

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"golang.org/x/sync/errgroup"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/drift"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/temporary"
)

// Report is the state of an orbit.
type Report struct {
	Version int `json:"version"` // of this form

	Orbit  string  `json:"orbit"`
	OK     bool    `json:"ok"` // no stack needs attention
	Stacks []Stack `json:"stacks"`

	Notes []string      `json:"notes,omitempty"` // what could not be read
	Drift *drift.Report `json:"drift,omitempty"` // nil: not compared
}

// Stack is the state of one stack.
type Stack struct {
	assembly.StackRef
	App       string            `json:"app,omitempty"`
	State     State             `json:"state"`
	Status    string            `json:"status,omitempty"` // of CloudFormation; empty if there is no stack
	Why       []string          `json:"why,omitempty"`    // the differences, or the reason of the failure
	Changed   *time.Time        `json:"changed,omitempty"`
	Endpoints []Endpoint        `json:"endpoints,omitempty"`
	Outputs   map[string]string `json:"outputs,omitempty"`
	Running   *Running          `json:"running,omitempty"` // of an app whose group is known

	// The release that the stack runs is absent when the records do not tell it. The last one may have failed, or may not be trusted.
	Release     *Release `json:"release,omitempty"`
	LastRelease *Release `json:"lastRelease,omitempty"`

	Temporary []temporary.State `json:"temporary,omitempty"` // changes by spacel scale and maintenance

	version string // the parameter Version of an app's stack
}

// Endpoint is an address at which a user reaches the stack: a URL, or a host name.
type Endpoint struct {
	Name    string `json:"name"` // of the output
	Address string `json:"address"`
}

// State says whether a stack needs attention.
type State string

// The states.
const (
	Good      State = "good"         // deployed, and equal to the directory, if there is one
	Differs   State = "differs"      // deployed, and different from the directory
	Missing   State = "not deployed" // in the directory only
	Failed    State = "failed"       // the last operation failed: the stack needs another
	Busy      State = "in progress"  // an operation is in progress
	Unknown   State = "unknown"      // CloudFormation gives a status that spacel does not know, or none
	Down      State = "down"         // of an app: no instance is healthy
	Unwritten State = "only in AWS"  // not in the directory: deploy leaves it alone
)

// OK reports whether a stack in this state needs no attention.
func (s State) OK() bool { return s == Good || s == Unwritten }

// Scope says which stacks to report.
type Scope struct {
	Orbit    string
	Artifact *assembly.Assembly // nil to report the deployed stacks only
	Regions  []string           // to search
	Wanted   func(ref assembly.StackRef, app string) bool
	Verify   bool // reads every deployed template, whatever earlier comparisons found
}

// Read reads the stacks and returns their state.
func Read(ctx context.Context, c *cloud.Cloud, scope Scope) (*Report, error) {
	stacks := live.New(c)
	found, err := list(ctx, stacks, scope)
	if err != nil {
		return nil, err
	}
	if scope.Artifact != nil {
		if found, err = compareAll(ctx, c, stacks, scope, found); err != nil {
			return nil, err
		}
	}
	r := &Report{Version: 1, Orbit: scope.Orbit, OK: true, Stacks: found}
	if err := readRunning(ctx, c, r); err != nil {
		return nil, err
	}
	for _, s := range r.Stacks {
		r.OK = r.OK && s.State.OK()
	}
	slices.SortFunc(r.Stacks, func(a, b Stack) int { return strings.Compare(a.String(), b.String()) })
	return r, nil
}

// list finds the orbit's deployed stacks in all regions at once. Each region throttles calls by itself, so several can be asked in
// parallel.
func list(ctx context.Context, stacks *live.Stacks, scope Scope) ([]Stack, error) {
	lists := make([][]*live.Stack, len(scope.Regions))
	work, ctx := errgroup.WithContext(ctx)
	for i, region := range scope.Regions {
		work.Go(func() (err error) {
			lists[i], err = stacks.List(ctx, region, scope.Orbit)
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	out := []Stack{}
	for _, stack := range slices.Concat(lists...) {
		if scope.Wanted(stack.StackRef, stack.App()) {
			out = append(out, describe(stack))
		}
	}
	return out, nil
}

// describe returns the state of a stack by itself.
func describe(l *live.Stack) Stack {
	s := Stack{StackRef: l.StackRef, App: l.App(), State: stateOf(l), Status: string(l.Status), Outputs: l.Outputs,
		Endpoints: Endpoints(l.Outputs), version: l.Parameters[document.ParameterVersion]}
	// A stack without an update changed last when it was created. With neither time Changed stays nil.
	if changed := l.Updated; !changed.IsZero() || !l.Created.IsZero() {
		if changed.IsZero() {
			changed = l.Created
		}
		s.Changed = &changed
	}
	if s.State == Failed && l.Reason != "" {
		s.Why = []string{l.Reason}
	}
	if s.State == Unknown {
		s.Why = []string{fmt.Sprintf("CloudFormation gives the status %q, which this version of spacel does not know: "+
			"look at the stack in the console", l.Status)}
	}
	return s
}

// good are the statuses of a stack that works. A stack whose update was rolled back works as before, so it is good by itself. Only
// the comparison with a directory shows the missing update.
var good = []types.StackStatus{
	types.StackStatusCreateComplete, types.StackStatusUpdateComplete, types.StackStatusUpdateRollbackComplete,
	types.StackStatusImportComplete, types.StackStatusImportRollbackComplete,
}

// stateOf translates CloudFormation's status. A status in no list is unknown.
func stateOf(l *live.Stack) State {
	switch {
	case !l.Exists() || l.Status == types.StackStatusDeleteComplete:
		return Missing
	case l.Busy():
		return Busy
	case slices.Contains(good, l.Status):
		return Good
	case l.IsIdle(), strings.HasSuffix(string(l.Status), "_FAILED"):
		return Failed
	}
	return Unknown
}

// Endpoints returns a stack's addresses from its outputs. The load balancer's own name is among them only when no
// host name points to it.
func Endpoints(outputs map[string]string) []Endpoint {
	var out []Endpoint
	for name, value := range outputs {
		if value != "" && (strings.HasPrefix(name, document.OutputEndpoint) || strings.HasPrefix(name, document.OutputDNSRecord)) {
			out = append(out, Endpoint{name, value})
		}
	}
	if balancer := outputs[document.OutputBalancer]; len(out) == 0 && balancer != "" {
		out = append(out, Endpoint{document.OutputBalancer, balancer})
	}
	slices.SortFunc(out, func(a, b Endpoint) int {
		// Endpoint80 comes before Endpoint443 and Endpoint8080.
		return cmp.Or(cmp.Compare(len(a.Name), len(b.Name)), strings.Compare(a.Name, b.Name))
	})
	return out
}
