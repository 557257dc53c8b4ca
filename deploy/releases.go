package deploy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/agent/lock"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/history"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/internal/hexdigest"
)

// recorder writes the records of a run's releases: one for each app that changes, in each of its regions. A release is recorded before
// anything of its region is touched, so a run that dies leaves a trace.
//
// A region without a table of releases has an older tables stack. The release goes on there without a record, and a note says so. Any
// other reason refuses the whole run before it touches anything, since a rollback that misses a release would take the wrong one for
// the last. Options.Unrecorded turns the refusal into a warning.
type recorder struct {
	*session
	artifact *assembly.Assembly
}

// open begins the records of all apps with changes in their plans. Apps are numbered side by side, since each has numbers of its own.
//
// Each app costs one Query in each region for its number, and each record two calls: one for the signature, one for the item. A run
// that changes nothing makes none of them.
func (r recorder) open(ctx context.Context, parts []*part) error {
	byApp := map[string][]*part{}
	for _, p := range parts {
		if p.spec.App != "" && p.plan.Action != None {
			byApp[p.spec.App] = append(byApp[p.spec.App], p)
		}
	}
	apps := slices.Sorted(maps.Keys(byApp))
	errs := make([]error, len(apps))
	var work errgroup.Group
	work.SetLimit(numberedAtOnce)
	for i, app := range apps {
		work.Go(func() error {
			errs[i] = r.openApp(ctx, byApp[app], parts)
			return nil
		})
	}
	_ = work.Wait() // the errors are kept apart, one of each app
	r.noteAbsent(parts)
	return errors.Join(errs...)
}

// numberedAtOnce is how many apps get their numbers at a time.
const numberedAtOnce = 20

// openApp begins the records of one app.
func (r recorder) openApp(ctx context.Context, own, all []*part) error {
	var regions []string
	for _, p := range own {
		regions = append(regions, p.spec.Region)
	}
	if err := r.closeKilled(ctx, own[0].spec.App, all); err != nil {
		return r.refuse(ctx, own[0], err)
	}
	release := &history.Writer{}
	id, began := history.NewID(), time.Now().UTC().Truncate(time.Second)
	for _, p := range own {
		store := history.Open(r.cloud, r.orbit, p.spec.Region)
		kept, err := r.keepArtifact(ctx, store, p.spec)
		if err != nil {
			return r.refuse(ctx, p, err)
		}
		record := history.Record{
			App: p.spec.App, Region: p.spec.Region, ID: id, Command: r.verb(), Began: began, Outcome: history.Running,
			By: r.identity.ARN, From: history.OriginOf(r.options.Values.Environment), MadeBy: r.artifact.Manifest.MadeBy,
			Template: p.spec.Digest, Regions: regions, Artifact: kept, Wave: waveOf(p.spec),
		}
		// A later wave may begin hours after the first one, or never.
		if record.Wave > 1 {
			record.Outcome = history.Waiting
		}
		if to := r.options.Rollback; to != nil {
			record.Again = to.Targets[p.ref()].Record.Number
		}
		p.describeInputs(&record)
		release.Region(store, record, changesTables(p, all))
	}
	if err := release.Begin(ctx); err != nil {
		return r.refuse(ctx, own[0], err)
	}
	for _, p := range own {
		p.release = release
	}
	return nil
}

// refuse returns the error about a release that cannot be recorded. With Options.Unrecorded it is a warning.
func (r recorder) refuse(ctx context.Context, p *part, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !r.options.Unrecorded {
		return fmt.Errorf("the release of %s cannot be recorded, so it was not deployed: %w; --no-record deploys it all the same",
			p.spec.App, err)
	}
	p.release = nil
	r.follower.Tell(activity.Event{Kind: activity.Warning, Reason: fmt.Sprintf("the release of %s is not recorded: %v", p.spec.App, err)})
	return nil
}

