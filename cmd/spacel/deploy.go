package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/cloud"
)

const deployDescription = `Deploys the stacks of an artifact directory that spacel build wrote. It reads only the directory, AWS and the
flags, and verifies every digest: the reviewed templates are deployed unchanged. Without DIR it takes the project's, see
spacel build -h.

It first checks the directory and the account, finds the values of parameters (outputs of other stacks, hosted zones,
certificates, images) and asks CloudFormation for the changes. It shows them, property by property, and asks for
confirmation. A stack starts as soon as its dependencies are done, and regions run in parallel. A failure stops only the
stacks that depend on the failed one. Running the command again continues an unfinished run, and changes nothing when
every stack is done.

   spacel deploy build                              show what changes, ask, deploy
   spacel deploy build --dry-run                    show what would change, leave no trace
   spacel deploy build --yes                        without a question, as in CI
   spacel deploy build --app laika --version v1.2   a release of one app
   spacel deploy build --upgrade agent,image        the newest images, and the agent of this spacel
   spacel deploy build --app laika --force          replace instances although nothing changed
   spacel deploy build --stack us-east-1/production-laika --region us-east-1

Selection: a stack is deployed when it matches all of --stack, --app and --region. Its dependencies must be selected too,
or already deployed.

Kept values: the version, the image, the agent and the Slack function stay as deployed until --version, --upgrade image or
--upgrade agent.

Danger: a change that deletes or replaces data (a database, a cache, a table, a volume) or an address is marked in the
plan. It is made only when you type its name, or with --allow-replace REGION/STACK/RESOURCE as printed in the plan.
--yes does not include it.

Large orbits: in a region with more than ten chosen stacks, deploy reads the states of all stacks by one listing. A template that an
earlier run compared is not read again while its stack stays in the same state. One stack in thirty is compared all the same, chosen by
its name and the date. --verify compares every template.

Drift: --revert-drift takes back what somebody changed outside of CloudFormation (see spacel status --drift). CloudFormation sends
the deployed templates again; sizes of groups are set back. A rule or a policy that somebody added is removed only when you type its
name, or with --remove ID as printed. Then everything is read again. The exit code is 0 when nothing differs any more.

   spacel deploy build --revert-drift
   spacel deploy build --revert-drift --yes --remove us-east-1/production-laika/Sg/sgr-0123456789abcdef0

Interrupts: after the first interrupt no further stack starts. On a terminal you choose: wait for the running stacks,
cancel them (CloudFormation rolls them back), or detach (they continue in CloudFormation, unwatched). Without a terminal
it waits. The second interrupt detaches. The exit code is 130.

Failures: the first failed resource is shown with its line in the manifests, CloudFormation's reason, the end of the
instance's boot log when the instance did not start, and the command to run next. A failed update is rolled back. A
failed create is deleted by the next run.

Buckets: programs, assets and templates over 51,200 bytes are uploaded to S3, to spacel-<account>-<region> in each region.
Deploy asks before it makes one: encrypted, with versions, for TLS only, without public access. --make-buckets agrees
beforehand, as in CI. --lambda-bucket names a bucket of your own. With {region} in its name, each region has its own.

Output: on a terminal, a tree of running stacks and resources. Otherwise, a line for each event, with AWS's time in UTC.
With --output json, one JSON object on each line: the plan, the events, and a summary last.`

// deployCommand deploys an artifact directory. The work is done by package deploy: Prepare makes the plan and Execute carries
// it out. This file and consent.go, progress.go and interrupthandler.go are the conversation with the user.
func deployCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "deploy",
		Usage:       "deploy the stacks of an artifact directory",
		ArgsUsage:   "[DIR]",
		Description: deployDescription,
		Flags:       slices.Concat(selectionFlags(), deployFlags(), []cli.Flag{verifyFlag()}, revertFlags(), settingFlags(), accessFlags()),
		Action:      func(ctx *cli.Context) error { return runDeploy(c, ctx) },
	}, "text", "json")
}

// deployFlags are those of deploy that redeploy shares, see redeployFlags.
func deployFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask for confirmation, except for dangers",
			DisableDefaultText: true},
		&cli.BoolFlag{Name: "make-buckets", Usage: "make the S3 bucket of a region without a question, where there is none",
			DisableDefaultText: true},
		&cli.BoolFlag{Name: "verbose", Usage: "list every resource of new stacks in the plan", DisableDefaultText: true},
		&cli.BoolFlag{Name: "dry-run", Usage: "show what would change, and leave no trace", DisableDefaultText: true},
		&cli.StringSliceFlag{Name: "allow-replace",
			Usage: "agree to the danger of this `ID`, region/stack/resource as printed in the plan; may be given again"},
		&cli.StringSliceFlag{Name: "ignore-alarm",
			Usage: "deploy although the alarm of this `NAME`, which guards releases, is on or missing; may be given again"},
		&cli.BoolFlag{Name: "no-record", Usage: "deploy although the release cannot be recorded", DisableDefaultText: true},
		&cli.StringFlag{Name: "version",
			Usage: "deploy this `VERSION` of the apps: it replaces __VERSION__ in units, and is the tag of images without one"},
		&cli.StringSliceFlag{Name: "upgrade", Usage: "take the newest of `WHAT`: agent, image, or both with a comma"},
		&cli.BoolFlag{Name: "force", Usage: "replace instances by their update policy although nothing changed", DisableDefaultText: true},
		&cli.IntFlag{Name: "concurrency", Usage: "work on `N` stacks of a region at a time", DefaultText: "10"},
		&cli.DurationFlag{Name: "timeout", Usage: "detach after this `TIME`, such as 45m, and exit with 2", DefaultText: "none"},
	}
}

