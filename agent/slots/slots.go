// Package slots decides which slot of an app's EBS volumes a new instance takes. A slot is a place for one instance, with the
// volume that its holders use one after the other. The decision is a function of values, so that the agent makes it on an instance,
// and tests make it for whole updates.
package slots

import "cmp"

// Holder is the state of the instance that claimed a slot.
type Holder int

// The states of a holder.
const (
	None    Holder = iota // no instance ever, or one that EC2 has forgotten: that takes about an hour
	Ended                 // terminated or stopped, and EC2 still shows it
	Leaving               // still able to write, but in termination
	Staying               // in service, or booting
)

// Slot is a slot as a new instance sees it.
type Slot struct {
	Holder  Holder
	Volume  bool  // a volume was mounted in it once
	Here    bool  // its volume is in the zone of the new instance
	Claimed int64 // when its holder took it, in seconds since 1970
}

// free reports whether nobody uses the slot any more.
func (s Slot) free() bool { return s.Holder == None || s.Holder == Ended }

// Choose returns the index of the slot to take, or -1 to wait and look again.
//
// A rolling update terminates an instance and launches its successor seconds later, while the termination takes minutes. So a slot
// with a volume and a leaving holder is waited for: its data is the data that the app used until now. Slots with a volume come
// before empty ones, first those whose holder has just ended. An empty slot, in which the app would begin without data, is only
// taken when each slot with a volume has a holder that stays, as when the app is scaled out.
func Choose(all []Slot) int {
	best := -1
	for i, s := range all {
		switch {
		case s.Volume && s.Holder == Leaving:
			return -1
		case s.free() && (best < 0 || better(s, all[best])):
			best = i
		}
	}
	return best
}

// better orders free slots. Among equals the first in the list stays.
func better(a, b Slot) bool {
	return cmp.Or(
		first(a.Volume, b.Volume),
		first(a.Holder == Ended, b.Holder == Ended),
		first(a.Here, b.Here),
		cmp.Compare(b.Claimed, a.Claimed),
	) < 0
}

// first compares two conditions: true comes before false.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}
