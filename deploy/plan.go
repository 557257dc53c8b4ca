package deploy

import "github.com/pebble/spacel/compiler/assembly"

// Plan is what a deployment would do, in the order in which it is shown: regions and stacks by name.
type Plan struct {
	Orbit    string      `json:"orbit"`
	Account  string      `json:"account"`
	Stacks   []StackPlan `json:"stacks"`
	Warnings []string    `json:"warnings,omitempty"`
}

// StackPlan is what happens to one stack.
type StackPlan struct {
	assembly.StackRef
	Action     Action            `json:"action"`
	Why        string            `json:"why,omitempty"` // of Later and Repair: what is waited for, or what is mended
	Changes    []Change          `json:"changes,omitempty"`
	Parameters []ParameterChange `json:"parameters,omitempty"`
	Dangers    []Danger          `json:"dangers,omitempty"`
}

// Action is what happens to a stack.
type Action string

// The actions.
const (
	None   Action = "none"
	Create Action = "create"
	Update Action = "update"
	Repair Action = "repair" // a failed stack is mended or deleted first; then created or updated
	Later  Action = "later"  // what it needs is not deployed yet: its changes come from the offline diff
)

// Change is what happens to one resource.
type Change struct {
	LogicalID   string           `json:"logicalId"`
	PhysicalID  string           `json:"physicalId,omitempty"`
	Type        string           `json:"type"`
	Action      string           `json:"action"`                // Add, Modify, Remove, Import or Dynamic, as CloudFormation says
	Replacement string           `json:"replacement,omitempty"` // True, False or Conditional
	Policy      string           `json:"policy,omitempty"`      // what becomes of the old one: Delete, Retain, Snapshot, ReplaceAndDelete …
	Properties  []PropertyChange `json:"properties,omitempty"`
	Origin      string           `json:"origin,omitempty"` // file:line:col in the manifests
}

// PropertyChange is one property's value before and after. Secrets are masked.
type PropertyChange struct {
	Path        string `json:"path"`
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

// Danger is a change that destroys what holds data, or an address that others know.
type Danger struct {
	ID   string `json:"id"`   // region/stack/logical id: what --allow-replace names
	What string `json:"what"` // in one sentence: what is lost, and what is kept
}
