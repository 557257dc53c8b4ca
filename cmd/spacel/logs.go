package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/logs"
)

const logsDescription = `The boot log says how instances came up, and why one did not; it is kept when a stack fails. The docker log is what containers
print, with logging.docker in the manifest; the deploy log is the agent's own, with logging.deploy. The lines of all regions
are put in order of time.

   spacel logs laika --orbit production                          the boot log of the last hour
   spacel logs laika --orbit production --docker --follow
   spacel logs laika --orbit production --docker --since 24h --filter ERROR
   spacel logs --bastion --orbit production`

func logsCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "logs",
		Usage:       "print what an app's instances logged",
		ArgsUsage:   "APP",
		Description: logsDescription,
		Flags: append(targetFlags(),
			&cli.BoolFlag{Name: "docker", Usage: "what containers print", DisableDefaultText: true},
			&cli.BoolFlag{Name: "deploy", Usage: "the agent's own log", DisableDefaultText: true},
			&cli.BoolFlag{Name: "bastion", Usage: "the boot log of the orbit's bastions", DisableDefaultText: true},
			&cli.StringFlag{Name: "filter", Usage: "only lines that match this filter `PATTERN` of CloudWatch Logs"},
			sinceFlag(time.Hour), followFlag(),
		),
		Action: func(ctx *cli.Context) error {
			to, groups, err := findLogGroups(c, ctx)
			if err != nil {
				return err
			}
			from, err := since(ctx)
			if err != nil {
				return err
			}
			reader := logs.NewReader(to.Cloud, groups, from, ctx.String("filter"))
			printed, err := printLogs(c, ctx, reader)
			if err != nil || printed {
				return err
			}
			return noteNothingLogged(c, ctx, to)
		},
	}, "text", "json")
}

func sinceFlag(value time.Duration) cli.Flag {
	return &cli.DurationFlag{Name: "since", Usage: "go back this `TIME`, such as 30m or 24h", Value: value}
}

// since is the time that --since goes back to.
func since(ctx *cli.Context) (time.Time, error) {
	back := ctx.Duration("since")
	if back <= 0 {
		return time.Time{}, fmt.Errorf("%s: --since must be a time to go back, such as 30m or 24h, got %s", ctx.Command.HelpName, back)
	}
	return time.Now().Add(-back), nil
}

func followFlag() cli.Flag {
	return &cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "go on until interrupted", DisableDefaultText: true}
}

func logKind(ctx *cli.Context) (logs.Kind, error) {
	kinds := map[string]logs.Kind{"docker": logs.Docker, "deploy": logs.Deploy, "bastion": logs.Boot}
	kind := logs.Boot
	given := 0
	for flag, of := range kinds {
		if ctx.Bool(flag) {
			kind, given = of, given+1
		}
	}
	if given > 1 {
		return "", fmt.Errorf("%s: give one of --docker, --deploy and --bastion", ctx.Command.HelpName)
	}
	return kind, nil
}

func findLogGroups(c *console, ctx *cli.Context) (*target, []logs.Group, error) {
	kind, err := logKind(ctx)
	if err != nil {
		return nil, nil, err
	}
	app, arguments, want := ctx.Args().First(), 1, "the app's name"
	if ctx.Bool("bastion") {
		app, arguments, want = "", 0, "no app with --bastion"
	}
	if err := exactly(ctx, arguments, want); err != nil {
		return nil, nil, err
	}
	to, err := findTarget(c, ctx)
	if err != nil {
		return nil, nil, err
	}
	groups, err := to.groups(ctx.Context, app, kind)
	if err != nil || app == "" {
		return to, groups, err
	}
	if len(groups) == 0 {
		err = to.checkApp(ctx.Context, app)
		if err == nil {
			err = fmt.Errorf("app %s keeps no %s log: write logging.%s into its manifest, and deploy it", app, kind, kind)
		}
	}
	return to, groups, err
}

func (t *target) groups(ctx context.Context, app string, kind logs.Kind) ([]logs.Group, error) {
	stacks := live.New(t.Cloud)
	var groups []logs.Group
	for _, region := range t.Regions {
		group, found, err := logs.Find(ctx, stacks, t.Orbit, app, region, kind)
		if err != nil {
			return nil, err
		}
		if found {
			groups = append(groups, group)
		}
	}
	return groups, nil
}

// nothingLogged says why nothing was printed: most likely it is too long ago, or the app's name is misspelt. The boot log
// of an app outlives its stack, so that it is looked for first.
func noteNothingLogged(c *console, ctx *cli.Context, to *target) error {
	if app := ctx.Args().First(); app != "" {
		if err := to.checkApp(ctx.Context, app); err != nil {
			return err
		}
	}
	if !ctx.Bool("quiet") {
		fmt.Fprintf(c.stderr, "nothing was logged in the last %s; --since goes back further\n", ctx.Duration("since"))
	}
	return nil
}

// logs prints what there is, and goes on when asked to.
func printLogs(c *console, ctx *cli.Context, reader *logs.Reader) (printed bool, err error) {
	err = repeat(ctx, func() error {
		lines, err := reader.Next(ctx.Context)
		printed = printed || len(lines) > 0 || ctx.Bool("follow")
		for _, line := range lines {
			if err := printLogLine(c, ctx, line); err != nil {
				return err
			}
		}
		return err
	})
	return printed, err
}

func printLogLine(c *console, ctx *cli.Context, line logs.Line) error {
	if ctx.String("output") == "json" {
		jsonLine(c.out, line)
		return c.out.err
	}
	stream := strings.TrimPrefix(line.Stream, document.BootStreamPrefix(ctx.Args().First())) // the instance, and the container after it
	_, err := fmt.Fprintf(c.out, "%s %s %s %s\n", line.Time.Format(time.RFC3339), line.Region, stream, printable(line.Message))
	return err
}

// pollLogs is how often news are asked for.
const pollLogs = 2 * time.Second

// repeat repeats a step until the command is interrupted, which is how it is meant to end; once without --follow.
func repeat(ctx *cli.Context, step func() error) error {
	for {
		err := step()
		if !ctx.Bool("follow") || err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pollLogs):
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil
		}
	}
}
