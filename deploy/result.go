package deploy

import (
	"time"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/launches"
	"github.com/pebble/spacel/deploy/tasks"
)

// Result is the end of a deployment.
type Result struct {
	Orbit    string        `json:"orbit"`
	Account  string        `json:"account"`
	Stacks   []StackResult `json:"stacks"` // sorted by region and name
	Failures []Failure     `json:"failures,omitempty"`
	Warnings []string      `json:"warnings,omitempty"`
	Seconds  float64       `json:"seconds"`
}

// OK reports whether every stack matches the artifact.
func (r *Result) OK() bool {
	for _, s := range r.Stacks {
		if !s.Outcome.OK() {
			return false
		}
	}
	return true
}

// StackResult is the end of one stack's part in it.
type StackResult struct {
	assembly.StackRef
	Outcome activity.Outcome  `json:"outcome"`
	Why     string            `json:"why,omitempty"`    // in one line, when the outcome is not OK
	Status  string            `json:"status,omitempty"` // in CloudFormation's words, empty for none
	Seconds float64           `json:"seconds,omitempty"`
	Outputs map[string]string `json:"outputs,omitempty"`
	Tasks   []tasks.Task      `json:"tasks,omitempty"` // the release tasks that instances of the stack ran, with their ends
}

// Failure explains the failure of one stack.
type Failure struct {
	assembly.StackRef
	What     string   `json:"what"`               // one line: the failure and its reason
	Resource string   `json:"resource,omitempty"` // logical id of the root cause
	Type     string   `json:"type,omitempty"`
	Reason   string   `json:"reason,omitempty"` // of the root cause, in CloudFormation's words
	Origin   string   `json:"origin,omitempty"` // file:line:col in the manifests
	Others   []string `json:"others,omitempty"` // other failures, a line each
	Boot     []Boot   `json:"boot,omitempty"`   // the boot logs, when instances did not start
	// Launches are the different reasons for which EC2 launched no instance.
	Launches []launches.Failed `json:"launches,omitempty"`
	State    string            `json:"state,omitempty"` // the state of the stack now, and its effect on the next deploy
	Next     string            `json:"next"`            // advice, with the command
}

// Boot is the end of one instance's boot log.
type Boot struct {
	Instance string    `json:"instance"`
	Lines    []string  `json:"lines"`
	Last     time.Time `json:"last"`
}
