// Package compared remembers which template each stack of an orbit has. CloudFormation lists the states of a hundred stacks in one
// call, and their templates in one call for each stack. So spacel keeps an item for each stack whose template it knows: the template's
// digest, and the state that the stack had then. As long as the listing shows the same state, nobody has to read the template again.
//
//	compared.go   an item, and the states that can prove a template
//	register.go   the items of a run: which stacks are unchanged, which items to write
//	survey.go     the listing of a region, with its items
//	store.go      reads and writes the items of a region
//	signature.go  the MAC of an item
//
// An item can only save calls. A lost, stale, forged or unreadable one costs a comparison, and a stack without one is compared in full.
package compared

import (
	"hash/fnv"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/internal/hexdigest"
)

// Format is the version of an item's form. An item of another form counts as absent.
const Format = 1

// Item is a fact about a stack: in this state it had this template. The fact stays true, whenever the item is written. An item of an
// earlier state is of no use, and does no harm.
type Item struct {
	Format int    `json:"format"`
	Stack  string `json:"stack"`
	State
	Template string `json:"template"` // sha256 of the artifact's template, in hex

	// Hidden has the version of the source of each hidden parameter that deploy sent: see values.Value. CloudFormation does not return
	// these values, so only the version tells that one is still the same.
	Hidden map[string]string `json:"hidden,omitempty"`
}

// State is the state of a stack by which a change of its template shows.
//
// Assumptions about CloudFormation, which AWS documents nowhere:
//
//   - An update, an executed change set and a creation have a LastUpdatedTime or a CreationTime of their own.
//   - A stack that was deleted and created again has another StackId. This is documented: the id of a stack is unique.
//   - A change of a template by another kind of operation moves the time, adds to LastOperations, or leaves another status than the two
//     that count (proves). A rollback leaves UPDATE_ROLLBACK_COMPLETE, and an import IMPORT_COMPLETE.
//   - Making a change set changes no stack. LastOperations lists it all the same.
//
// A stack refactor that moved nothing would not show. --verify finds it, and the daily sample within SampleDays.
type State struct {
	ID         string    `json:"id"`                   // ARN
	Changed    time.Time `json:"changed"`              // LastUpdatedTime, else CreationTime
	Status     string    `json:"status"`               // of CloudFormation
	Operations string    `json:"operations,omitempty"` // digest of the last operations, "" when the answer has none
}

// stateOf returns the state of a stack, false if it proves no template.
func stateOf(s *live.Stack) (State, bool) {
	if !s.Exists() || s.ID == "" || s.Changed().IsZero() || !proves(s.Status) {
		return State{}, false
	}
	state := State{ID: s.ID, Changed: s.Changed().UTC(), Status: string(s.Status)}
	if len(s.Operations) > 0 {
		text := ""
		for _, id := range s.Operations {
			text += id + "\n"
		}
		state.Operations = hexdigest.SHA256([]byte(text))
	}
	return state, true
}

// proves reports whether a stack in this status has the template of its last successful operation, and of no other.
func proves(status types.StackStatus) bool {
	return status == types.StackStatusCreateComplete || status == types.StackStatusUpdateComplete
}

// equal reports whether two states are the same one.
func (s State) equal(other State) bool {
	return s.ID == other.ID && s.Changed.Equal(other.Changed) && s.Status == other.Status && s.Operations == other.Operations
}

// HasHidden reports whether the item knows all hidden values that are to be sent, by the versions of their sources.
func (i Item) HasHidden(versions map[string]string) bool {
	for name, version := range versions {
		if version == "" || i.Hidden[name] != version {
			return false
		}
	}
	return true
}

// same reports whether two items say the same.
func (i Item) same(other Item) bool {
	return i.Format == other.Format && i.Stack == other.Stack && i.equal(other.State) && i.Template == other.Template &&
		maps.Equal(i.Hidden, other.Hidden)
}

// SampleDays is the number of days in which daily deploys compare every stack in full once.
const SampleDays = 30

// Sampled reports whether a deploy of this day compares a stack in full, whatever its item says. The name and the date choose one
// stack in thirty, so two deploys of one day choose the same ones.
func Sampled(ref assembly.StackRef, day time.Time) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte(ref.String()))
	days := uint64(max(day.Unix(), 0) / int64(24*time.Hour/time.Second))
	return (uint64(h.Sum32())+days)%SampleDays == 0
}
