package cloud

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// AWS counts requests by account, region and operation, and publishes few of the limits. A user saw DescribeStacks refused above
// 5 calls a second (https://github.com/aws/aws-sam-cli/issues/2671), and other tools of the account use up a part of it. So the rate
// is learnt: it begins low, grows until AWS refuses a call, falls, and climbs slowly from then on. TestPaceLearnsTheRate simulates it.
const (
	firstRate = 5   // calls per second before anything is known
	maxRate   = 50  // calls per second of one operation
	minRate   = 0.5 // calls per second; some writing operations are refused above 2
	burst     = 8   // calls at once after a quiet time

	firstClimb = 0.2  // calls per second for each call that AWS took, until it refuses one: a fifth more every second
	fall       = 0.7  // of the rate, after AWS refused a call
	room       = 0.9  // of the rate that AWS refused: up to here the rate recovers fast, and the rest is for other users
	fastClimb  = 0.1  // calls per second for each call that AWS took, below room
	slowClimb  = 0.01 // the same, above room
)

// A refused call costs more than a late one: it counts against the account's limit all the same, and it is repeated after a random
// delay of up to 20 s. Other tools of the account lose calls by it, too. So the rate goes up in small steps, and each step must be
// earned by calls that AWS took.

// pace is the rate of one operation in one region. All callers of the operation share it.
type pace struct {
	calls *rate.Limiter

	mu      sync.Mutex
	refused float64   // the rate that AWS refused last, 0 for none
	fell    time.Time // when the rate fell last
}

// newPace returns the pace of an operation that was not called yet.
func newPace() *pace { return &pace{calls: rate.NewLimiter(firstRate, burst)} }

// wait waits until another call may be made. The wait is before the call, so a lowered rate slows down first attempts, too.
func (p *pace) wait(ctx context.Context) error { return p.calls.Wait(ctx) }

// took raises the rate after a call that AWS did not refuse. It climbs by calls and not by time: a rate that nobody uses is not
// known to be allowed.
func (p *pace) took() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := float64(p.calls.Limit())
	switch {
	case p.refused == 0:
		now += firstClimb
	case now < room*p.refused:
		now = min(now+fastClimb, room*p.refused)
	default:
		now += slowClimb
	}
	p.calls.SetLimit(rate.Limit(min(now, maxRate)))
}

// throttled lowers the rate after a call that AWS refused. Calls that were under way together and are all refused lower it once.
func (p *pace) throttled() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.fell) < time.Second {
		return
	}
	p.fell = time.Now()
	p.refused = float64(p.calls.Limit())
	p.calls.SetLimit(rate.Limit(max(minRate, fall*p.refused)))
}
