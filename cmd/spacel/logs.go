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

const logsDescription = `The boot log shows how an instance started, or why it did not. It is kept when a stack fails. The docker log is the
output of containers (logging.docker in the manifest). The deploy log is the agent's own log (logging.deploy). Lines of
all regions are merged in order of time. Lines that are JSON objects are printed as words; --raw prints them as they are.

--query runs a query of CloudWatch Logs Insights in all regions and merges the rows. CloudWatch bills for the bytes that it
reads.

   spacel logs laika --orbit production                          the boot log of the last hour
   spacel logs laika --orbit production --docker --follow
   spacel logs laika --orbit production --docker --since 24h --filter ERROR
   spacel logs laika --orbit production --docker --lines 20
   spacel logs laika --orbit production --docker --query 'stats count() by bin(5m)'
   spacel logs --bastion --orbit production`

// logsCommand prints log lines with package deploy/logs. --filter is passed to CloudWatch Logs, which applies it on its side.
func logsCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "logs",
		Usage:       "print the logs of an app's instances",
		ArgsUsage:   "[APP]",
		Description: logsDescription,
		Flags: append(targetFlags(),
			&cli.BoolFlag{Name: "docker", Usage: "the output of containers", DisableDefaultText: true},
			&cli.BoolFlag{Name: "deploy", Usage: "the agent's own log", DisableDefaultText: true},
			&cli.BoolFlag{Name: "bastion", Usage: "the boot log of the orbit's bastions", DisableDefaultText: true},
			&cli.StringFlag{Name: "filter", Usage: "only lines that match this filter `PATTERN` of CloudWatch Logs"},
			&cli.StringFlag{Name: "query", Usage: "run this `QUERY` of CloudWatch Logs Insights"},
			&cli.IntFlag{Name: "lines", Aliases: []string{"n"}, Usage: "print the last `N` lines only", DefaultText: "all"},
			&cli.BoolFlag{Name: "raw", Usage: "print lines of JSON as they are", DisableDefaultText: true},
			sinceFlag(time.Hour), followFlag(),
		),
		Action: func(ctx *cli.Context) error {
			if err := checkLogFlags(ctx); err != nil {
				return err
			}
			to, groups, err := findLogGroups(c, ctx)
			if err != nil {
				return err
			}
			from, err := since(ctx)
			if err != nil {
				return err
			}
			if query := ctx.String("query"); query != "" {
				return printQuery(c, ctx, to, groups, from, query)
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

// sinceFlag is the flag --since of logs and events, with a default that differs between them.
func sinceFlag(value time.Duration) cli.Flag {
	return &cli.DurationFlag{Name: "since", Usage: "go back this `TIME`, such as 30m or 24h", Value: value}
}

// since returns the time from which on lines are printed: --since before now.
func since(ctx *cli.Context) (time.Time, error) {
	back := ctx.Duration("since")
	if back <= 0 {
		return time.Time{}, fmt.Errorf("%s: --since must be a time to go back, such as 30m or 24h, got %s", ctx.Command.HelpName, back)
	}
	return time.Now().Add(-back), nil
}

// spoken returns a time as it follows "the last": hour, 24 hours, 5 minutes. A time of less than
// a second stays as Go writes it.
func spoken(d time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		switch {
		case d == unit.length:
			return unit.name
		case d%unit.length == 0:
			return plural(int(d/unit.length), unit.name)
		}
	}
	return d.String()
}

// followFlag is the flag --follow of logs and events: the command then runs until Ctrl-C.
func followFlag() cli.Flag {
	return &cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "continue until interrupted", DisableDefaultText: true}
}

// logKind returns the log chosen by the flags. The boot log is the default: every app has one.
func logKind(ctx *cli.Context) (logs.Kind, error) {
	// At most one flag may be set, so the order of the map does not matter.
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

// findLogGroups finds the log groups of an app, or of the bastions, in all regions. An app without such a log and an unknown app
// get different messages, because their fixes differ.
func findLogGroups(c *console, ctx *cli.Context) (*target, []logs.Group, error) {
	kind, err := logKind(ctx)
	if err != nil {
		return nil, nil, err
	}
	// Bastions belong to the orbit and to no app. An empty app stands for them from here on.
	app, arguments, want := ctx.Args().First(), 1, "the app's name"
	if ctx.Bool("bastion") {
		app, arguments, want = "", 0, "no app with --bastion"
	}
	if err := exactly(ctx, arguments, want); err != nil {
		return nil, nil, err
	}
	to, err := findTarget(c, ctx, toRead)
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

// groups returns the log groups of one kind, at most one a region. Regions without one are left out.
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

// noteNothingLogged explains an empty result: the lines are older than --since, or the app's name is misspelt. The name is
// checked only here and not before reading, because the boot log of an app outlives its stack.
func noteNothingLogged(c *console, ctx *cli.Context, to *target) error {
	if app := ctx.Args().First(); app != "" {
		if err := to.checkApp(ctx.Context, app); err != nil {
			return err
		}
	}
	if !ctx.Bool("quiet") {
		fmt.Fprintf(c.stderr, "no log lines in the last %s; use --since to go back further\n", spoken(ctx.Duration("since")))
	}
	return nil
}

// printLogs prints the lines since --since, and with --follow continues with new ones.
func printLogs(c *console, ctx *cli.Context, reader *logs.Reader) (printed bool, err error) {
	err = repeat(ctx, func() error {
		lines, err := reader.Next(ctx.Context)
		// With --follow an empty result needs no explanation: lines may still come.
		// Of --lines only the first read has more than is asked for: what comes later is new.
		if n := ctx.Int("lines"); n > 0 && !printed {
			lines = lines[max(0, len(lines)-n):]
		}
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

// printLogLine prints a line with its time, region, and stream without the app's name: the instance, then the container.
func printLogLine(c *console, ctx *cli.Context, line logs.Line) error {
	if ctx.String("output") == "json" {
		jsonLine(c.out, line)
		return c.out.err
	}
	// A stream's name is the app, a slash, the instance, and for containers a slash and their name. All lines are of one app,
	// so its name is cut off.
	stream := strings.TrimPrefix(line.Stream, document.BootStreamPrefix(ctx.Args().First()))
	message := line.Message
	if !ctx.Bool("raw") {
		message = logs.Readable(message)
	}
	_, err := fmt.Fprintf(c.out, "%s %s %s %s\n", line.Time.Format(time.RFC3339), line.Region, stream, printable(message))
	return err
}

// pollLogs is the pause between two reads of --follow.
const pollLogs = 2 * time.Second

// repeat runs a step once, or with --follow until the command is interrupted. The interrupt is the expected end and no
// error, even if it cancelled the step's call.
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
