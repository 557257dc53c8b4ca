package cloud

import (
	"cmp"
	"time"
)

// Timing says how long to wait for answers. The zero value is right for AWS. Tests wait less.
type Timing struct {
	// Answer limits the wait for the first byte of an answer, and for each further piece of its body; 0: 30 s. AWS takes up to some
	// seconds. The SDK itself has no limit, and would wait forever on a connection which was cut without notice (a NAT gateway that
	// dropped it, a laptop that slept).
	Answer time.Duration
	Notice time.Duration // after which the user is told of a call without an answer, again and again; 0: 8 s
	Delay  time.Duration // the longest delay before the second attempt, which doubles with each attempt; 0: 500 ms
}

// The methods return a field, or the value for AWS if it is zero.
func (t Timing) answer() time.Duration { return cmp.Or(t.Answer, 30*time.Second) }
func (t Timing) notice() time.Duration { return cmp.Or(t.Notice, 8*time.Second) }
func (t Timing) delay() time.Duration  { return cmp.Or(t.Delay, 500*time.Millisecond) }
