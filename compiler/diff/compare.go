package diff

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/pebble/spacel/compiler/assembly"

	"github.com/pebble/spacel/compiler/template"
)

// Compare finds what differs between two artifact directories, and what that brings about in stacks that don't differ.
// Templates are loaded one stack at a time. Equal and unaffected templates are never loaded.
func Compare(old, now *assembly.Assembly) (*Diff, error) {
	replacing, err := replacements()
	if err != nil {
		return nil, fmt.Errorf("read the embedded replacement table: %w", err)
	}
	c := &comparison{old: old, now: now, table: replacing, stacks: map[assembly.StackRef]Stack{},
		inputs: map[assembly.StackRef]map[string]cause{}}
	c.indexConsumers()
	if err := c.run(); err != nil {
		return nil, err
	}
	return c.result()
}

// comparison works through a queue of stacks. A stack comes back into it when a value it takes from another changes.
type comparison struct {
	old, now  *assembly.Assembly
	table     table
	queue     []assembly.StackRef
	stacks    map[assembly.StackRef]Stack
	inputs    map[assembly.StackRef]map[string]cause // stack → parameter → why its value changes
	consumers map[assembly.StackRef][]consumer       // of the outputs of a stack
	places    assembly.SourceMap
	oldPlaces assembly.SourceMap
}

// consumer is a parameter that takes its value from another stack's output.
type consumer struct {
	stack     assembly.StackRef
	parameter string
	output    string
}

// indexConsumers lists the readers of every stack's outputs, by the parameters' sources.
func (c *comparison) indexConsumers() {
	c.consumers = map[assembly.StackRef][]consumer{}
	for _, stack := range c.now.Manifest.Stacks {
		for _, name := range slices.Sorted(maps.Keys(stack.Parameters)) {
			if from := stack.Parameters[name].Output; from != nil {
				ref := assembly.StackRef{Region: from.Region, Name: from.Stack}
				c.consumers[ref] = append(c.consumers[ref], consumer{stack.Ref(), name, from.Output})
			}
		}
	}
}

// run compares stacks until the queue is empty. A stack whose outputs change puts its consumers into the queue, even if
// their files are equal. The loop ends, since a consumer is queued again only for a more certain cause.
func (c *comparison) run() error {
	c.queue = c.different()
	if len(c.queue) > 0 {
		if err := c.loadPlaces(); err != nil {
			return err
		}
	}
	for len(c.queue) > 0 {
		ref := c.queue[0]
		// The first stack leaves the queue before it is compared: a change of its own inputs may queue it again.
		c.queue = c.queue[1:]
		if err := c.stack(ref); err != nil {
			return fmt.Errorf("compare %s: %w", ref, err)
		}
	}
	return nil
}

// different lists the stacks whose entries differ. A digest stands for a template, so no template is loaded to find out.
func (c *comparison) different() []assembly.StackRef {
	var refs []assembly.StackRef
	for _, stack := range c.now.Manifest.Stacks {
		if before, ok := c.old.Stack(stack.Ref()); !ok || !reflect.DeepEqual(before, stack) {
			refs = append(refs, stack.Ref())
		}
	}
	for _, stack := range c.old.Manifest.Stacks {
		if _, ok := c.now.Stack(stack.Ref()); !ok {
			refs = append(refs, stack.Ref())
		}
	}
	return refs
}

// loadPlaces reads both source maps, which give resources their place in the manifests.
func (c *comparison) loadPlaces() (err error) {
	if c.places, err = c.now.SourceMap(); err != nil {
		return err
	}
	c.oldPlaces, err = c.old.SourceMap()
	return err
}

// stack compares one stack and passes changed outputs on.
func (c *comparison) stack(ref assembly.StackRef) error {
	before, was := c.old.Stack(ref)
	now, is := c.now.Stack(ref)
	switch {
	case !was:
		return c.wholeStack(now, c.now, Added, Create)
	case !is:
		return c.wholeStack(before, c.old, Removed, Delete)
	}
	old, err := load(c.old, ref)
	if err != nil {
		return err
	}
	current, err := load(c.now, ref)
	if err != nil {
		return err
	}
	pair := &pair{before: before, now: now, old: old, current: current, places: c.places[ref.String()],
		oldPlaces: c.oldPlaces[ref.String()]}
	if err := pair.compareSources(); err != nil {
		return err
	}
	// Causes from other stacks come before the effects are computed, which start from them.
	pair.addInputs(c.inputs[ref])
	pair.effects = newEffects(c.table, old, current, pair.inputs)
	c.stacks[ref] = pair.result()
	c.notifyConsumers(ref, pair.outputs())
	return nil
}

