package deploy

import (
	"time"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
)

// Result is what a deployment came to.
type Result struct {
	Orbit    string        `json:"orbit"`
	Account  string        `json:"account"`
	Stacks   []StackResult `json:"stacks"` // sorted by region and name
	Failures []Failure     `json:"failures,omitempty"`
	Warnings []string      `json:"warnings,omitempty"`
	Seconds  float64       `json:"seconds"`
}

// OK says that every stack is as the artifact says.
func (r *Result) OK() bool {
	for _, s := range r.Stacks {
		if !s.Outcome.OK() {
			return false
		}
	}
	return true
}

// StackResult is what became of one stack.
type StackResult struct {
	assembly.StackRef
	Outcome activity.Outcome  `json:"outcome"`
	Why     string            `json:"why,omitempty"`    // of what is not OK, in one line
	Status  string            `json:"status,omitempty"` // in CloudFormation's words, empty for none
	Seconds float64           `json:"seconds,omitempty"`
	Outputs map[string]string `json:"outputs,omitempty"`
}

// Failure explains why a stack failed.
type Failure struct {
	assembly.StackRef
	What     string   `json:"what"`               // one line: what failed and what came back
	Resource string   `json:"resource,omitempty"` // logical id of the root cause
	Type     string   `json:"type,omitempty"`
	Reason   string   `json:"reason,omitempty"` // of the root cause, in CloudFormation's words
	Origin   string   `json:"origin,omitempty"` // file:line:col in the manifests
	Others   []string `json:"others,omitempty"` // what else failed by itself, a line each
	Boot     []Boot   `json:"boot,omitempty"`   // what instances said, when they did not start
	State    string   `json:"state,omitempty"`  // what the stack is now, and what that means
	Next     string   `json:"next"`             // what to do, with the command
}

// Boot is the end of what an instance wrote to the orbit's boot log.
type Boot struct {
	Instance string    `json:"instance"`
	Lines    []string  `json:"lines"`
	Last     time.Time `json:"last"`
}
