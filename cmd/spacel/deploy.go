package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/cloud"
)

const deployDescription = `Takes an artifact directory that spacel build wrote to stacks in AWS. It reads nothing but the directory, AWS and the
flags, verifies every digest, and adds nothing: what was reviewed is what is deployed.

First it checks all that can be checked, finds the parameters' values (outputs of other stacks, hosted zones,
certificates, images) and lets CloudFormation say what would change. It shows that, property by property, and asks.
Then stacks start as soon as what they depend on is done, regions side by side. A failure stops only what depends on
it. Running the command again picks up where a run ended, however it ended, and changes nothing when all is done.

   spacel deploy build                              show what changes, ask, deploy
   spacel deploy build --dry-run                    show what would change, leave no trace
   spacel deploy build --yes                        without a question, as CI does
   spacel deploy build --app laika --version v1.2   a release of one app
   spacel deploy build --upgrade agent,image        the newest images, and this release's agent
   spacel deploy build --app laika --force          replace instances though nothing changed
   spacel deploy build --stack us-east-1/production-laika --region us-east-1

Which stacks: --stack, --app and --region narrow, together. What a chosen stack depends on must be deployed or chosen too.

What stays as deployed until told otherwise: the version (--version), the image (--upgrade image), the agent and the
Slack function (--upgrade agent).

Danger: a change that deletes or replaces what holds data (a database, a cache, a table, a volume) or an address is
shown as such, and is made only when its name is typed, or with --allow-replace REGION/STACK/RESOURCE as the plan says
it. --yes does not cover it.

Interrupts: after the first, no stack starts any more, and on a terminal you choose: wait for those that run, cancel
them (CloudFormation rolls them back), or detach (they go on, unwatched). Without a terminal it waits. The second
detaches. The exit code is 130.

Failures: what failed first, with its line in the manifests, the reason CloudFormation gives, the end of the instance's boot
log when it did not start, and the command to run next. A failed update is rolled back; a failed create leaves
nothing in the way.

Buckets: programs, assets and templates over 51,200 bytes go to S3. --lambda-bucket names the bucket; with {region} in
the name, each stack's region has its own, which several regions need.

Output: on a terminal a tree of what is in flight; else a line for each event, with AWS's time in UTC. --output json
prints one JSON object on each line: the plan, the events, and a summary last.`

func deployCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "deploy",
		Usage:       "take an artifact directory to stacks in AWS",
		ArgsUsage:   "DIR",
		Description: deployDescription,
		Flags:       slices.Concat(selectionFlags(), deployFlags(), settingFlags(), accessFlags()),
		Action:      func(ctx *cli.Context) error { return runDeploy(c, ctx) },
	}, "text", "json")
}

func deployFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask whether to go ahead; dangers are still asked about",
			DisableDefaultText: true},
		&cli.BoolFlag{Name: "dry-run", Usage: "show what would change, and leave no trace", DisableDefaultText: true},
		&cli.StringSliceFlag{Name: "allow-replace",
			Usage: "agree to the danger of this `ID`, as the plan says it: region/stack/resource; may be given again"},
		&cli.StringFlag{Name: "version",
			Usage: "deploy this `VERSION` of the apps: __VERSION__ in units, and the tag of images that name none"},
		&cli.StringSliceFlag{Name: "upgrade", Usage: "take the newest of `WHAT`: agent, image, or both with a comma"},
		&cli.BoolFlag{Name: "force", Usage: "replace instances by their update policy though nothing changed", DisableDefaultText: true},
		&cli.IntFlag{Name: "concurrency", Usage: "work on `N` stacks of a region at a time", DefaultText: "10"},
		&cli.DurationFlag{Name: "timeout", Usage: "detach after this `TIME`, such as 45m, and exit with 2", DefaultText: "none"},
	}
}

