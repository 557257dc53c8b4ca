// Package diff compares two artifact directories offline: per stack, resource and property, with what CloudFormation would
// do about it. It needs neither network nor account. Effects that depend on them are called maybe.
//
//	diff.go       the result of a comparison
//	compare.go    stack by stack, then the effects of a change in other stacks
//	effects.go    CloudFormation's action on each resource, and its effects on other resources
//	tree.go       two JSON values, property by property
//	rows.go       a comparison as lines, for text and markdown alike
//	text.go, markdown.go, json.go   for a terminal, a pull request, a program
package diff

import (
	"cmp"
	"encoding/json"
	"slices"
)

// Format is the version of the JSON form.
const Format = 1

// Diff is what differs between two artifact directories. Its JSON form is stable: lists are sorted, and fields are only
// ever added.
type Diff struct {
	Format  int      `json:"format"`
	Equal   bool     `json:"equal"`
	Orbit   *Change  `json:"orbit,omitempty"` // the two are not of one orbit
	Owner   []Change `json:"owner,omitempty"` // the account that is deployed to, and the role
	Summary Summary  `json:"summary"`
	Stacks  []Stack  `json:"stacks"` // those that differ or are affected, sorted by region and name
	Assets  Assets   `json:"assets"`
}

// Summary counts.
type Summary struct {
	Stacks    map[Status]int `json:"stacks"`
	Resources map[Action]int `json:"resources"`
}

// Assets are the digests of uploaded files that only one side has.
type Assets struct {
	Added   []string `json:"added,omitempty"`
	Removed []string `json:"removed,omitempty"`
}

// Status is how a stack or resource stands between old and new.
type Status string

// Affected means equal on both sides, but changed by CloudFormation, because a value it refers to changes.
const (
	Added    Status = "added"
	Removed  Status = "removed"
	Changed  Status = "changed"
	Affected Status = "affected"
)

// Action is what CloudFormation does with a resource.
type Action string

// The actions, from the harmless to the dangerous.
const (
	None         Action = "none"
	Create       Action = "create"
	Update       Action = "update"
	MaybeReplace Action = "maybe-replace" // depends on values that only AWS knows
	Replace      Action = "replace"
	Delete       Action = "delete"
)

// Actions lists all actions, from the harmless to the dangerous.
func Actions() []Action { return []Action{None, Create, Update, MaybeReplace, Replace, Delete} }

// worse is the more dangerous of two actions.
func worse(a, b Action) Action {
	all := Actions()
	return all[max(slices.Index(all, a), slices.Index(all, b), 0)]
}

// Stack is a stack that differs or is affected.
type Stack struct {
	Region string `json:"region"`
	Name   string `json:"name"`
	App    string `json:"app,omitempty"`
	Status Status `json:"status"`

	Settings   []Change   `json:"settings,omitempty"`   // of the stack itself: tags, capabilities, termination protection
	Parameters []Change   `json:"parameters,omitempty"` // declarations, and the sources of their values
	Template   []Change   `json:"template,omitempty"`   // description, conditions and what else is not named here
	Outputs    []Change   `json:"outputs,omitempty"`
	Resources  []Resource `json:"resources,omitempty"` // sorted by logical id, deletes before creates
	Notes      []string   `json:"notes,omitempty"`
}

// Resource is a resource that differs or is affected.
type Resource struct {
	ID         string   `json:"id"` // logical
	Type       string   `json:"type"`
	Status     Status   `json:"status"`
	Action     Action   `json:"action"`
	From       string   `json:"from,omitempty"`       // file:line:col in the manifests, of the new one if there is one
	Properties []Change `json:"properties,omitempty"` // empty for removed resources and in new stacks
	Attributes []Change `json:"attributes,omitempty"` // DeletionPolicy, DependsOn and the like
	Data       *Data    `json:"data,omitempty"`       // of one that holds data and is replaced or deleted
	Notes      []string `json:"notes,omitempty"`
}

// Change is a difference at one path, such as Tags[team].Value or Listeners[2].Port. A side that lacks it is left out.
type Change struct {
	Path    string          `json:"path"`
	Before  json.RawMessage `json:"before,omitempty"`
	After   json.RawMessage `json:"after,omitempty"`
	Lines   []string        `json:"lines,omitempty"`   // of longer texts: hunks, each line with @@, blank, - or + before it
	Action  Action          `json:"action,omitempty"`  // of a resource's property
	Because string          `json:"because,omitempty"` // the value is written the same, and changes with this
}

// Data is what becomes of a resource's data.
type Data struct {
	Policy  string `json:"policy"`  // Delete, Retain, RetainExceptOnCreate or Snapshot
	Outcome string `json:"outcome"` // in words
}

// summarise counts. Every status and action has an entry, 0 included, so that programs need not test for absence.
func (d *Diff) summarise() {
	d.Summary = Summary{Stacks: map[Status]int{}, Resources: map[Action]int{}}
	for _, status := range []Status{Added, Removed, Changed, Affected} {
		d.Summary.Stacks[status] = 0
	}
	for _, action := range Actions() {
		d.Summary.Resources[action] = 0
	}
	for _, stack := range d.Stacks {
		d.Summary.Stacks[stack.Status]++
		for _, r := range stack.Resources {
			d.Summary.Resources[r.Action]++
		}
	}
	d.Equal = d.Orbit == nil && len(d.Owner) == 0 && len(d.Stacks) == 0 && len(d.Assets.Added) == 0 && len(d.Assets.Removed) == 0
}

// sortResources sorts by logical id. A resource whose type changed appears twice, the deletion first.
func sortResources(resources []Resource) {
	slices.SortFunc(resources, func(a, b Resource) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), -cmp.Compare(slices.Index(Actions(), a.Action), slices.Index(Actions(), b.Action)))
	})
}
