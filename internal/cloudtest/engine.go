package cloudtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// engine holds the account's stacks and moves them through their states. It has no lock of its own: CloudFormation.mu is
// held whenever one of its methods runs. Time is an argument, so a step has the time at which it was due and not the
// time at which somebody asked.
type engine struct {
	account string
	step    *time.Duration // points to CloudFormation.Step, which a test may change

	stacks    []*stack // also the deleted
	failures  []*Failure
	held      map[string]bool // region/name
	retained  []asset         // bracketed resources of no stack
	snapshots []asset
	alarms    map[string]*Alarm // by region/name
	serial    int

	onGroup func(*Group) // see CloudFormation.OnGroup

	records    []Record          // without a stack
	unreadable bool              // see HideRecords
	tables     map[string]table  // without a stack, by region/name
	items      map[string][]Item // of tables, by region/name, in the order of their keys
	launches   []*FailedLaunch
	activities []activity // oldest first

	hand  hand  // see ByHand
	drift Drift // see ArrangeDrift
}

// newStack adds a stack without resources.
func (e *engine) newStack(region, name string, at time.Time) *stack {
	e.serial++
	unique := digest(32, e.account, region, name, e.serial)
	uuid := strings.Join([]string{unique[:8], unique[8:12], unique[12:16], unique[16:20], unique[20:]}, "-")
	s := &stack{
		account:   e.account,
		region:    region,
		name:      name,
		id:        fmt.Sprintf("arn:aws:cloudformation:%s:%s:stack/%s/%s", region, e.account, name, uuid),
		resources: map[string]*resource{},
		outputs:   map[string]string{},
		tokens:    map[string]string{},
		created:   at,
	}
	e.stacks = append(e.stacks, s)
	return s
}

// operation is a creation, update, deletion or rollback of a stack which is in progress. It is a queue of steps.
type operation struct {
	id, token string
	queue     []step
	next      time.Time
	cancel    func(at time.Time) []step // nil: cannot be cancelled
	cancelled bool
}

// step does one thing at a time. It returns the steps to do before the rest of the queue.
type step func(at time.Time) []step

// failure returns the reason which a test arranged for this action to fail, "" if there is none.
func (e *engine) failure(s *stack, logical string, verb Verb) string {
	for i, f := range e.failures {
		if f.Region != s.region || f.Stack != s.name || f.Logical != logical || f.When != verb {
			continue
		}
		if !f.Always {
			e.failures = slices.Delete(e.failures, i, i+1)
		}
		return f.Reason
	}
	return ""
}

// hold stops time for a stack, or lets it go on at once.
func (e *engine) hold(region, name string, held bool) {
	e.advance(time.Now())
	key := region + "/" + name
	if held {
		e.held[key] = true
		return
	}
	delete(e.held, key)
	for _, s := range e.stacks {
		if s.operation != nil && s.region+"/"+s.name == key {
			s.operation.next = time.Now()
		}
	}
}

// accept begins an operation, or has it begin later: see CloudFormation.BeginsLate. When the stack no longer allows the operation
// by then, it does not begin at all.
func (c *call) accept(s *stack, begin func(at time.Time)) {
	if c.BeginsLate <= 0 {
		begin(c.now)
		return
	}
	s.accepted = append(s.accepted, acceptance{c.now.Add(c.BeginsLate), begin})
}

// acceptance is an accepted operation before its beginning.
type acceptance struct {
	due   time.Time
	begin func(at time.Time)
}

// beginDue begins the accepted operations whose time has come.
func (s *stack) beginDue(now time.Time) {
	for len(s.accepted) > 0 && !s.accepted[0].due.After(now) {
		first := s.accepted[0]
		s.accepted = s.accepted[1:]
		first.begin(first.due)
	}
}

// advance takes all steps which are due at a time.
// The stacks are independent of each other. One stack takes all its due steps before the next one.
func (e *engine) advance(now time.Time) {
	for _, s := range e.stacks {
		if !e.held[s.region+"/"+s.name] {
			s.beginDue(now)
		}
		for s.operation != nil && !e.held[s.region+"/"+s.name] && !s.operation.next.After(now) {
			e.takeStep(s)
		}
	}
}

// takeStep takes the first step of a stack's queue. An operation with an empty queue is over.
func (e *engine) takeStep(s *stack) {
	o := s.operation
	at := o.next
	o.next = o.next.Add(*e.step)
	// A cancelled operation replaces the rest of its queue by the rollback, once: cancel is nil afterwards.
	if o.cancelled && o.cancel != nil {
		o.queue, o.cancel = o.cancel(at), nil
		return
	}
	if len(o.queue) == 0 {
		s.operation = nil
		return
	}
	first := o.queue[0]
	o.queue = o.queue[1:]
	more := first(at) // which may change the queue
	o.queue = append(more, o.queue...)
}

// begin starts an operation. Its first step is due after one Step.
func (e *engine) begin(s *stack, at time.Time, kind types.OperationType, token string, steps ...step) {
	e.serial++
	id := digest(36, s.id, e.serial)
	s.operation = &operation{id: id, token: token, queue: steps, next: at.Add(*e.step)}
	// The newest operation comes first, as in LastOperations of DescribeStacks.
	s.last = append([]types.OperationEntry{{OperationId: &id, OperationType: kind}}, s.last...)
}
