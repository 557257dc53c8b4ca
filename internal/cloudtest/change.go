package cloudtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// bracketed lists logical ids in the form of CloudFormation's status reasons.
func bracketed(ids []string) string { return "[" + strings.Join(ids, ", ") + "]" }

// resourceChange is the creation, update or import of one resource which is in progress.
type resourceChange struct {
	verb Verb
	next *resource
	// imported: the resource exists already and becomes a part of the stack
	imported, replaces bool

	launch     *FailedLaunch // arranged by a test, nil for none
	launchEnds time.Time
}

// change is the creation or update of a stack. It turns a change set into steps: the resources of one level of
// dependency start together, and the next level starts when all of them are done. AWS starts a resource as soon as
// its own dependencies are done; the states which a stack passes through are the same.
type change struct {
	engine *engine
	s      *stack
	set    *changeSet
	before inputs
	scope  *scope

	keep      bool // keep the created resources after a failure
	onFailure types.OnStackFailure

	ongoing  map[string]*resourceChange
	saved    map[string]*resource // updated resources as they were before
	order    []string             // logical ids in the order of their start
	failed   []string
	obsolete []*resource // resources that were replaced by new ones
}

// word returns the beginning of the stack's states: CREATE, UPDATE or IMPORT.
func (g *change) word() string { return string(g.set.kind) }

// status returns a state of the stack, for example UPDATE_COMPLETE for the suffix _COMPLETE.
func (g *change) status(suffix string) types.StackStatus {
	return types.StackStatus(g.word() + suffix)
}

// steps returns one step for each level of dependency, and the step that ends the operation.
func (g *change) steps() []step {
	var all []step
	for _, level := range g.scope.active() {
		all = append(all, watcher{g}.guarded(g.startLevel(level)))
	}
	return append(append(all, watcher{g}.watch()...), watcher{g}.guarded(g.complete))
}

// startLevel starts the resources of one level in one step and finishes them in the next, so a test can look at
// a stack in the middle.
func (g *change) startLevel(level []string) step {
	return func(at time.Time) []step {
		for _, logical := range level {
			g.startResource(at, logical)
		}
		return []step{g.finishLevel(level)}
	}
}

// startResource starts the creation or update of a resource. An unchanged resource is left alone.
func (g *change) startResource(at time.Time, logical string) {
	definition := g.s.inputs.template.Resources[logical]
	properties := g.scope.properties(definition)
	next := &resource{
		Logical: logical, Type: definition.Type, Properties: properties, Definition: definition, Tags: g.s.inputs.tags,
		Revision: 1, region: g.s.region, account: g.s.account,
	}
	f := &resourceChange{next: next}
	old := g.s.resources[logical]
	switch {
	case g.set.reverts && g.engine.hand.deleted[old.Physical]:
		delete(g.engine.hand.deleted, old.Physical) // nobody has this id again
		g.startCreation(at, f)
	case !old.exists():
		g.startCreation(at, f)
	case g.same(old, next) && !(g.set.reverts && g.engine.hand.drifted(old)):
		return
	default:
		g.startUpdate(at, old, f)
	}
	g.ongoing[logical] = f
	g.order = append(g.order, logical)
	g.beginLaunch(at, f)
}

// startCreation marks a resource as being created or imported. It has no physical id yet, so it does not exist for
// references until finishCreation gives it one.
func (g *change) startCreation(at time.Time, f *resourceChange) {
	f.verb = Create
	status := types.ResourceStatusCreateInProgress
	if f.imported = g.imported(f.next.Logical); f.imported {
		status = types.ResourceStatusImportInProgress
		f.next.Imported = true
	}
	g.s.resources[f.next.Logical] = f.next
	g.s.mark(at, f.next, status, "")
}

// imported reports whether the change set imports the resource instead of creating it.
func (g *change) imported(logical string) bool {
	return slices.ContainsFunc(g.set.changes, func(rc types.ResourceChange) bool {
		return *rc.LogicalResourceId == logical && rc.Action == types.ChangeActionImport
	})
}

