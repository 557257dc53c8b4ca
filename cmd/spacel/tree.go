package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
)

// tree is the state of a run for a terminal: regions, their stacks, and the resources in progress in each. It holds no
// terminal: events go in with note, and view returns text, so that tests need none.
type tree struct {
	painter
	began  time.Time
	verb   string // the word for a finished stack: deployed or deleted
	footer string // about an interrupt
	stacks map[assembly.StackRef]*branch
	order  []*branch // of stacks, by region and name, so the lines never change their order
	width  int       // of the name column, the same in all regions
	said   []string  // failures, warnings and notes, a line each
	rest   []remark  // of said, those that nothing else explains at the end
}

// branch is a stack of the tree. Its text is the operation or the end in a word or two.
type branch struct {
	ref   assembly.StackRef
	state branchState
	text  string
	since time.Time // of running
	took  time.Duration
	busy  map[string]leaf // by logical id
	done  int             // resources
	total int             // resources that change; 0: not known

	until   time.Time     // the end of a pause before it; zero: none
	watch   time.Duration // for which alarms are watched after all resources are updated
	watched time.Time     // when the watch began; zero: not yet
}

// leaf is a resource in progress. It leaves the tree at its end and is only counted from then on.
type leaf struct {
	kind, status string
	since        time.Time
}

type branchState int

// The states of a branch, in the order in which they are counted.
const (
	branchPending branchState = iota
	branchRunning
	branchDone
	branchFailed
	branchSkipped
)

// newTree returns a tree with all stacks pending: the whole run is visible from the start.
func newTree(colour bool, began time.Time, verb string, stacks []assembly.StackRef) *tree {
	t := &tree{painter: painter(colour), began: began, verb: verb, stacks: map[assembly.StackRef]*branch{}}
	// In this order each new branch is appended at the end of the sorted ones.
	for _, ref := range slices.SortedFunc(slices.Values(stacks), assembly.StackRef.Compare) {
		t.branch(ref)
	}
	return t
}

// remark is a warning or a note about a stack.
type remark struct {
	ref  assembly.StackRef
	kind activity.Kind
	text string
}

// final returns the lines that stay on the terminal after the run: one for each stack, with its end and its time, and the warnings and
// notes. Failures are left out, because an explanation with the reason follows. So are failed launches of a stack that failed: they are
// in the explanation, too.
func (t *tree) final(now time.Time) []string {
	var out []string
	region := ""
	for _, b := range t.order {
		if b.ref.Region != region {
			region = b.ref.Region
			out = append(out, t.paint(bold, region))
		}
		// What was in progress to the end was left to CloudFormation, and its resources are not listed.
		out = append(out, b.line(t.painter, b.ref.Name, t.width, now))
	}
	for _, r := range t.rest {
		if b := t.stacks[r.ref]; r.kind == activity.LaunchFailed && b != nil && b.state == branchFailed {
			continue
		}
		out = append(out, r.text)
	}
	return out
}

// branch returns the stack's branch, a new pending one for a stack outside of the plan.
func (t *tree) branch(ref assembly.StackRef) *branch {
	b := t.stacks[ref]
	if b == nil {
		b = &branch{ref: ref, busy: map[string]leaf{}}
		t.stacks[ref] = b
		at, _ := slices.BinarySearchFunc(t.order, ref, func(b *branch, ref assembly.StackRef) int { return b.ref.Compare(ref) })
		t.order = slices.Insert(t.order, at, b)
		t.width = max(t.width, len(ref.Name))
	}
	return b
}

// note updates the tree by an event. It takes this machine's time and not the event's: elapsed times stay right when the
// clock here differs from that of AWS.
func (t *tree) note(e activity.Event, now time.Time) {
	if failing(e) || e.Kind == activity.Warning || e.Kind == activity.LaunchFailed || e.Kind == activity.Note {
		text := t.paint(eventColour(e), eventText(e))
		if t.said = append(t.said, text); !failing(e) {
			t.rest = append(t.rest, remark{e.Ref(), e.Kind, text})
		}
	}
	if e.Stack == "" {
		return
	}
	b := t.branch(e.Ref())
	switch e.Kind {
	case activity.Resource:
		b.resource(e, now)
		b.noteWatch(e, now)
	case activity.Waiting:
		b.state, b.text, b.until = branchPending, "waits "+printable(e.Reason), time.Time{}
	case activity.Paused:
		// The end is told by the clock of the run, which is this machine's, but a test or a replayed log may be late.
		b.state, b.until = branchPending, now.Add(e.Until.Sub(e.Time)) // by this machine's clock
	case activity.Started:
		b.begin(doing(e.Status), now)
		b.total, b.watch = e.Total, time.Duration(e.Watch)*time.Minute
	case activity.Unchanged:
		b.end(branchDone, "unchanged", now)
	case activity.Done:
		b.end(branchDone, t.verb, now)
	case activity.Failed:
		b.end(branchFailed, "failed", now)
	case activity.Skipped:
		b.end(branchSkipped, "skipped: "+printable(e.Reason), now)
	}
}

