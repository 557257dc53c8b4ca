package deploy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/diff"
	"github.com/pebble/spacel/deploy/history"
)

// Rollback makes a run deploy a recorded release again: the assembly is the release's kept artifact (history.Fetch), and the recorded
// version, image, agent and token take the place of the deployed ones. No task runs, and no alarm guards it: a rollback is needed when an
// alarm is on, and CloudFormation does not watch its own rollbacks either.
type Rollback struct {
	Number  int // the highest of the targets
	Targets map[assembly.StackRef]history.Target
}

// Differs lists the targets when they are not one release, "" if they are. A run that was repeated after a failure has another number, and
// no record in the regions that the first one had finished. So the artifact and the version decide.
func (r *Rollback) Differs() string {
	var targets []history.Record
	for _, t := range r.Targets {
		targets = append(targets, t.Record)
	}
	slices.SortFunc(targets, func(a, b history.Record) int { return strings.Compare(a.Region, b.Region) })
	var differing []string
	same := true
	for _, t := range targets {
		same = same && t.Same(targets[0])
		differing = append(differing, fmt.Sprintf("release %d in %s", t.Number, t.Region))
	}
	if same {
		return ""
	}
	return strings.Join(differing, ", ")
}

// Unfinished returns the release to which an earlier rollback did not come in every region, 0 for none.
func (r *Rollback) Unfinished() int {
	for _, t := range r.Targets {
		if t.Unfinished {
			return t.Record.Number
		}
	}
	return 0
}

// recorded returns the recorded values by stack, for values.Settings.
func (r *Rollback) recorded() map[assembly.StackRef]map[string]string {
	if r == nil {
		return nil
	}
	out := map[assembly.StackRef]map[string]string{}
	for ref, t := range r.Targets {
		out[ref] = t.Record.Parameters
	}
	return out
}

// notesOfRollback says what does not go back with the release, for the warnings of the plan.
func (p *part) notesOfRollback() []string {
	r := p.options.Rollback
	if r == nil {
		return nil
	}
	// The notes go from the choice of the release to the effects on the stack, and come with each region's own facts.
	target := r.Targets[p.ref()]
	var out []string
	note := func(format string, args ...any) {
		out = append(out, fmt.Sprintf("%s: ", p.ref())+fmt.Sprintf(format, args...))
	}
	for _, text := range target.Notes {
		note("%s", text)
	}
	// The tasks are those of the undone releases, the oldest first, as they ran.
	for _, e := range slices.Backward(target.Newer) {
		for _, task := range e.Tasks {
			if e.Trusted() {
				note("the task %s of release %d (%s) stays as it is: a rollback runs no task, so the old version must work with its "+
					"changes", task.Name, e.Number, task.Outcome)
			}
		}
	}
	if data := p.dataTypes(); len(data) > 0 {
		note("data does not go back: %s keep what newer releases wrote", strings.Join(data, ", "))
	}
	// A deletion or replacement by the rollback itself is a danger of the plan, which the user agrees to by name.
	for _, c := range p.plan.Changes {
		if c.Action == "Add" && diff.HoldsData(c.Type) {
			note("%s is made new and empty: a newer release deleted it", describeResource(c.Type, c.LogicalID, ""))
		}
	}
	var secrets []string
	for name, source := range p.spec.Parameters {
		if source.Secret != nil {
			secrets = append(secrets, name)
		}
	}
	if len(secrets) > 0 {
		slices.Sort(secrets)
		note("secrets do not go back: %s take their values of today", strings.Join(secrets, ", "))
	}
	return out
}

// dataTypes lists the types of the template's resources with data, sorted.
func (p *part) dataTypes() []string {
	template, err := p.template.whole()
	if err != nil {
		return nil // which planning has told already
	}
	var types []string
	for _, r := range template.Resources {
		if diff.HoldsData(r.Type) {
			types = append(types, r.Type)
		}
	}
	slices.Sort(types)
	return slices.Compact(types)
}
