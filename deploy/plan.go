package deploy

import (
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/impact"
	"github.com/pebble/spacel/deploy/temporary"
	"github.com/pebble/spacel/deploy/values"
)

// Plan lists the changes of a deployment in the order of display: by region and stack name.
type Plan struct {
	Orbit    string      `json:"orbit"`
	Account  string      `json:"account"`
	Stacks   []StackPlan `json:"stacks"`
	Waves    []WavePlan  `json:"waves,omitempty"` // of apps that change in several waves of regions
	Warnings []string    `json:"warnings,omitempty"`

	Directory string `json:"-"` // the artifact directory as the user gave it, empty for a redeploy
}

// StackPlan lists the changes to one stack.
type StackPlan struct {
	assembly.StackRef
	Action     Action            `json:"action"`
	Why        string            `json:"why,omitempty"` // of Later and Repair: the reason for waiting, or the repair
	Changes    []Change          `json:"changes,omitempty"`
	Parameters []ParameterChange `json:"parameters,omitempty"`
	Dangers    []Danger          `json:"dangers,omitempty"`
	Instances  *Instances        `json:"instances,omitempty"` // when the app's instances are replaced
	Guard      *Guard            `json:"guard,omitempty"`     // nil: nothing is watched
	Tasks      []PlannedTask     `json:"tasks,omitempty"`     // release tasks, when the app's instances are replaced or new
	New        *impact.Summary   `json:"new,omitempty"`       // of a stack that is not deployed yet
	Impact     []impact.Effect   `json:"impact,omitempty"`    // what users of a deployed stack notice, the worst first
	Moves      []values.Move     `json:"moves,omitempty"`     // EBS volumes that go to another zone
	Ends       []temporary.State `json:"ends,omitempty"`      // changes by spacel scale and maintenance that end afterwards
}

// Action is the kind of change to a stack.
type Action string

// The actions.
const (
	None   Action = "none"
	Create Action = "create"
	Update Action = "update"
	Repair Action = "repair" // a failed stack is repaired or deleted first, then updated or created
	Later  Action = "later"  // an input is not there yet: the changes come from the offline diff
)

// Change is the change to one resource.
type Change struct {
	LogicalID   string           `json:"logicalId"`
	PhysicalID  string           `json:"physicalId,omitempty"`
	Type        string           `json:"type"`
	Action      string           `json:"action"`                // Add, Modify, Remove, Import or Dynamic, as CloudFormation says
	Replacement string           `json:"replacement,omitempty"` // True, False or Conditional
	Policy      string           `json:"policy,omitempty"`      // the fate of the old one: Delete, Retain, Snapshot, ReplaceAndDelete …
	Properties  []PropertyChange `json:"properties,omitempty"`
	Origin      string           `json:"origin,omitempty"` // file:line:col in the manifests
}

// PropertyChange is one property's value before and after. Secrets are masked.
//
// CloudFormation leaves both values out when they are long, or known only after the change. Change says what happens then, too.
type PropertyChange struct {
	Path        string `json:"path"`
	Change      string `json:"change,omitempty"` // Add, Remove or Modify
	Before      string `json:"before,omitempty"`
	After       string `json:"after,omitempty"`
	Replacement string `json:"replacement,omitempty"` // Never, Conditionally or Always
}

// ParameterChange is a parameter's value before and after. Secrets are masked.
type ParameterChange struct {
	Name   string `json:"name"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Danger is a change that destroys data, or an address that others know.
type Danger struct {
	ID   string `json:"id"`   // region/stack/logical id, as in --allow-replace
	What string `json:"what"` // in one sentence: the loss, and the kept part
}
