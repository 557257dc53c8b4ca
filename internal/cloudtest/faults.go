package cloudtest

import "time"

// Failure makes one action on one resource of a stack fail, once.
type Failure struct {
	Region, Stack, Logical string
	When                   Verb
	Reason                 string
	Always                 bool // each time instead of once
}

// Verb is an action on a resource.
type Verb string

// These are the actions that can fail.
const (
	Create Verb = "create"
	Update Verb = "update" // also if it replaces the resource
	Undo   Verb = "undo"   // undoing an update in a rollback
	Delete Verb = "delete"
)

// Fail arranges a failure.
func (c *CloudFormation) Fail(f Failure) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.engine.failures = append(c.engine.failures, &f)
}

// Settle finishes all operations at once, except those of held stacks.
func (c *CloudFormation) Settle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.engine.advance(time.Now().Add(24 * time.Hour))
}

// Hold stops the operations of a stack where they are, until Release.
func (c *CloudFormation) Hold(region, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.engine.hold(region, name, true)
}

// Release lets a held stack go on.
func (c *CloudFormation) Release(region, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.engine.hold(region, name, false)
}