// begin marks an operation as running. A stack may have several in one run, such as a deletion before a creation, and its
// time counts from the first.
func (b *branch) begin(text string, now time.Time) {
	if b.state != branchRunning {
		b.since = now
	}
	b.state, b.text, b.busy = branchRunning, text, map[string]leaf{}
}

// end marks the stack's turn as over. Its time stays zero if it never ran.
func (b *branch) end(state branchState, text string, now time.Time) {
	if !b.since.IsZero() {
		b.took = now.Sub(b.since)
	}
	b.state, b.text, b.busy = state, text, map[string]leaf{}
}

// resource updates the resources in progress. A resource has several events in progress (a creation is started, then waits
// for its attachments): its time counts from the first.
func (b *branch) resource(e activity.Event, now time.Time) {
	if e.Resource == "" { // the stack's own
		if strings.HasSuffix(e.Status, "_IN_PROGRESS") {
			b.text = doing(e.Status)
		}
		return
	}
	if strings.HasSuffix(e.Status, "_IN_PROGRESS") {
		since := now
		if before, known := b.busy[e.Resource]; known {
			since = before.since
		}
		b.busy[e.Resource] = leaf{e.Type, e.Status, since}
		return
	}
	delete(b.busy, e.Resource)
	if strings.HasSuffix(e.Status, "_COMPLETE") {
		// A rolled back resource ends in DELETE_COMPLETE and counts as done, too: the display is about work, not success.
		b.done++
	}
}

// noteWatch notes when all resources are updated: CloudFormation then watches the alarms, and has no event for it. The watch
// ends with the next operation of the stack, which is the clean-up or a rollback.
func (b *branch) noteWatch(e activity.Event, now time.Time) {
	switch {
	case e.Resource == "" && e.Status != "UPDATE_IN_PROGRESS":
		b.watch, b.watched = 0, time.Time{}
	case b.watch > 0 && b.watched.IsZero() && len(b.busy) == 0 && b.done >= b.total && b.total > 0:
		b.watched = now
	}
}

// doing translates an operation of deploy, or a stack's status from CloudFormation, into a word.
func doing(status string) string {
	words := map[string]string{
		"create": "creating", "update": "updating", "delete": "deleting", "rollback": "rolling back",
		"CREATE_IN_PROGRESS": "creating", "UPDATE_IN_PROGRESS": "updating", "DELETE_IN_PROGRESS": "deleting",
		"IMPORT_IN_PROGRESS": "adopting", "ROLLBACK_IN_PROGRESS": "rolling back", "UPDATE_ROLLBACK_IN_PROGRESS": "rolling back",
		"UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "cleaning up", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": "cleaning up",
	}
	return cmp.Or(words[status], strings.ToLower(status))
}

// view returns the tree as text of at most width columns and height lines. When it does not fit, the stacks in progress and
// the failed ones come before all others: view drops finished stacks first, then pending ones, then resources. If even that
// does not suffice, it counts the last lines.
func (t *tree) view(width, height int, now time.Time) string {
	// Only the newest messages fit beside the stacks. All of them are printed at the end of the run.
	said := t.said[max(len(t.said)-5, 0):]
	room := max(height-len(said)-2, 3) // the last line, and the cursor's
	lines := append(append(t.lines(now, t.detail(room), room), said...), t.summary(now))
	for i, line := range lines {
		lines[i] = ansi.Truncate(line, width, "…")
	}
	return strings.Join(lines, "\n")
}

// detail says what of the tree is shown. A terminal has 30 to 60 lines, and a large orbit thousands of stacks, of which a few dozen are in
// progress. A user who watches wants to know what runs, since when, and what failed. Finished and pending stacks are many, and a
// number says enough about them. So the details differ in the states that get lines, and in the resources below each stack.
type detail struct {
	shown     [branchSkipped + 1]bool // by state
	resources int                     // at most, of each stack
}

// detail returns the first of the details, from the full one on, that fits into so many lines. It counts lines and makes no
// text: a tree of thousands of stacks is drawn five times a second.
func (t *tree) detail(room int) detail {
	full := detail{[...]bool{branchPending: true, branchRunning: true, branchDone: true, branchFailed: true, branchSkipped: true}, room}
	unfinished, active := full, full
	unfinished.shown[branchDone], unfinished.resources = false, 2
	active.shown[branchDone], active.shown[branchPending], active.shown[branchSkipped], active.resources = false, false, false, 2
	one, none := active, active
	one.resources, none.resources = 1, 0
	for _, d := range []detail{full, unfinished, active, one} {
		if t.height(d) <= room {
			return d
		}
	}
	return none
}

// height returns the number of lines for a detail.
func (t *tree) height(d detail) int {
	n, region, hidden := 0, "", false
	for _, b := range t.order {
		switch {
		case !d.shown[b.state]:
			// Finished stacks are in the summary. Other hidden ones get a line together.
			hidden = hidden || b.state != branchDone
			continue
		case b.ref.Region != region:
			region = b.ref.Region
			n++
		}
		n++
		if d.resources > 0 { // flying counts the resources above the limit in a line of its own
			n += min(len(b.busy), d.resources+1)
		}
	}
	if hidden {
		n++
	}
	return n
}

