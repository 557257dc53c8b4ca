package deploy

import (
	"time"

	"github.com/pebble/spacel/compiler/assembly"
)

// Listener is told what happens, one event at a time.
type Listener func(Event)

// Event is something that happened in a deployment. It is what `--output json` prints, one to a line.
type Event struct {
	Time     time.Time `json:"time"`
	Kind     Kind      `json:"kind"`
	Region   string    `json:"region,omitempty"` // empty: of the whole run
	Stack    string    `json:"stack,omitempty"`
	Resource string    `json:"resource,omitempty"` // logical id; of a Resource event without one, it is the stack's own status
	Type     string    `json:"type,omitempty"`     // AWS::EC2::Instance
	Status   string    `json:"status,omitempty"`   // of the resource or the stack, in CloudFormation's words
	Reason   string    `json:"reason,omitempty"`
	Origin   string    `json:"origin,omitempty"` // file:line:col in the manifests
	Total    int       `json:"total,omitempty"`  // of Started: how many resources change
}

// Kind is what an event is about.
type Kind string

// The kinds of events.
const (
	Uploaded  Kind = "uploaded"  // a template or an asset; Reason is its address
	Waiting   Kind = "waiting"   // for a stack it depends on, or for someone else's operation: see Reason
	Started   Kind = "started"   // an operation of the stack; Status is what it does: create, update, delete, rollback
	Resource  Kind = "resource"  // a resource's status changed
	Unchanged Kind = "unchanged" // the stack is as the artifact says
	Done      Kind = "done"      // the stack is now as the artifact says
	Failed    Kind = "failed"    // see Reason, and the run's result for the explanation
	Skipped   Kind = "skipped"   // not tried: Reason says why
	Warning   Kind = "warning"
	Note      Kind = "note"
)

// Ref is the event's stack.
func (e Event) Ref() assembly.StackRef { return assembly.StackRef{Region: e.Region, Name: e.Stack} }