// load reads and parses one template. Only one pair of templates is in memory at a time.
func load(from *assembly.Assembly, ref assembly.StackRef) (*template.Template, error) {
	body, err := from.Template(ref)
	if err != nil {
		return nil, err
	}
	return template.Parse(body)
}

// wholeStack reports a stack that exists on one side only: every resource is created or deleted.
func (c *comparison) wholeStack(stack assembly.Stack, side *assembly.Assembly, status Status, action Action) error {
	t, err := load(side, stack.Ref())
	if err != nil {
		return err
	}
	out := Stack{Region: stack.Region, Name: stack.Name, App: stack.App, Status: status}
	// A removed stack's resources have their places in the old manifests.
	places := c.places
	if status == Removed {
		places = c.oldPlaces
		out.Notes = []string{"deploy does not delete a stack that is missing from the directory; deleting it would do this"}
	}
	for _, id := range t.IDs() {
		r := t.Resources[id]
		out.Resources = append(out.Resources, Resource{
			ID: id, Type: r.Type, Status: status, Action: action,
			From: places[stack.Ref().String()][id], Data: dataOf(r, r, action),
		})
	}
	c.stacks[stack.Ref()] = out
	// All outputs of a stack that appears or disappears change, but whether their readers can be updated is another question.
	outputs := map[string]cause{}
	for name := range t.Outputs {
		outputs[name] = cause{fmt.Sprintf("output %s of %s, which is %s", name, stack.Ref(), status), false}
	}
	c.notifyConsumers(stack.Ref(), outputs)
	return nil
}

// notifyConsumers records a changed output as the cause of its readers' changed parameters. It queues a reader if the
// cause is new or more certain than the known one.
func (c *comparison) notifyConsumers(ref assembly.StackRef, outputs map[string]cause) {
	for _, to := range c.consumers[ref] {
		why, changes := outputs[to.output]
		known, found := c.inputs[to.stack][to.parameter]
		_, was := c.old.Stack(to.stack)
		// A new reader has no deployed value which could change.
		if !changes || !was || why.weaker(known, found) {
			continue
		}
		if c.inputs[to.stack] == nil {
			c.inputs[to.stack] = map[string]cause{}
		}
		c.inputs[to.stack][to.parameter] = why
		if !slices.Contains(c.queue, to.stack) {
			c.queue = append(c.queue, to.stack)
		}
	}
}

// result sorts stacks and adds assets and the summary. The map of stacks has no order, and the output must be the same each time.
func (c *comparison) result() (*Diff, error) {
	d := &Diff{Format: Format, Stacks: []Stack{}}
	if before, now := c.old.Manifest.Orbit, c.now.Manifest.Orbit; before != now && before != "" {
		d.Orbit = &Change{Path: "orbit", Before: encoded(before), After: encoded(now)}
	}
	d.Owner = compareOwners(c.old.Manifest, c.now.Manifest)
	for _, stack := range c.stacks {
		if stack.Status == Affected && len(stack.Resources) == 0 {
			continue // its inputs change, but none of its resources
		}
		d.Stacks = append(d.Stacks, stack)
	}
	slices.SortFunc(d.Stacks, func(a, b Stack) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.Name, b.Name))
	})
	d.Assets = compareAssets(c.old.Manifest.Assets, c.now.Manifest.Assets)
	if err := c.assetTexts(d); err != nil {
		return nil, err
	}
	d.summarise()
	return d, nil
}

// compareOwners lists the changes of account and role. Against a directory that was never built, both are new.
func compareOwners(old, now assembly.Manifest) []Change {
	var out []Change
	for _, c := range []struct{ path, before, now string }{
		{"account", old.Account, now.Account}, {"role", old.Role, now.Role},
	} {
		if c.before == c.now {
			continue
		}
		change := Change{Path: c.path}
		if c.before != "" {
			change.Before = encoded(c.before)
		}
		if c.now != "" {
			change.After = encoded(c.now)
		}
		out = append(out, change)
	}
	return out
}

// compareAssets lists the digests on one side only.
func compareAssets(before, now []assembly.Asset) Assets {
	var out Assets
	for _, a := range now {
		if !slices.Contains(before, a) {
			out.Added = append(out.Added, a.Digest)
		}
	}
	for _, a := range before {
		if !slices.Contains(now, a) {
			out.Removed = append(out.Removed, a.Digest)
		}
	}
	return out
}

// generic converts a value of ours to plain maps and slices, so that compareTrees can walk it.
func generic(v any) (map[string]any, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return template.Decode(body)
}