// startUpdate marks a resource as being updated, and saves its present state for a rollback. The new state keeps the physical
// id unless a property demands a replacement.
func (g *change) startUpdate(at time.Time, old *resource, f *resourceChange) {
	f.verb = Update
	logical := f.next.Logical
	saved := *old
	g.saved[logical] = &saved
	f.next.Physical, f.next.Revision, f.next.Imported = old.Physical, old.Revision+1, old.Imported
	reason := ""
	if f.replaces = replaces(old, f.next) || replacesGroup(old, f.next); f.replaces {
		reason = "Requested update requires the creation of a new physical resource; hence creating one."
	}
	g.s.mark(at, old, types.ResourceStatusUpdateInProgress, reason)
}

// same reports whether an update changes nothing in a resource.
func (g *change) same(old, next *resource) bool {
	scope := g.s.scope(g.s.inputs)
	d := &difference{stack: g.s, next: g.s.inputs, scope: scope}
	var rc types.ResourceChange
	d.details(&rc, old, next.Definition, next.Properties)
	return len(rc.Scope) == 0
}

// replaces reports whether an update needs a new resource, because a property changed that cannot change in place.
func replaces(old, next *resource) bool {
	if old.Type != next.Type {
		return true
	}
	for name := range replacements()[old.Type] {
		if recreation(old.Type, name) == types.RequiresRecreationAlways && compact(old.Properties[name]) != compact(next.Properties[name]) {
			return true
		}
	}
	return false
}

// finishLevel ends the changes of one level. The first failure cancels the rest of the operation.
func (g *change) finishLevel(level []string) step {
	return func(at time.Time) []step {
		if g.launchPending(at, level) {
			return []step{g.finishLevel(level)} // one Step later
		}
		for _, logical := range level {
			if f := g.ongoing[logical]; f != nil {
				g.failIfPlanned(at, logical, f)
			}
		}
		g.failLaunches(at, level)
		for _, logical := range level {
			if f := g.ongoing[logical]; f != nil && len(g.failed) == 0 {
				g.finishResource(at, logical, f)
			}
		}
		if len(g.failed) > 0 {
			g.cancelOngoing(at)
			// After a failure the remaining levels are dropped, and CancelUpdateStack is refused from now on.
			g.s.operation.queue = nil
			g.s.operation.cancel = nil
			return g.fail(at)
		}
		return nil
	}
}

// failIfPlanned ends a change with the failure which a test arranged. All failures of a level come before its
// successes, so the others of the level are cancelled, as on AWS.
func (g *change) failIfPlanned(at time.Time, logical string, f *resourceChange) {
	if reason := g.engine.failure(g.s, logical, f.verb); reason != "" {
		g.failResource(at, logical, f, reason)
	}
}

// finishResource ends one change with success, or fails it because its name is in use.
func (g *change) finishResource(at time.Time, logical string, f *resourceChange) {
	delete(g.ongoing, logical)
	if f.verb == Create && !f.imported || f.replaces {
		if name := customName(f.next.Type, f.next.Properties); name != "" && g.engine.taken(g.s, asset{g.s.region, f.next.Type, name}) {
			g.failResource(at, logical, f, fmt.Sprintf("Resource of type '%s' with identifier '%s' already exists.", f.next.Type, name))
			return
		}
		if reason := g.engine.refusesRecord(f.next); reason != "" {
			g.failResource(at, logical, f, reason)
			return
		}
		g.finishCreation(at, logical, f)
		return
	}
	if f.next.Type == groupType && !f.imported {
		g.finishGroupUpdate(at, logical, f)
		return
	}
	if f.imported {
		g.finishImport(at, f.next)
		return
	}
	g.engine.hand.settle(f.next)
	g.s.resources[logical] = f.next
	g.s.mark(at, f.next, types.ResourceStatusUpdateComplete, "")
}