func runDeploy(c *console, ctx *cli.Context) error {
	dir, err := artifactDirectory(ctx)
	if err != nil {
		return err
	}
	options, err := deployOptions(c, ctx)
	if err != nil {
		return err
	}
	a, err := assembly.Read(dir)
	if err != nil {
		return err
	}
	defer a.Close()
	warnOfSecrets(c, ctx)
	to, err := c.connect(ctx)
	if err != nil {
		return err
	}
	d := &deployment{c, newInterruptHandler(c, ctx.Command.HelpName, true), ctx, options, to}
	return d.run(ctx.Context, a)
}

// deployment is a run of the command.
type deployment struct {
	*console
	interrupts *interruptHandler
	flags      *cli.Context
	options    deploy.Options
	cloud      *cloud.Cloud
}

// withdrawal is how long taking back what was prepared may take.
const withdrawal = time.Minute

func (d *deployment) run(ctx context.Context, a *assembly.Assembly) error {
	ctx, release := takeOver(ctx, d.interrupts.interrupt)
	defer release()
	prepared, err := d.prepare(ctx, a)
	if err != nil {
		return d.interrupts.interrupted(err)
	}
	d.interrupts.progress = newProgress(d.console, d.flags, "deployed", changing(&prepared.Plan))
	d.prompter.hold = d.interrupts.progress.hold
	err = d.showPlan(&prepared.Plan)
	if err != nil || d.options.DryRun {
		return errors.Join(err, discard(ctx, prepared))
	}
	result, err := prepared.Execute(ctx, &consent{d.interrupts, d.flags.Bool("yes")}, d.interrupts.control)
	d.interrupts.over()
	d.interrupts.progress.end()
	if result == nil {
		return d.interrupts.interrupted(declined(d.interrupts.command, err))
	}
	return errors.Join(d.report(result), d.verdict(result, err))
}

// declined is an answer, and not the world's failure.
func declined(command string, err error) error {
	if errors.Is(err, deploy.ErrDeclined) {
		return no(command + ": " + err.Error())
	}
	return err
}

// prepare finds out what would change. An interrupt ends it, and what it made is taken back.
func (d *deployment) prepare(ctx context.Context, a *assembly.Assembly) (*deploy.Deployment, error) {
	ctx, cancel := context.WithCancel(ctx)
	d.interrupts.preparing(cancel)
	early := earlyListener(d.console, d.flags)
	return deploy.Prepare(ctx, d.cloud, a, d.options, func(e activity.Event) {
		if d.interrupts.progress == nil {
			early(e)
			return
		}
		d.interrupts.progress.listen(e)
	})
}

// early is for events before there is a plan: few, and mostly of what is waited for.
func earlyListener(c *console, ctx *cli.Context) activity.Listener {
	switch {
	case ctx.String("output") == "json":
		return jsonLines(c.out)
	case ctx.Bool("quiet"):
		return quietly(lines(c.stderr, false))
	}
	return lines(c.stderr, false)
}

func discard(ctx context.Context, prepared *deploy.Deployment) error {
	ctx, cancel := context.WithTimeout(ctx, withdrawal)
	defer cancel()
	return prepared.Discard(ctx)
}

// changing are the stacks to which something happens.
func changing(plan *deploy.Plan) []assembly.StackRef {
	var refs []assembly.StackRef
	for _, s := range plan.Stacks {
		if s.Action != deploy.None {
			refs = append(refs, s.StackRef)
		}
	}
	return refs
}

func (d *deployment) showPlan(plan *deploy.Plan) error {
	switch {
	case d.flags.String("output") == "json":
		jsonLine(d.out, planLine{"plan", plan})
		return d.out.err
	case d.flags.Bool("quiet"):
		return nil
	}
	return planText(d.out, plan, d.colour(d.flags))
}

// planLine and summaryLine are the two lines of --output json that are no events.
type planLine struct {
	Kind string `json:"kind"`
	*deploy.Plan
}

type summaryLine struct {
	Kind string `json:"kind"`
	OK   bool   `json:"ok"`
	*deploy.Result
}

// report says how it ended.
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

func unchanged(r *deploy.Result) bool {
	return !slices.ContainsFunc(r.Stacks, func(s deploy.StackResult) bool { return s.Outcome != activity.WasUnchanged })
}

// verdict is the exit code's error. The world's says more than that a stack failed.
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
