// Package schedule works on a graph of stacks. A stack starts when the stacks before it are done. The number of stacks in progress
// is limited in each region, because CloudFormation throttles the calls of an account in each region by itself.
package schedule

import (
	"context"
	"slices"

	"github.com/pebble/spacel/compiler/assembly"
)

// DefaultConcurrency is the number of stacks in progress in a region when the user gives none.
const DefaultConcurrency = 10

// Graph is the stacks to work on, and how. The functions get a stack's index in Stacks.
type Graph struct {
	Stacks  []assembly.StackRef             // the ready ones of a region are started in this order
	Needs   func(i int) []assembly.StackRef // the stacks that must be done first; others than Stacks are ignored
	Limit   int                             // of stacks in each region at a time; 0: DefaultConcurrency
	Stopped func() bool                     // reports whether nothing more may start

	// Do works on a stack, in a goroutine of its own. It reports whether stacks that need this one may start.
	Do func(ctx context.Context, i int) bool
	// Skip is called instead of Do for a stack that cannot start, never for two stacks at a time.
	Skip func(i int, why Reason)
}

// Reason is the cause for skipping a stack. A zero Reason means that somebody stopped the run.
type Reason struct {
	BlockedBy *assembly.StackRef  // a needed stack was not done
	Cycle     []assembly.StackRef // these need it, as it needs them
}

// Run works on all stacks of the graph, and returns when none is worked on any more. Each stack had one call of Do or Skip. Apart from
// Do and Skip it takes time in proportion to the stacks and their needs: an end looks only at the stacks that need the ended one.
func Run(ctx context.Context, g Graph) {
	g.Limit = orDefault(g.Limit)
	q := newQueue(g)
	for {
		q.start(ctx)
		if q.active == 0 {
			break
		}
		e := <-q.finished
		q.running[q.Stacks[e.node].Region]--
		q.active--
		q.end(e.node, e.ok)
	}
	q.skipRest(ctx)
}

// queue is the state of a run. A stack moves from waiting over ready to running, and ends as done or notDone. Each list is sorted by
// node, so that the order of the graph decides and not the order in which goroutines end. Only the goroutine of Run uses it. A stack
// is named by its index in Graph.Stacks, its node.
type queue struct {
	Graph
	nodes    []node
	ready    map[string][]int // by region: the nodes that wait for nothing but room, in order
	blocked  []int            // the waiting nodes that need a node which was not done, in order
	running  map[string]int   // by region
	active   int              // of all regions
	finished chan end
}

// node is the state of a stack.
type node struct {
	needs, neededBy []int // inside of the graph, without repetitions
	unfinished      int   // of needs
	state           state
}

type state int

const (
	waiting state = iota // also: ready, and blocked
	running
	done
	notDone // failed, or skipped
)

// end is the message of a stack's goroutine.
type end struct {
	node int
	ok   bool
}

// newQueue asks for each stack's needs once, and makes the stacks without any ready.
func newQueue(g Graph) *queue {
	q := &queue{Graph: g, nodes: make([]node, len(g.Stacks)),
		ready: map[string][]int{}, running: map[string]int{}, finished: make(chan end)}
	index := make(map[assembly.StackRef]int, len(g.Stacks))
	for i, stack := range g.Stacks {
		index[stack] = i
	}
	for i, stack := range g.Stacks {
		for _, ref := range g.Needs(i) {
			if j, inside := index[ref]; inside && !slices.Contains(q.nodes[i].needs, j) {
				q.nodes[i].needs = append(q.nodes[i].needs, j)
				q.nodes[j].neededBy = append(q.nodes[j].neededBy, i)
			}
		}
		if q.nodes[i].unfinished = len(q.nodes[i].needs); q.nodes[i].unfinished == 0 {
			q.ready[stack.Region] = append(q.ready[stack.Region], i)
		}
	}
	return q
}

// start skips all blocked stacks, and starts the ready ones for which their region has room.
func (q *queue) start(ctx context.Context) {
	if q.stopped(ctx) {
		return
	}
	for len(q.blocked) > 0 {
		i := q.blocked[0]
		q.blocked = q.blocked[1:]
		q.Skip(i, Reason{BlockedBy: q.blocker(i)})
		q.end(i, false)
	}
	for region, ready := range q.ready {
		n := min(len(ready), q.Limit-q.running[region])
		for _, i := range ready[:n] {
			q.begin(ctx, i)
		}
		q.ready[region] = ready[n:]
	}
}

// stopped reports whether nothing more may start.
func (q *queue) stopped(ctx context.Context) bool { return q.Stopped() || ctx.Err() != nil }

// begin works on a stack. The goroutine sends its end to Run, which alone changes the queue.
func (q *queue) begin(ctx context.Context, i int) {
	q.nodes[i].state = running
	q.running[q.Stacks[i].Region]++
	q.active++
	go func() { q.finished <- end{i, q.Do(ctx, i)} }()
}

// end records whether a stack is done. The stacks that need it become ready when it was their last need, or blocked when it was not
// done. Skipping a blocked stack ends it, too, so a failure reaches all dependents.
func (q *queue) end(i int, ok bool) {
	q.nodes[i].state = notDone
	if ok {
		q.nodes[i].state = done
	}
	for _, j := range q.nodes[i].neededBy {
		n := &q.nodes[j]
		n.unfinished--
		switch {
		case n.state != waiting:
		case !ok:
			q.blocked = insert(q.blocked, j)
		case n.unfinished == 0 && q.blocker(j) == nil:
			q.ready[q.Stacks[j].Region] = insert(q.ready[q.Stacks[j].Region], j)
		}
	}
}

// insert adds a node to a sorted list, once.
func insert(list []int, i int) []int {
	at, found := slices.BinarySearch(list, i)
	if found {
		return list
	}
	return slices.Insert(list, at, i)
}

// blocker returns the first needed stack which failed or was skipped, nil for none.
func (q *queue) blocker(i int) *assembly.StackRef {
	for _, j := range q.nodes[i].needs {
		if q.nodes[j].state == notDone {
			return &q.Stacks[j]
		}
	}
	return nil
}

// skipRest skips the stacks that never started. Either the run was stopped, or they need each other: without a stop, only a cycle
// keeps stacks waiting.
func (q *queue) skipRest(ctx context.Context) {
	stopped := q.stopped(ctx)
	for i := range q.nodes {
		if q.nodes[i].state != waiting {
			continue
		}
		why := Reason{BlockedBy: q.blocker(i)}
		if why.BlockedBy == nil && !stopped {
			why.Cycle = q.unfinished(i)
		}
		q.Skip(i, why)
		q.nodes[i].state = notDone
	}
}

// unfinished returns the needed stacks that never ended.
func (q *queue) unfinished(i int) []assembly.StackRef {
	var out []assembly.StackRef
	for _, j := range q.nodes[i].needs {
		if q.nodes[j].state == waiting {
			out = append(out, q.Stacks[j])
		}
	}
	return out
}
