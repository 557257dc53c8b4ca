// Package activity is shared by the runs that change stacks, deploy and destroy: their events, the control to stop them, and the
// outcome of each stack.
//
//	events.go    the events, and the listener that gets them
//	control.go   stop, cancel and detach
//	outcome.go   the outcome of a stack
package activity

import (
	"sync"
	"time"

	"github.com/pebble/spacel/compiler/assembly"
)

// Listener receives the events of a run, one at a time.
type Listener func(Event)

// Event is one thing that happened in a run. `--output json` prints each event as a line.
type Event struct {
	Time     time.Time `json:"time"`
	Kind     Kind      `json:"kind"`
	Region   string    `json:"region,omitempty"` // empty: the event is about the whole run
	Stack    string    `json:"stack,omitempty"`
	Resource string    `json:"resource,omitempty"` // logical id; a Resource event without one is about the stack itself
	Type     string    `json:"type,omitempty"`     // AWS::EC2::Instance
	Status   string    `json:"status,omitempty"`   // of the resource or the stack, in CloudFormation's words
	Reason   string    `json:"reason,omitempty"`
	Origin   string    `json:"origin,omitempty"` // file:line:col in the manifests
	Total    int       `json:"total,omitempty"`  // of Started: how many resources change
	Until    time.Time `json:"until,omitzero"`   // of Paused: the end of the pause
	Watch    int       `json:"watch,omitempty"`  // of Started: minutes for which alarms are watched after all resources are updated
}

// Kind is the kind of an event.
type Kind string

// The kinds of events.
const (
	Uploaded  Kind = "uploaded"  // a template or an asset; Reason is its address
	Waiting   Kind = "waiting"   // for another stack, or for an operation that somebody else began: see Reason
	Paused    Kind = "paused"    // between two waves of regions; Until says when it ends
	Started   Kind = "started"   // an operation of the stack; Status names it: create, update, delete, rollback
	Resource  Kind = "resource"  // a resource's status changed
	Unchanged Kind = "unchanged" // the stack already matches the artifact
	Done      Kind = "done"      // the stack now matches the artifact, or is deleted
	Failed    Kind = "failed"    // see Reason, and the run's result for the explanation
	Skipped   Kind = "skipped"   // not tried: see Reason
	Warning   Kind = "warning"
	Note      Kind = "note"

	LaunchFailed Kind = "launch-failed" // a group in progress could not launch an instance, and tries again: see Reason
)

// Ref is the stack of the event.
func (e Event) Ref() assembly.StackRef { return assembly.StackRef{Region: e.Region, Name: e.Stack} }

// Serial returns a listener for many goroutines. It passes events on one at a time, and sets a missing time. With a nil listener
// the events are dropped.
func Serial(listener Listener) Listener {
	if listener == nil {
		return func(Event) {}
	}
	var mu sync.Mutex
	return func(e Event) {
		if e.Time.IsZero() {
			e.Time = time.Now().UTC()
		}
		mu.Lock()
		defer mu.Unlock()
		listener(e)
	}
}
