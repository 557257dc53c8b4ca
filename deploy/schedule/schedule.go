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

// Graph is the stacks to work on, and how.
type Graph struct {
	Stacks  []assembly.StackRef                               // those that can start are started in this order
	Needs   func(stack assembly.StackRef) []assembly.StackRef // the stacks that must be done first; others than Stacks are ignored
	Limit   int                                               // of stacks in each region at a time; 0: DefaultConcurrency
	Stopped func() bool                                       // reports whether nothing more may start

	// Do works on a stack, in a goroutine of its own. It reports whether stacks that need this one may start.
	Do func(ctx context.Context, stack assembly.StackRef) bool
	// Skip is called instead of Do for a stack that cannot start, never for two stacks at a time.
	Skip func(stack assembly.StackRef, why Reason)
}

// Reason is the cause for skipping a stack. A zero Reason means that somebody stopped the run.
type Reason struct {
	BlockedBy *assembly.StackRef  // a needed stack was not done
	Cycle     []assembly.StackRef // these need it, as it needs them
}

// Run works on all stacks of the graph, and returns when none is worked on any more. Each stack had one call of Do or Skip.
func Run(ctx context.Context, g Graph) {
	if g.Limit <= 0 {
		g.Limit = DefaultConcurrency
	}
	q := &queue{Graph: g, waiting: slices.Clone(g.Stacks),
		running: map[string]int{}, done: map[assembly.StackRef]bool{}, finished: make(chan end)}
	for {
		q.start(ctx)
		if q.active() == 0 {
			break
		}
		e := <-q.finished
		q.running[e.stack.Region]--
		q.done[e.stack] = e.ok
	}
	q.skipRest(ctx)
}

// queue is the state of a run. Only the goroutine of Run uses it.
type queue struct {
	Graph
	waiting  []assembly.StackRef
	running  map[string]int             // by region
	done     map[assembly.StackRef]bool // the stacks that are finished or skipped, and whether others may rely on them
	finished chan end
}

// end is the message of a stack's goroutine.
type end struct {
	stack assembly.StackRef
	ok    bool
}

// start starts all stacks that can start. Skipping one may block others before it in the order, so the loop repeats until a pass
// skips none.
func (q *queue) start(ctx context.Context) {
	if q.stopped(ctx) {
		return
	}
	for again := true; again; {
		again = false
		for _, stack := range slices.Clone(q.waiting) {
			blocker := q.blockedBy(stack)
			switch {
			case blocker != nil:
				q.dequeue(stack)
				q.skip(stack, Reason{BlockedBy: blocker})
				again = true
			case len(q.unfinished(stack)) == 0 && q.running[stack.Region] < q.Limit:
				q.dequeue(stack)
				q.begin(ctx, stack)
			}
		}
	}
}

// stopped reports whether nothing more may start.
func (q *queue) stopped(ctx context.Context) bool { return q.Stopped() || ctx.Err() != nil }

// dequeue takes a stack out of the waiting ones.
func (q *queue) dequeue(stack assembly.StackRef) {
	q.waiting = slices.DeleteFunc(q.waiting, func(other assembly.StackRef) bool { return other == stack })
}

// begin works on a stack. The goroutine sends its end to Run, which alone changes the queue.
func (q *queue) begin(ctx context.Context, stack assembly.StackRef) {
	q.running[stack.Region]++
	go func() { q.finished <- end{stack, q.Do(ctx, stack)} }()
}

// skip records a stack as not done, which blocks the stacks that need it. In this way a failure reaches all dependents.
func (q *queue) skip(stack assembly.StackRef, why Reason) {
	q.Skip(stack, why)
	q.done[stack] = false
}

// active returns the number of stacks in progress, in all regions.
func (q *queue) active() int {
	n := 0
	for _, running := range q.running {
		n += running
	}
	return n
}

// unfinished returns the stacks of this graph for which a stack still waits.
func (q *queue) unfinished(stack assembly.StackRef) []assembly.StackRef {
	return slices.DeleteFunc(slices.Clone(q.Needs(stack)), func(ref assembly.StackRef) bool {
		_, finished := q.done[ref]
		return finished || !slices.Contains(q.Stacks, ref)
	})
}

// blockedBy returns the first needed stack which failed or was skipped, nil for none.
func (q *queue) blockedBy(stack assembly.StackRef) *assembly.StackRef {
	for _, ref := range q.Needs(stack) {
		if ok, finished := q.done[ref]; finished && !ok {
			return &ref
		}
	}
	return nil
}

// skipRest skips the stacks that never started. Either the run was stopped, or they need each other: without a stop, only a cycle
// keeps stacks waiting.
func (q *queue) skipRest(ctx context.Context) {
	stopped := q.stopped(ctx)
	for _, stack := range q.waiting {
		why := Reason{BlockedBy: q.blockedBy(stack)}
		if why.BlockedBy == nil && !stopped {
			why.Cycle = q.unfinished(stack)
		}
		q.skip(stack, why)
	}
}
