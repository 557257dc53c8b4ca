package cloudtest

import "time"

// Failure is something that goes wrong in a stack's resource, once.
type Failure struct {
	Region, Stack, Logical string
	When                   Verb
	Reason                 string
	Always                 bool // and not once
}

// Verb is what is done to a resource.
type Verb string

// The verbs.
const (
	Create Verb = "create"
	Update Verb = "update" // also when that makes a new one
	Undo   Verb = "undo"   // an update, in a rollback
	Delete Verb = "delete"
)

// Fail arranges a failure.
func (c *CloudFormation) Fail(f Failure) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.engine.failures = append(c.engine.failures, &f)
}

// Settle lets all operations that are not held come to their end at once.
func (c *CloudFormation) Settle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.engine.advance(time.Now().Add(24 * time.Hour))
}

// Hold stops time for a stack: whatever it goes through, it stays in the middle of it.
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