// verifyFlag is the flag of the commands that compare deployed templates.
func verifyFlag() cli.Flag {
	return &cli.BoolFlag{Name: "verify", Usage: "read every deployed template, also of stacks that did not change since they were compared",
		DisableDefaultText: true}
}

// runDeploy checks the command line and verifies the directory before it connects to AWS, so a mistake in either costs
// no call.
func runDeploy(c *console, ctx *cli.Context) error {
	dir, err := c.artifactDirectory(ctx, whichDirectory)
	if err != nil {
		return err
	}
	options, err := deployOptions(c, ctx)
	if err == nil {
		err = checkRevert(ctx)
	}
	if err != nil {
		return err
	}
	a, err := assembly.Read(dir)
	if err != nil {
		return err
	}
	defer a.Close()
	if err := c.checkVariable(ctx, dir, a.Manifest.Orbit); err != nil {
		return err
	}
	if err := checkTaken(ctx, a); err != nil {
		return err
	}
	options.Directory = dir
	// From here on AWS is asked. Everything before works without network.
	warnOfSecrets(c, ctx)
	to, err := c.connect(ctx, orbitOfArtifact(a, dir), toChange)
	if err != nil {
		return err
	}
	if ctx.Bool("revert-drift") {
		return (&driftRevert{c, ctx, to, a, options}).run(ctx.Context)
	}
	d := &deployment{c, newInterruptHandler(c, ctx.Command.HelpName, true), ctx, options, to}
	return d.run(ctx.Context, a)
}

// deployment is a run of deploy or redeploy. Its methods follow the order of a run: prepare, showPlan, report, verdict.
type deployment struct {
	*console
	interrupts *interruptHandler
	flags      *cli.Context
	options    deploy.Options
	cloud      *cloud.Cloud
}

// withdrawal is the time limit for deleting the prepared change sets after a dry run. Without a limit, an unreachable AWS would keep
// the command from ending.
const withdrawal = time.Minute

// run prepares, shows the plan, asks and executes. Interrupts are handled by this run from here on: the context
// passed on ends only when the handler says so, because cancelling calls in the middle of a change would leave it unknown
// whether CloudFormation took them.
func (d *deployment) run(ctx context.Context, a *assembly.Assembly) error {
	ctx, release := takeOver(ctx, d.interrupts.interrupt)
	defer release()
	prepared, err := d.prepare(ctx, a)
	if err != nil {
		return d.interrupts.interrupted(declined(d.interrupts.command, err))
	}
	d.interrupts.progress = newProgress(d.console, d.flags, "deployed", changing(&prepared.Plan))
	d.prompter.hold = d.interrupts.progress.hold
	d.waitingAsEvents(d.interrupts.progress.listen)
	err = d.showPlan(&prepared.Plan)
	if err != nil || d.options.DryRun {
		return errors.Join(err, discard(ctx, prepared))
	}
	// A nil result means that nothing was begun: the answer was no, or there was nobody to ask.
	result, err := prepared.Execute(ctx, &consent{d.interrupts, d.flags.Bool("yes")}, d.interrupts.control)
	d.interrupts.over()
	d.interrupts.progress.end()
	if result == nil {
		return d.interrupts.interrupted(declined(d.interrupts.command, err))
	}
	return errors.Join(d.report(result), d.verdict(result, err))
}

// declined turns the answer no into exit code 1. It is neither a usage error nor a failure of AWS.
func declined(command string, err error) error {
	if errors.Is(err, deploy.ErrDeclined) {
		return no(command + ": " + err.Error())
	}
	return err
}

// prepare makes the plan. An interrupt cancels it, and deploy.Prepare then deletes its change sets. Events go to
// early until there is a plan, since the progress display needs the plan's stacks.
func (d *deployment) prepare(ctx context.Context, a *assembly.Assembly) (*deploy.Deployment, error) {
	ctx, cancel := context.WithCancel(ctx)
	d.interrupts.preparing(cancel)
	early := earlyListener(d.console, d.flags)
	d.options.Session = d.session
	return deploy.Prepare(ctx, d.cloud, a, d.options, func(e activity.Event) {
		if d.interrupts.progress == nil {
			early(e)
			return
		}
		d.interrupts.progress.listen(e)
		if e.Kind == activity.LaunchFailed {
			d.interrupts.offer()
		}
	})
}

