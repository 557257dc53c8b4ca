package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/pebble/spacel/deploy"
	"github.com/pebble/spacel/deploy/values"
)

// planStyle is the form of a plan for a person.
type planStyle struct {
	colour  bool
	width   int  // of the terminal, in characters; 0 for none
	verbose bool // every resource of new stacks
}

// planText writes the plan of a deployment for a person: new stacks in a few lines, each changed stack with its changes, then warnings
// and counts.
func planText(w io.Writer, plan *deploy.Plan, style planStyle) error {
	out := &planWriter{Writer: bufio.NewWriter(w), painter: painter(style.colour), width: style.width}
	fmt.Fprintf(out, "orbit %s in account %s\n\n", plan.Orbit, plan.Account)
	var created []*newStacks
	others := plan.Stacks
	if !style.verbose {
		created, others = summarised(plan)
	}
	for _, n := range created {
		out.newStacks(n)
	}
	if len(created) > 0 {
		fmt.Fprintln(out)
	}
	for _, stack := range others {
		if stack.Action != deploy.None || len(stack.Ends) > 0 {
			out.stack(stack)
		}
	}
	for _, waves := range plan.Waves {
		out.wrapped(bold, wavesText(waves))
	}
	for _, warning := range plan.Warnings {
		out.wrapped(yellow, "! "+printable(warning))
	}
	sentence := planSentence(plan)
	if len(created) > 0 {
		sentence += " (--verbose lists them)"
	}
	out.wrapped(bold, sentence)
	return out.Flush()
}

// wavesText says in which order a release reaches the regions. The time is an estimate: pauses and watches are exact, and each update
// counts as the usual one. It helps a person to decide about waiting for the end, and about longer credentials.
func wavesText(w deploy.WavePlan) string {
	var waves []string
	for _, regions := range w.Waves {
		waves = append(waves, strings.Join(regions, ", "))
	}
	pause := ""
	if w.Pause > 0 {
		pause = fmt.Sprintf("%d min, ", w.Pause)
	}
	return fmt.Sprintf("%s is released in %d waves: %s; about %d min in all", w.App, len(waves), strings.Join(waves, " → "+pause),
		w.Minutes)
}

// planWriter prints a plan. The buffered writer keeps the first error for Flush, so single writes need no check.
type planWriter struct {
	*bufio.Writer
	painter
	width int
}

// stack prints a changed stack: its resources, its parameters unless the stack is new, and the dangers with the flag that
// agrees to each.
func (w *planWriter) stack(s deploy.StackPlan) {
	// Texts of AWS and of the user go through printable, since they may hold control characters.
	head := fmt.Sprintf("%s %s", s.StackRef, s.Action)
	if s.Why != "" {
		head += ": " + printable(s.Why)
	}
	w.wrapped(bold, head)
	if s.Instances != nil {
		fmt.Fprintln(w, "    "+instancesText(*s.Instances))
	}
	w.impact(s)
	for _, m := range s.Moves {
		fmt.Fprintln(w, "    "+moveText(m))
	}
	for _, change := range s.Changes {
		w.change(change, s.Action)
	}
	// All parameters of a new stack are new. Listing them would only repeat the directory.
	if len(s.Parameters) > 0 && s.Action != deploy.Create {
		fmt.Fprintln(w, "    parameters")
		for _, p := range s.Parameters {
			w.line(3, sign(p.Before, p.After), p.Name, p.Before, p.After, "")
		}
	}
	w.tasks(s.Tasks)
	for _, end := range s.Ends {
		w.wrapped(yellow, "  "+end.AfterEnd()+" ("+printable(end.String())+")")
	}
	w.guard(s.Guard)
	for _, danger := range s.Dangers {
		w.wrapped(red, "  ! "+printable(danger.What))
		w.wrapped(red, "    agree to it by typing its name, or with --allow-replace "+danger.ID)
	}
	fmt.Fprintln(w)
}

// instancesText says how an update replaces the app's instances.
func instancesText(n deploy.Instances) string {
	text := fmt.Sprintf("%d → %d instances", n.Before, n.After)
	if n.Policy == "redblack" {
		return text + ", in a new group beside the old one"
	}
	return fmt.Sprintf("%s, at most %d at a time, at least %d in service", text, n.Batch, n.InService)
}

// tasks prints what happens to release tasks. A task without a run is printed, too: whoever releases a version twice, or without a
// version, learns here about the missing migration of the new code.
func (w *planWriter) tasks(all []deploy.PlannedTask) {
	for _, task := range all {
		w.wrapped("", "  "+printable(task.Text))
	}
}

// guard prints what rolls the update back, and the limits of that.
func (w *planWriter) guard(guard *deploy.Guard) {
	if guard == nil {
		return
	}
	if len(guard.Alarms) > 0 {
		fmt.Fprintln(w, "  "+printable(guard.Text()))
	}
	for _, note := range guard.Notes {
		fmt.Fprintln(w, w.paint(yellow, "  ! "+printable(note)))
	}
}

// moveText says where an EBS volume goes.
func moveText(m values.Move) string {
	when := "the instance with it is down meanwhile"
	if !m.Now {
		when = "when an instance takes it"
	}
	return fmt.Sprintf("volume %s (%s, %d GiB) moves from %s to %s by a snapshot, in about %d minutes: %s",
		printable(m.Slot), m.Volume, m.GiB, m.From, strings.Join(m.To, " or "), m.Minutes, when)
}

