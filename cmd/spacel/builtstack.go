package main

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/pebble/spacel/compiler"
	"github.com/pebble/spacel/compiler/assembly"
)

// builtStack describes a stack of a build for --output json.
type builtStack struct {
	Region    string `json:"region"`
	Name      string `json:"name"`
	App       string `json:"app,omitempty"`
	Resources int    `json:"resources"`
	Template  string `json:"template"` // path in the directory, with slashes
}

// counter is a compiler.Sink in front of another: it records the stacks that pass, and stops the build when the context
// ends. The compiler calls it from several goroutines.
type counter struct {
	sink   compiler.Sink
	ctx    context.Context
	mu     sync.Mutex
	stacks []builtStack
}

// Stack counts the resources of a template by its origins, as each resource has exactly one.
func (c *counter) Stack(stack assembly.Stack, template []byte, origins map[string]string) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	c.stacks = append(c.stacks, builtStack{stack.Region, stack.Name, stack.App, len(origins), stack.Template})
	c.mu.Unlock()
	return c.sink.Stack(stack, template, origins)
}

// Asset passes an asset on. It is not counted: the result lists stacks only.
func (c *counter) Asset(body []byte) (assembly.Asset, error) {
	if err := c.ctx.Err(); err != nil {
		return assembly.Asset{}, err
	}
	return c.sink.Asset(body)
}

// sorted returns the stacks by region and name: they arrive in any order, and output must be the same every time.
func (c *counter) sorted() []builtStack {
	slices.SortFunc(c.stacks, func(a, b builtStack) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.Name, b.Name))
	})
	return c.stacks
}
