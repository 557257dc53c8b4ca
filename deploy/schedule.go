package deploy

import (
	"context"
	"fmt"
	"slices"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
)

// schedule gives every job its turn: when what it needs is done, as many at a time in each region as the options say, in the
// jobs' order. What needs something that failed gets none. The errors are the world's.
func (d *Deployment) schedule(ctx context.Context, jobs []*job, needs func(*job) []assembly.StackRef) []error {
	q := &queue{d: d, waiting: slices.Clone(jobs), needs: needs, running: map[string]int{}, finished: make(chan turn)}
	q.announce()
	for {
		q.start(ctx)
		if q.active() == 0 {
			break
		}
		t := <-q.finished
		q.running[t.job.stack.Region]--
		t.job.conclude(t.outcome, t.err)
		if isWorlds(t.err) {
			q.errs = append(q.errs, t.err)
		}
	}
	q.skipRest(ctx)
	return q.errs
}

// queue is what is left to do.
type queue struct {
	d        *Deployment
	waiting  []*job
	needs    func(*job) []assembly.StackRef
	running  map[string]int // by region
	finished chan turn
	errs     []error
}

// turn is what a job's turn came to.
type turn struct {
	job     *job
	outcome activity.Outcome
	err     error
}

// announce tells which stacks wait for which.
func (q *queue) announce() {
	for _, j := range q.waiting {
		j.result.Outcome = ""
	}
	for _, j := range q.waiting {
		if before := q.unfinished(j); len(before) > 0 && j.plan.Action != None {
			j.tell(activity.Event{Kind: activity.Waiting, Reason: "for " + listRefs(before)})
		}
	}
}

// start begins all turns that can begin.
func (q *queue) start(ctx context.Context) {
	if q.d.control.IsStopped() || ctx.Err() != nil {
		return
	}
	for again := true; again; {
		again = false
		for _, j := range slices.Clone(q.waiting) {
			switch {
			case q.spoiled(j) != "":
				q.leave(j)
				j.skip(q.spoiled(j))
				again = true // so are those that need it
			case len(q.unfinished(j)) == 0 && q.running[j.stack.Region] < q.d.options.concurrency():
				q.leave(j)
				q.begin(ctx, j)
			}
		}
	}
}

func (q *queue) leave(j *job) {
	q.waiting = slices.DeleteFunc(q.waiting, func(other *job) bool { return other == j })
}

func (q *queue) begin(ctx context.Context, j *job) {
	q.running[j.stack.Region]++
	go func() {
		outcome, err := j.run(ctx)
		q.finished <- turn{j, outcome, err}
	}()
}

func (q *queue) active() int {
	n := 0
	for _, running := range q.running {
		n += running
	}
	return n
}

// unfinished are the stacks of this run that a job waits for.
func (q *queue) unfinished(j *job) []assembly.StackRef {
	return slices.DeleteFunc(slices.Clone(q.needs(j)), func(ref assembly.StackRef) bool {
		other := q.d.job(ref)
		return other == nil || other.result.Outcome != ""
	})
}

// spoiled says why a job cannot have its turn, empty if it can.
func (q *queue) spoiled(j *job) string {
	for _, ref := range q.needs(j) {
		if other := q.d.job(ref); other != nil && other.result.Outcome != "" && !other.result.Outcome.OK() {
			return fmt.Sprintf("%s, which it needs, %s", ref, describeOutcome(other.result.Outcome))
		}
	}
	return ""
}

func describeOutcome(o activity.Outcome) string {
	switch o {
	case activity.HasFailed:
		return "failed"
	case activity.WasDetached:
		return "was left running"
	}
	return "was " + string(o)
}

// skipRest is for those whose turn never came.
func (q *queue) skipRest(ctx context.Context) {
	for _, j := range q.waiting {
		why := q.spoiled(j)
		switch {
		case why != "":
		case q.d.control.IsStopped() || ctx.Err() != nil:
			why = "stopped before its turn"
		default:
			why = "waits for " + listRefs(q.unfinished(j)) + ", which waits for it"
		}
		j.skip(why)
	}
}

func (j *job) skip(why string) {
	j.result.Outcome, j.result.Why = activity.WasSkipped, why
	j.tell(activity.Event{Kind: activity.Skipped, Reason: why})
}