// finishCreation gives a created resource its physical id. After a replacement the old resource stays in the account
// until the whole update has succeeded: a rollback needs it. AWS calls its later deletion the clean-up.
func (g *change) finishCreation(at time.Time, logical string, f *resourceChange) {
	if f.launch == nil || f.replaces { // else it has its id since beginLaunch
		g.engine.serial++
		f.next.Physical = g.s.newPhysical(logical, f.next.Type, f.next.Properties, g.engine.serial)
	}
	g.s.resources[logical] = f.next
	if f.next.Type == alarmType {
		g.engine.setAlarm(g.s.region, f.next.Physical, "INSUFFICIENT_DATA", "Unchecked: Initial alarm creation", at)
	}
	if f.next.Type == groupType {
		if err := g.createGroup(f.next); err != nil {
			g.failResource(at, logical, f, err.Error())
			return
		}
	}
	if f.replaces {
		g.obsolete = append(g.obsolete, g.saved[logical])
		g.s.mark(at, f.next, types.ResourceStatusUpdateComplete, "")
		return
	}
	g.s.mark(at, f.next, types.ResourceStatusCreateInProgress, "Resource creation Initiated")
	g.s.mark(at, f.next, types.ResourceStatusCreateComplete, "")
}

// finishImport takes an existing resource into the stack.
func (g *change) finishImport(at time.Time, r *resource) {
	r.Physical = customName(r.Type, r.Properties)
	g.engine.retained = slices.DeleteFunc(g.engine.retained, func(a asset) bool { return a == asset{g.s.region, r.Type, r.Physical} })
	g.s.mark(at, r, types.ResourceStatusImportComplete, "Resource import completed.")
}

// failResource ends one change with a failure.
func (g *change) failResource(at time.Time, logical string, f *resourceChange, reason string) {
	g.failed = append(g.failed, logical)
	delete(g.ongoing, logical)
	if f.verb == Create {
		g.s.mark(at, f.next, types.ResourceStatusCreateFailed, reason)
		return
	}
	g.s.mark(at, g.s.resources[logical], types.ResourceStatusUpdateFailed, reason)
}

// cancelOngoing ends the changes which are in progress after another one failed. AWS reports them as failed with the
// reason "Resource creation cancelled".
func (g *change) cancelOngoing(at time.Time) {
	for _, logical := range g.order {
		f := g.ongoing[logical]
		if f == nil {
			continue
		}
		delete(g.ongoing, logical)
		g.failed = append(g.failed, logical)
		if f.verb == Create {
			g.s.mark(at, f.next, types.ResourceStatusCreateFailed, "Resource creation cancelled")
		} else {
			g.s.mark(at, g.s.resources[logical], types.ResourceStatusUpdateFailed, "Resource update cancelled")
		}
	}
}

// complete ends a successful operation. An update then deletes the replaced and removed resources
// (UPDATE_COMPLETE_CLEANUP_IN_PROGRESS).
func (g *change) complete(at time.Time) []step {
	// An update can no longer be cancelled once all its resources are changed, even while the clean-up goes on.
	g.s.operation.cancel = nil
	g.set.execution = types.ExecutionStatusExecuteComplete
	g.s.outputs = g.s.findOutputs()
	if g.set.kind != types.ChangeSetTypeUpdate {
		g.s.set(at, g.status("_COMPLETE"), "")
		return nil
	}
	g.s.set(at, types.StackStatusUpdateCompleteCleanupInProgress, "")
	gone := g.leftOut()
	// First the replaced resources go, then the ones that the template dropped. A failed deletion does not fail the update: the
	// resource stays in the account and the stack still becomes UPDATE_COMPLETE.
	return append(g.engine.removal(g.s, g.obsolete, true), append(g.engine.removal(g.s, gone, false), func(at time.Time) []step {
		g.s.set(at, types.StackStatusUpdateComplete, "")
		return nil
	})...)
}

// leftOut returns the stack's resources which the template no longer has, the last created first.
func (g *change) leftOut() []*resource {
	var gone []*resource
	before := g.s.scope(g.before)
	for _, level := range slices.Backward(before.active()) {
		for _, logical := range level {
			now, kept := g.s.inputs.template.Resources[logical]
			if r := g.s.resources[logical]; r.exists() && !(kept && g.scope.condition(now.Condition)) {
				gone = append(gone, r)
			}
		}
	}
	return gone
}