// lines returns a line for each region and stack, and for some resources of each stack: at most room lines in all.
func (t *tree) lines(now time.Time, d detail, room int) []string {
	var out []string
	region := ""
	hidden := [branchSkipped + 1]int{}
	height := t.height(d)
	for _, b := range t.order {
		if !d.shown[b.state] {
			hidden[b.state]++
			continue
		}
		if len(out) > room {
			continue // counted by height
		}
		if b.ref.Region != region {
			region = b.ref.Region
			out = append(out, t.paint(bold, region))
		}
		out = append(out, b.line(t.painter, b.ref.Name, t.width, now))
		out = append(out, b.flying(t.painter, d.resources, now)...)
	}
	if hidden[branchPending]+hidden[branchSkipped] > 0 {
		out = append(out, t.paint(dim, "… and "+hiddenText(hidden)))
	}
	if height > room {
		out = append(out[:room-1], fmt.Sprintf("… and %d more lines", height-room+1))
	}
	return out
}

// hiddenText counts stacks without a line of their own.
func hiddenText(hidden [branchSkipped + 1]int) string {
	var words []string
	if n := hidden[branchPending]; n > 0 {
		words = append(words, fmt.Sprintf("%d pending", n))
	}
	if n := hidden[branchSkipped]; n > 0 {
		words = append(words, fmt.Sprintf("%d skipped", n))
	}
	return strings.Join(words, ", ")
}

// line returns the line of a stack: a mark for its state, its name, the operation, elapsed time and resources. The total is
// that of the plan, and CloudFormation may change more, such as for a cleanup.
func (b *branch) line(p painter, name string, width int, now time.Time) string {
	// Both arrays are in the order of the branchState constants.
	mark := [...]string{"○", "●", "✓", "✗", "-"}[b.state]
	colour := [...]string{dim, yellow, green, red, dim}[b.state]
	doing := cmp.Or(b.text, "pending")
	if b.state == branchPending && !b.until.IsZero() {
		doing = fmt.Sprintf("pauses after the wave before, %s left", elapsed(b.until.Sub(now)))
	}
	if b.state == branchRunning && !b.watched.IsZero() {
		doing = fmt.Sprintf("watching alarms, %s left", elapsed(b.watched.Add(b.watch).Sub(now)))
	}
	text := fmt.Sprintf("  %s %-*s  %s", mark, width, name, doing)
	if b.state == branchRunning {
		text += "  " + elapsed(now.Sub(b.since))
	} else if b.took > 0 {
		text += "  " + elapsed(b.took)
	}
	switch {
	case b.state == branchRunning && b.total > 0:
		text += fmt.Sprintf("  %d of %s done", min(b.done, b.total), plural(b.total, "resource"))
	case b.done > 0:
		text += fmt.Sprintf("  %s done", plural(b.done, "resource"))
	}
	return p.paint(colour, text)
}

// flying returns the lines of the resources in progress, the longest in progress first: it is likely the one that hangs.
func (b *branch) flying(p painter, most int, now time.Time) []string {
	if most == 0 {
		return nil
	}
	ids := slices.SortedFunc(maps.Keys(b.busy), func(x, y string) int {
		return cmp.Or(b.busy[x].since.Compare(b.busy[y].since), strings.Compare(x, y))
	})
	var out []string
	for i, id := range ids {
		if i == most {
			return append(out, p.paint(dim, fmt.Sprintf("      and %d more", len(ids)-most)))
		}
		l := b.busy[id]
		out = append(out, p.paint(dim, fmt.Sprintf("      %s  %s  %s  %s", id, l.kind, l.status, elapsed(now.Sub(l.since)))))
	}
	return out
}

// summary returns the last line: counts of stacks, the elapsed time, and the footer.
func (t *tree) summary(now time.Time) string {
	counts := [branchSkipped + 1]int{}
	for _, b := range t.stacks {
		counts[b.state]++
	}
	text := fmt.Sprintf("%d of %s done", counts[branchDone], plural(len(t.stacks), "stack"))
	for _, c := range []struct {
		state branchState
		word  string
	}{{branchRunning, "running"}, {branchFailed, "failed"}, {branchSkipped, "skipped"}} {
		if n := counts[c.state]; n > 0 {
			text += fmt.Sprintf(", %d %s", n, c.word)
		}
	}
	text += "  " + elapsed(now.Sub(t.began))
	if t.footer != "" {
		text += "  " + t.footer
	}
	return t.paint(bold, text)
}

// elapsed formats a time as 1:05 or 1:02:03. A negative one, after a change of the clock, counts as zero.
func elapsed(d time.Duration) string {
	seconds := int(max(d, 0).Seconds())
	if seconds < 3600 {
		return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
}