// closeKilled ends the records of an app whose runs died before they could: also in the regions that this run leaves as they are, since
// the app gets no record there. A stack that is as such a record says has that release. A run that still goes on writes its own end later.
func (r recorder) closeKilled(ctx context.Context, app string, all []*part) error {
	for _, p := range all {
		if p.spec.App != app || !isDeployed(p.plan.deployed) {
			continue
		}
		store := history.Open(r.cloud, r.orbit, p.spec.Region)
		e, there, err := store.Unfinished(ctx, app)
		if errors.Is(err, history.ErrNoTable) || err == nil && !there {
			continue
		}
		if err != nil {
			return err
		}
		body, err := r.live.TemplateText(ctx, p.plan.deployed)
		if err != nil {
			return err
		}
		e.Outcome, e.Why = history.Interrupted, "the run ended without a word, and another one followed"
		if isAsRecorded(p.plan.deployed, body, e.Record) {
			e.Outcome, e.Why = history.Good, ""
			e.Stack = &history.Stack{ID: p.plan.deployed.ID, Changed: p.plan.deployed.Changed()}
		}
		if err := store.Change(ctx, e.Record); err != nil {
			return err
		}
	}
	return nil
}

// isAsRecorded reports whether a stack has the template and the kept parameters of a record, after an operation that ended well.
func isAsRecorded(stack *live.Stack, template []byte, r history.Record) bool {
	if stack.Status != types.StackStatusCreateComplete && stack.Status != types.StackStatusUpdateComplete {
		return false
	}
	for name, value := range r.Parameters {
		if stack.Parameters[name] != value {
			return false
		}
	}
	return hexdigest.SHA256(template) == r.Template
}

// changesTables reports whether this run makes or updates the tables of a stack's region. Then the record is written when the app's
// stack has its turn, which comes after them.
func changesTables(p *part, all []*part) bool {
	tables := assembly.StackRef{Region: p.spec.Region, Name: document.StackName(p.orbit, document.StackTables)}
	i := slices.IndexFunc(all, func(other *part) bool { return other.ref() == tables })
	return i >= 0 && all[i].plan.Action != None
}

// noteAbsent tells once of each region without a table.
func (r recorder) noteAbsent(parts []*part) {
	said := map[string]bool{}
	for _, p := range parts {
		if p.release == nil || !p.release.IsAbsent(p.spec.Region) || said[p.spec.Region] {
			continue
		}
		said[p.spec.Region] = true
		r.follower.Tell(activity.Event{Kind: activity.Note, Region: p.spec.Region, Reason: fmt.Sprintf(
			"releases are not recorded: %s has no table for records yet; deploy the orbit's own stacks once",
			document.StackName(r.orbit, document.StackTables))})
	}
}

// keepArtifact puts the artifact of a stack into the buckets. A redeploy has none of its own: it keeps the one of the release
// deployed, if its record can be found. Without any bucket nothing is kept.
func (r recorder) keepArtifact(ctx context.Context, store *history.Store, spec assembly.Stack) (*history.Artifact, error) {
	switch {
	case r.options.Redeploy:
		return deployedArtifact(ctx, store, spec)
	case r.options.Rollback != nil:
		return r.options.Rollback.Targets[spec.Ref()].Record.Artifact, nil
	}
	if there, err := r.stage.HasBucket(ctx, spec.Region); !there || err != nil {
		return nil, err
	}
	return history.Keep(ctx, r.stage, r.artifact, spec)
}

// deployedArtifact returns the artifact of the newest trusted record with a stack's template, nil if there is none.
func deployedArtifact(ctx context.Context, store *history.Store, spec assembly.Stack) (*history.Artifact, error) {
	found, _, err := store.WithTemplate(ctx, spec.App, spec.Digest)
	if errors.Is(err, history.ErrNoTable) {
		return nil, nil
	}
	return found.Artifact, err
}

