// Package lock decides which one of several instances does a piece of work: a firing of an exclusive job, or a release task. A
// lock is an item of the orbit's table of locks (document.LocksTable).
//
// An owner acquires a lock, runs the work, and writes how it ended. While it holds the lock it renews it. An owner that does not
// renew for the time of the lock's lease counts as dead: another owner takes over. Nobody compares clocks of two machines. The
// others measure with their own clock how long the item has not changed.
//
// A paused owner may go on after that. It loses the lock with its next write, and its work is stopped when it
// could not renew for most of the lease. The fencing number rises with each owner, so other systems can refuse an older one.
//
//	lock.go     states, and a lock as its item says
//	acquire.go  waits for a lock
//	held.go     runs the work of an owner
//	item.go     reads and writes items
//	operate.go  for people: reads locks, and says how work ended whose end is unknown
package lock

import (
	"fmt"
	"strings"
	"time"
)

// State tells how far the work of a lock has come.
type State string

// The states. The last three are final: the work is not run again.
const (
	Pending State = "pending" // it has an owner, or had one that gave it back, and the work has not begun
	Running State = "running"
	Done    State = "done"
	Failed  State = "failed"
	Unknown State = "unknown" // the owner died while the work ran, and the work must not be repeated by itself
)

// Ended reports whether the state is final.
func (s State) Ended() bool { return s == Done || s == Failed || s == Unknown }

// Record is a lock as its item says.
type Record struct {
	Name  string
	State State
	Owner string        // the present owner, or the last; "" when it was given back
	Fence int64         // the fencing number: how many owners there were
	beat  int64         // counts the renewals
	Lease time.Duration // the time without a renewal after which another owner takes over
	Until time.Time     // when the lease ends by the owner's clock, for people
	Note  string        // how the work ended
}

// String describes a lock for the log.
func (r Record) String() string {
	text := fmt.Sprintf("%s is %s", r.Name, r.State)
	if r.Owner != "" {
		text += " on " + r.Owner
	}
	if r.Note != "" {
		text += ": " + r.Note
	}
	return text
}

// Instance returns the instance of the owner, "no instance" without one.
func (r Record) Instance() string {
	if instance, _, _ := strings.Cut(r.Owner, "/"); instance != "" {
		return instance
	}
	return "no instance"
}

// sameHolder reports whether nothing has happened between two looks at a lock.
func (r Record) sameHolder(other Record) bool {
	return r.Owner == other.Owner && r.Fence == other.Fence && r.beat == other.beat && r.State == other.State
}

// lease returns the lock's lease, or a given one if the item has none.
func (r Record) lease(otherwise time.Duration) time.Duration {
	if r.Lease <= 0 {
		return otherwise
	}
	return r.Lease
}