// change prints a resource with its changed properties. The resources of a new stack have no properties listed: those would
// repeat the whole template.
func (w *planWriter) change(c deploy.Change, action deploy.Action) {
	mark, word, colour := verdict(c)
	text := fmt.Sprintf("  %c %-13s %s  %s", mark, word, c.LogicalID, c.Type)
	if c.Origin != "" {
		text += "  " + c.Origin
	}
	w.wrapped(colour, text)
	if c.Action == "Add" && action != deploy.Update {
		return
	}
	for _, p := range c.Properties {
		w.line(3, propertySign(p), p.Path, p.Before, p.After, recreation(p.Replacement))
	}
	// The policy says what becomes of the old resource. It only matters for a deleted or replaced one.
	if c.Policy != "" && mark != '~' && mark != '+' {
		fmt.Fprintf(w, "      the old one: %s\n", c.Policy)
	}
}

// line prints a property or parameter as added (+), removed (-) or changed (~).
func (w *planWriter) line(indent int, mark byte, name, before, after, note string) {
	text := strings.Repeat("  ", indent) + string(mark) + " " + printable(name) + ": "
	switch mark {
	case '+':
		text += shortened(after)
	case '-':
		text += shortened(before)
	case '~':
		if before == "" && after == "" {
			text += "changes; CloudFormation does not give the values"
			break
		}
		text += shortened(before) + " → " + shortened(after)
	}
	if note != "" {
		text += "  (" + note + ")"
	}
	w.wrapped("", text)
}

// verdict translates CloudFormation's action on a resource into a mark, a word and a colour. "Conditional" means that
// CloudFormation decides only while it runs whether the resource is replaced.
func verdict(c deploy.Change) (mark byte, word, colour string) {
	switch c.Action {
	case "Add":
		return '+', "create", green
	case "Import":
		return '+', "adopt", green
	case "Remove":
		return '-', "delete", red
	}
	switch c.Replacement {
	case "True":
		return '!', "replace", red
	case "Conditional":
		return '!', "maybe replace", purple
	}
	return '~', "update", yellow
}

// propertySign returns the mark of a property. CloudFormation may leave out both values of a property that changes.
func propertySign(p deploy.PropertyChange) byte {
	switch p.Change {
	case "Add":
		return '+'
	case "Remove":
		return '-'
	case "Modify":
		return '~'
	}
	return sign(p.Before, p.After)
}

// sign returns the mark of an added, removed or changed value. An absent value is an empty text, as CloudFormation gives it.
func sign(before, after string) byte {
	switch {
	case before == "":
		return '+'
	case after == "":
		return '-'
	}
	return '~'
}

// recreation translates CloudFormation's RequiresRecreation of a property into a note. "Never" has none.
func recreation(replacement string) string {
	return map[string]string{"Always": "replaces", "Conditionally": "may replace"}[replacement]
}

// shortened cuts a value that would fill the screen; --output json has all of it.
func shortened(value string) string {
	const most = 200
	text := []rune(printable(value))
	if len(text) > most {
		return string(text[:most]) + "…"
	}
	return string(text)
}

// planSentence counts the stacks and resources of a plan, by what happens to them.
func planSentence(plan *deploy.Plan) string {
	stacks, resources := map[deploy.Action]int{}, map[string]int{}
	for _, s := range plan.Stacks {
		stacks[s.Action]++
		for _, c := range s.Changes {
			_, word, _ := verdict(c)
			resources[word]++
		}
	}
	// An empty plan has its own sentence, which scripts and readers can look for.
	// A plan that only ends changes by hand has something to do, although no stack changes.
	ends := 0
	for _, s := range plan.Stacks {
		ends += len(s.Ends)
	}
	if stacks[deploy.None] == len(plan.Stacks) && ends == 0 {
		return nothingToDo(len(plan.Stacks), plan.Directory)
	}
	text := "stacks: " + counted(stacks, deploy.Create, deploy.Update, deploy.Repair, deploy.Later, deploy.None)
	if len(resources) > 0 {
		text += "; resources: " + counted(resources, "create", "adopt", "update", "maybe replace", "replace", "delete")
	}
	if ends > 0 {
		text += "; ends " + plural(ends, "temporary change")
	}
	return text
}

// nothingToDo is the sentence for a plan without changes. It names the directory: with a wrong one it would be true as well.
func nothingToDo(stacks int, directory string) string {
	verb := "match"
	if stacks == 1 {
		verb = "matches"
	}
	artifact := "the deployed templates"
	if directory != "" {
		artifact = strings.TrimRight(directory, "/") + "/"
	}
	return fmt.Sprintf("nothing to do: %s already %s %s", plural(stacks, "stack"), verb, artifact)
}

// counted joins the counts in this order, without zeros: 2 create, 1 update.
func counted[K ~string](counts map[K]int, order ...K) string {
	var parts []string
	for _, what := range order {
		if n := counts[what]; n > 0 {
			word := string(what)
			if word == string(deploy.None) {
				word = "unchanged"
			}
			parts = append(parts, fmt.Sprintf("%d %s", n, word))
		}
	}
	return strings.Join(parts, ", ")
}