// describeInputs takes the version and the kept values into the record. The values of a hidden parameter stay out of it, whichever
// way they are known to be hidden.
func (p *part) describeInputs(record *history.Record) {
	template, err := p.template.whole()
	if err != nil {
		return // the template was exchanged during the run, which the plan of the stack tells
	}
	kept := map[string]string{}
	for name, v := range p.plan.inputs {
		if !p.spec.Parameters[name].Kept() || v.Secret || v.Text == live.Masked || template.Parameters[name].Hidden() {
			continue
		}
		kept[name] = v.Text
	}
	if len(kept) > 0 {
		record.Parameters, record.Version = kept, kept[document.ParameterVersion]
	}
}

// begin writes a record that had to wait for its table, at the turn of its stack. The record of a later wave is running from then on.
func (p *part) begin(ctx context.Context) error {
	if p.release == nil {
		return nil
	}
	if !p.release.IsLate(p.spec.Region) {
		if waveOf(p.spec) <= 1 || p.release.HasEnded(p.spec.Region) {
			return nil
		}
		if _, err := p.release.Change(ctx, p.spec.Region, func(r *history.Record) { r.Outcome = history.Running }); err != nil {
			return recorder{session: p.session}.refuse(ctx, p, err)
		}
		return nil
	}
	r := recorder{session: p.session}
	err := p.release.Add(ctx, p.spec.Region, func(r *history.Record) {
		p.describeInputs(r)
		r.Outcome = history.Running
	})
	if errors.Is(err, history.ErrNoTable) { // the tables stack of this artifact has none
		r.noteAbsent([]*part{p})
		return nil
	}
	if err != nil {
		return r.refuse(ctx, p, err)
	}
	return nil
}

// finishPatience is the longest that writing the end of a record may take, also after an interrupt.
const finishPatience = 20 * time.Second

// finish writes the end of the release in the part's region. A record that cannot be finished stays "running", which a warning says:
// the stack is as it is all the same.
func (p *part) finish(ctx context.Context) {
	if p.release == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishPatience)
	defer cancel()
	record, err := p.release.Change(ctx, p.spec.Region, func(record *history.Record) {
		p.describeInputs(record)
		record.Outcome, record.Why = p.endOfRelease()
		record.Seconds, record.Tasks = p.result.Seconds, p.ranTasks()
		if deployed := p.plan.deployed; deployed != nil {
			record.Stack = &history.Stack{ID: deployed.ID, Changed: deployed.Changed()}
		}
	})
	if err != nil {
		p.tell(activity.Event{Kind: activity.Warning, Reason: fmt.Sprintf("the end of release %d is not recorded: %v", record.Number, err)})
	}
}

// ranTasks returns the release tasks that instances ran for the release, with their ends. A task without an end is unknown.
func (p *part) ranTasks() []history.Task {
	var ran []history.Task
	for _, t := range p.result.Tasks {
		end := t.State
		if !end.Ended() {
			end = lock.Unknown
		}
		ran = append(ran, history.Task{Name: t.Name, Outcome: string(end)})
	}
	return ran
}

// maxWhy is the longest reason in a record, in bytes.
const maxWhy = 500

// endOfRelease returns the outcome for the record, and the reason in one line.
func (p *part) endOfRelease() (history.Outcome, string) {
	why := strings.Join(strings.Fields(p.result.Why), " ")
	why = strings.ToValidUTF8(why[:min(len(why), maxWhy)], "")
	rolledBack := p.plan.deployed != nil && p.plan.deployed.Status == types.StackStatusUpdateRollbackComplete && !p.plan.began.IsZero()
	switch {
	case p.result.Outcome.OK():
		return history.Good, ""
	case rolledBack:
		return history.RolledBack, why
	case p.result.Outcome == activity.HasFailed:
		return history.Failed, why
	}
	return history.Interrupted, why
}

// settle ends the records of stacks that had no turn.
func (r recorder) settle(ctx context.Context, parts []*part) {
	for _, p := range parts {
		if p.release != nil && !p.release.HasEnded(p.spec.Region) {
			p.finish(ctx)
		}
	}
}