// earlyListener prints the events before there is a plan. They are few: most say that deploy waits for another operation. In
// text form they go to standard error, so that standard output begins with the plan.
func earlyListener(c *console, ctx *cli.Context) activity.Listener {
	switch {
	case ctx.String("output") == "json":
		return jsonLines(c.out)
	case ctx.Bool("quiet"):
		return quietly(lines(c.stderr, false))
	}
	return lines(c.stderr, false)
}

// discard deletes the prepared change sets within the time limit. It runs after a dry run and when the plan cannot be shown.
func discard(ctx context.Context, prepared *deploy.Deployment) error {
	ctx, cancel := context.WithTimeout(ctx, withdrawal)
	defer cancel()
	return prepared.Discard(ctx)
}

// changing returns the stacks changed by the plan, for the progress display. Unchanged stacks have no progress to show.
func changing(plan *deploy.Plan) []assembly.StackRef {
	var refs []assembly.StackRef
	for _, s := range plan.Stacks {
		if s.Action != deploy.None {
			refs = append(refs, s.StackRef)
		}
	}
	return refs
}

// showPlan prints the plan in the form of --output. --quiet prints none.
func (d *deployment) showPlan(plan *deploy.Plan) error {
	switch {
	case d.flags.String("output") == "json":
		jsonLine(d.out, planLine{"plan", plan})
		return d.out.err
	case d.flags.Bool("quiet"):
		return nil
	}
	style := planStyle{colour: d.colour(d.flags), width: d.width(), verbose: d.flags.Bool("verbose")}
	return planText(d.out, plan, style)
}

// planLine and summaryLine are the first and the last line of --output json. All lines between them are events.
type planLine struct {
	Kind string `json:"kind"`
	*deploy.Plan
}

type summaryLine struct {
	Kind string `json:"kind"`
	OK   bool   `json:"ok"`
	*deploy.Result
}

// report prints the result: failures with their causes on standard error; endpoints of new and updated stacks, and a line of
// counts, on standard output.
func (d *deployment) report(r *deploy.Result) error {
	if d.flags.String("output") == "json" {
		jsonLine(d.out, summaryLine{"summary", r.OK(), r})
		return d.out.err
	}
	for _, w := range r.Warnings {
		fmt.Fprintln(d.stderr, "warning: "+printable(w))
	}
	if err := failuresText(d.stderr, r.Failures, d.colour(d.flags)); err != nil || d.flags.Bool("quiet") {
		return err
	}
	if !isMoving(d.interrupts.progress) {
		printEnds(d.out, r)
	}
	for _, s := range r.Stacks {
		if s.Outcome == activity.WasCreated || s.Outcome == activity.WasUpdated {
			printEndpoints(d.out, s.StackRef, s.Outputs)
		}
	}
	if len(r.Stacks) > 0 && !unchanged(r) {
		fmt.Fprintf(d.out, "%s  %s\n", resultSentence(r), elapsed(time.Duration(r.Seconds*float64(time.Second))))
	}
	return d.out.err
}

// The lines are those of the terminal's tree without its colours. A log has the events of each stack spread over it, mixed with other
// stacks' events, so the end of each stack stands together here, in the order of the plan.

// printEnds prints a line for each stack that had a turn or missed it: how it ended, and how long it took. Stacks without a change are
// only counted. Reasons were printed before, with the events and the explanations.
func printEnds(w io.Writer, r *deploy.Result) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range r.Stacks {
		if s.Outcome == activity.WasUnchanged {
			continue
		}
		took := ""
		if s.Seconds >= 1 {
			took = elapsed(time.Duration(s.Seconds * float64(time.Second)))
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", s.StackRef, s.Outcome, took)
		for _, t := range s.Tasks {
			fmt.Fprintf(table, "  task %s of version %s\t%s\n", t.Name, t.Version, t.State)
		}
	}
	_ = table.Flush() // the writer keeps its error for the end of the run
}

// unchanged reports whether no stack changed. The plan has already told the user, so no count follows.
func unchanged(r *deploy.Result) bool {
	return !slices.ContainsFunc(r.Stacks, func(s deploy.StackResult) bool { return s.Outcome != activity.WasUnchanged })
}

// verdict returns the error that decides the exit code. An interrupt comes first, then a failure of AWS or the network,
// which explains more than the failed stacks do, then the failed stacks.
func (d *deployment) verdict(r *deploy.Result, err error) error {
	switch {
	case r.OK() && err == nil:
		return nil
	case d.interrupts.count() > 0:
		return d.interrupts.interrupted(err)
	case err != nil:
		return err
	}
	return errNo
}
