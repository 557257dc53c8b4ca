package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/agent/lock"
	"github.com/pebble/spacel/deploy/tasks"
)

const tasksDescription = `Lists the release tasks of an app that instances have run, with the version, the end and the instance of each.

STATE is done, failed, running, or unknown: the instance died or was cut off while it ran the task. spacel does not repeat
such a task by itself. Find out whether it ended well, from its log (spacel logs) and from the database. Then say so:

   spacel tasks shop --orbit production                         how did they end?
   spacel tasks shop --orbit production --mark migrate=done     it ended well: do not run it again
   spacel tasks shop --orbit production --mark migrate=failed   the next spacel deploy runs it again

--version chooses the version when several of them have no known end.`

// The list is the table's content, not a computation from a build: the command works without a directory, and shows tasks of versions that
// were rolled back, and these are the ones with a problem. The scan reads all locks of a region, also locks of jobs: a few megabytes
// at most, as they are deleted after 90 days.

// tasksCommand lists release tasks, and takes a person's word for the end of one.
func tasksCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "tasks",
		Usage:       "list the release tasks of an app, or say how one ended",
		ArgsUsage:   "[APP]",
		Description: tasksDescription,
		Flags: append(targetFlags(),
			&cli.StringFlag{Name: "mark", Usage: "write how a task ended: `TASK=END`, with done or failed for the end"},
			&cli.StringFlag{Name: "version", Usage: "the `VERSION` of the task to mark"}),
		Action: func(ctx *cli.Context) error {
			if err := exactly(ctx, 1, "the app's name"); err != nil {
				return err
			}
			name, end, err := parseMark(ctx)
			if err != nil {
				return err
			}
			to, err := findTarget(c, ctx, purpose(name != ""))
			if err != nil {
				return err
			}
			found, err := to.tasks(ctx.Context, ctx.Args().First())
			if err != nil {
				return err
			}
			if name != "" {
				return markTask(c, ctx, to, found, name, end)
			}
			return printTasks(c, ctx, found)
		},
	}, "text", "json")
}

// parseMark reads --mark.
func parseMark(ctx *cli.Context) (name string, end lock.State, err error) {
	text := ctx.String("mark")
	if text == "" {
		if ctx.IsSet("version") {
			err = errors.New("--version works only with --mark")
		}
		return "", "", err
	}
	name, word, _ := strings.Cut(text, "=")
	if end = lock.State(word); name == "" || end != lock.Done && end != lock.Failed {
		return "", "", fmt.Errorf("--mark must be TASK=done or TASK=failed, got %q", text)
	}
	return name, end, nil
}

// tasks returns the app's tasks in all regions of the target. An app without any is checked, since its name may be misspelt.
func (t *target) tasks(ctx context.Context, app string) ([]tasks.Task, error) {
	var all []tasks.Task
	for _, region := range t.Regions {
		found, err := tasks.List(ctx, t.Cloud.Region(region), t.Orbit, app)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	if len(all) == 0 {
		return nil, t.checkApp(ctx, app)
	}
	return all, nil
}

// printTasks prints a table, or JSON.
func printTasks(c *console, ctx *cli.Context, found []tasks.Task) error {
	if ctx.String("output") == "json" {
		if found == nil {
			found = []tasks.Task{}
		}
		return c.printJSON(found)
	}
	if len(found) == 0 {
		if !ctx.Bool("quiet") {
			fmt.Fprintf(c.stderr, "no instance of app %s has run a release task\n", ctx.Args().First())
		}
		return nil
	}
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TASK\tVERSION\tREGION\tSTATE\tINSTANCE\tNOTE")
	for _, t := range found {
		state := string(t.State)
		if t.IsOpen() {
			state = string(lock.Unknown)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", printable(t.Name), printable(t.Version), t.Region, state, cmp.Or(t.Instance, "-"),
			printable(cmp.Or(t.Note, "-")))
	}
	return cmp.Or(table.Flush(), c.out.err)
}

// The word of a person is needed where no program can know: an instance that died in the middle of a migration may have changed half of
// a table. "done" keeps every later instance from running the task. "failed" has the next deploy give the lock back, which says so in its
// plan. The note keeps the former one, for later readers of the list.

// markTask writes how a task ended. A task that ended well stays as it is, and so does one that runs.
func markTask(c *console, ctx *cli.Context, to *target, found []tasks.Task, name string, end lock.State) error {
	of := slices.DeleteFunc(slices.Clone(found), func(t tasks.Task) bool {
		return t.Name != name || ctx.IsSet("version") && t.Version != ctx.String("version")
	})
	if len(of) == 0 {
		return fmt.Errorf("no instance has run a task %s%s%s", name, prefixedVersion(ctx.String("version")),
			suggestion(name, taskNames(found)))
	}
	open := slices.DeleteFunc(slices.Clone(of), func(t tasks.Task) bool {
		return !t.IsOpen() && !(t.State == lock.Failed && end == lock.Done)
	})
	if len(open) == 0 {
		last := of[len(of)-1]
		return no(fmt.Sprintf("the task %s of version %s is %s: there is nothing to say about it", name, last.Version, last.State))
	}
	for _, t := range open[1:] {
		if t.Version != open[0].Version {
			return fmt.Errorf("the task %s has no known end for the versions %s and %s: choose one with --version", name, open[0].Version,
				t.Version)
		}
	}
	for _, t := range open {
		note := fmt.Sprintf("marked %s by a person at %s, in place of: %s", end, time.Now().UTC().Format(time.RFC3339), t.Problem())
		if err := tasks.Mark(ctx.Context, to.Cloud.Region(t.Region), to.Orbit, t, end, note); err != nil {
			return err
		}
		if !ctx.Bool("quiet") {
			fmt.Fprintf(c.stderr, "the task %s of version %s in %s counts as %s\n", t.Name, t.Version, t.Region, end)
		}
	}
	return nil
}

// prefixedVersion returns words for a version, "" without one.
func prefixedVersion(version string) string {
	if version == "" {
		return ""
	}
	return " for version " + version
}

// taskNames returns the names of tasks.
func taskNames(found []tasks.Task) []string {
	var names []string
	for _, t := range found {
		names = append(names, t.Name)
	}
	return names
}
