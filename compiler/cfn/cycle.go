package cfn

import (
	"fmt"
	"slices"
	"strings"
)

// cycles finds resources that wait for each other, which CloudFormation refuses. Each is named once, from its first id. names are the
// references of each resource.
func (t *Template) cycles(names map[string][]string) []string {
	w := cycleWalk{needs: map[string][]string{}, state: map[string]int{}}
	for _, id := range t.ResourceIDs() {
		w.needs[id] = t.needs(id, names[id])
	}
	for _, id := range t.ResourceIDs() {
		w.visit(id)
	}
	return w.problems
}

// needs are the other resources that one refers to or depends on. names are its references.
func (t *Template) needs(id string, names []string) []string {
	names = slices.Clone(names)
	for _, on := range t.resources[id].attributes().DependsOn {
		names = append(names, on.attributes().id)
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return !t.Has(name) })
}

// Way returns a shortest chain of resources from one to another, each of which refers to the next or depends on it. It returns
// nil if there is none.
func (t *Template) Way(from, to string) []string {
	ways := [][]string{{from}}
	seen := map[string]bool{from: true}
	for len(ways) > 0 {
		way := ways[0]
		ways = ways[1:]
		last := way[len(way)-1]
		if !t.Has(last) {
			continue
		}
		for _, next := range t.needs(last, references(t.resources[last])) {
			if next == to {
				return append(way, next)
			}
			if !seen[next] {
				seen[next] = true
				ways = append(ways, append(slices.Clone(way), next))
			}
		}
	}
	return nil
}

// The states of a resource during the walk.
const (
	unseen = iota
	open
	done
)

// cycleWalk is a depth-first search. The way holds the open nodes, so a node met again on the way closes a cycle.
type cycleWalk struct {
	needs    map[string][]string
	state    map[string]int
	way      []string
	problems []string
}

// visit reports a cycle through a node once, then marks the node as done.
func (w *cycleWalk) visit(id string) {
	switch w.state[id] {
	case open:
		circle := append(slices.Clone(w.way[slices.Index(w.way, id):]), id)
		w.problems = append(w.problems, fmt.Sprintf("%s: waits for itself: %s", id, strings.Join(circle, " needs ")))
		return
	case done:
		return
	}
	w.state[id] = open
	w.way = append(w.way, id)
	for _, next := range w.needs[id] {
		w.visit(next)
	}
	// All resources below this one are visited, so it cannot be on a cycle that is still to be found.
	w.way = w.way[:len(w.way)-1]
	w.state[id] = done
}
