package destroy

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pebble/spacel/compiler/assembly"
)

// order is the order of deletion, as a graph and as a list that follows from it.
type order struct {
	sorted []assembly.StackRef                       // takers before givers, else by name
	after  map[assembly.StackRef][]assembly.StackRef // giver → its takers, sorted
}

// orderDeletions orders the stacks to be deleted. A stack that survives but reads an optional output of a deleted stack is first
// updated to drop that parameter (unbound). So is one half of a pair that reference each other. A surviving stack that requires such
// an output is an error.
func orderDeletions(edges []edge, doomed map[assembly.StackRef]bool) (order, []Unbind, error) {
	o := order{after: map[assembly.StackRef][]assembly.StackRef{}}
	var loose []edge
	var problems []error
	for _, e := range edges {
		switch {
		case !doomed[e.from] && e.optional:
			loose = append(loose, e)
		case !doomed[e.from]:
			problems = append(problems, e.problem())
		// Required edges come before optional ones, so a cycle with both loses its optional edge.
		case !e.optional:
			o.add(e) // a cycle of these comes from a value that two stacks have by chance
		}
	}
	for _, e := range edges {
		if doomed[e.from] && e.optional && !o.add(e) {
			loose = append(loose, e)
		}
	}
	o.sort(doomed)
	return o, unbindings(loose), errors.Join(distinct(problems)...)
}

// problem returns the error for a surviving stack that requires an output of a deleted one.
func (e edge) problem() error {
	what := "is in it"
	if e.parameter != "" {
		what = "takes its parameter " + e.parameter + " from it"
	}
	return fmt.Errorf("%s cannot be deleted: %s %s: destroy that too, or deploy it without this first", e.to, e.from, what)
}

// distinct drops duplicates: errors about the same two stacks.
func distinct(problems []error) []error {
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return slices.CompactFunc(problems, func(a, b error) bool {
		// A stack may take several parameters from the same stack. The text before the parameter's name tells the pair.
		first := func(err error) string { before, _, _ := strings.Cut(err.Error(), " takes its "); return before }
		return first(a) == first(b)
	})
}

// add puts the taker before the giver, and reports whether it did: not if there would be a cycle.
func (o *order) add(e edge) bool {
	if o.before(e.to, e.from) {
		return false
	}
	if at, found := slices.BinarySearchFunc(o.after[e.to], e.from, assembly.StackRef.Compare); !found {
		o.after[e.to] = slices.Insert(o.after[e.to], at, e.from)
	}
	return true
}

// before reports whether a must be deleted before b.
func (o *order) before(a, b assembly.StackRef) bool {
	return a == b || slices.ContainsFunc(o.after[b], func(c assembly.StackRef) bool { return o.before(a, c) })
}

// sort lists all stacks so that each comes after its takers. Stacks without an order between them come by name, so the plan is
// the same in every run.
func (o *order) sort(doomed map[assembly.StackRef]bool) {
	placed := map[assembly.StackRef]bool{}
	var place func(assembly.StackRef)
	place = func(ref assembly.StackRef) {
		if placed[ref] {
			return
		}
		placed[ref] = true
		for _, first := range o.after[ref] {
			place(first)
		}
		o.sorted = append(o.sorted, ref)
	}
	for _, ref := range slices.SortedFunc(maps.Keys(doomed), assembly.StackRef.Compare) {
		place(ref)
	}
}

// unbindings groups edges by stack, so that each stack is updated once, with all its parameters.
func unbindings(loose []edge) []Unbind {
	slices.SortFunc(loose, func(a, b edge) int {
		return strings.Compare(a.from.String()+" "+a.parameter, b.from.String()+" "+b.parameter)
	})
	var out []Unbind
	for _, e := range loose {
		if len(out) == 0 || out[len(out)-1].StackRef != e.from {
			out = append(out, Unbind{StackRef: e.from})
		}
		u := &out[len(out)-1]
		if !slices.Contains(u.Parameters, e.parameter) {
			u.Parameters = append(u.Parameters, e.parameter)
		}
		if !slices.Contains(u.From, e.to.String()) {
			u.From = append(u.From, e.to.String())
		}
	}
	return out
}
