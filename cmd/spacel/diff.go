package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/diff"
	"github.com/pebble/spacel/schema/report"
)

const diffDescription = `Compares two artifact directories, or one directory with manifests: per stack, resource and property, with the
action that CloudFormation would take. It needs neither network nor account. With --live it compares the deployed stacks
with a directory.

   spacel diff old/ build/
   spacel diff build/ --orbit orbit.json laika.json
   spacel diff old/ build/ --output markdown > comment.md
   spacel diff old/ build/ --exit-code     0 no differences, 1 differences, 2 error
   spacel diff --live build/               drift: deployed stacks against the directory; notes newer images and agents

Without --orbit, and with one directory, SPACEL_ORBIT in the environment is the orbit.
With --exit-code, mistakes in manifests exit with 2, so that 1 means differences and nothing else.`

// diffCommand compares artifacts with package compiler/diff. The three kinds of comparison differ in the origin of the two
// sides: two directories, a directory and manifests, or AWS and a directory.
func diffCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "diff",
		Usage:       "show changes, and the actions CloudFormation would take",
		ArgsUsage:   "OLD NEW | DIR --orbit FILE [APP...] | --live DIR",
		Description: diffDescription,
		Flags: slices.Concat(manifestFlags(false), []cli.Flag{
			&cli.BoolFlag{Name: "exit-code", Usage: "exit with 1 when there are differences", DisableDefaultText: true},
		}, liveFlags()),
		Action: func(ctx *cli.Context) error { return runDiff(c, ctx) },
	}, "text", "markdown", "json")
}

// runDiff prints the differences. Mistakes in manifests exit with 2 under --exit-code, as a script would take 1 for "there
// are differences".
func runDiff(c *console, ctx *cli.Context) error {
	d, err := compareSides(c, ctx)
	if errors.Is(err, errNo) && ctx.Bool("exit-code") {
		return errSilent
	}
	if err != nil {
		return err
	}
	if err := printDiff(c, ctx, d); err != nil {
		return err
	}
	if ctx.Bool("exit-code") && !d.Equal {
		return errNo
	}
	return nil
}

// compareSides reads or builds the two sides and compares them, in the regions chosen by --region.
func compareSides(c *console, ctx *cli.Context) (*diff.Diff, error) {
	if err := checkLive(ctx); err != nil {
		return nil, err
	}
	if ctx.Bool("live") {
		return compareLive(c, ctx)
	}
	orbit, err := diffOrbit(ctx)
	if err != nil {
		return nil, err
	}
	old, err := assembly.Read(ctx.Args().First())
	if err != nil {
		return nil, err
	}
	defer old.Close()
	// Both sides are narrowed: a region on one side only would be shown as created or deleted.
	narrowed := old.Only(inRegions(ctx.StringSlice("region")))
	if orbit != "" {
		return compareWithManifests(c, ctx, narrowed, orbit)
	}
	now, err := assembly.Read(ctx.Args().Get(1))
	if err != nil {
		return nil, err
	}
	defer now.Close()
	return diff.Compare(narrowed, now.Only(inRegions(ctx.StringSlice("region"))))
}

// diffOrbit returns the orbit's manifest when the directory is compared with manifests, else "". SPACEL_ORBIT counts only
// with one directory: with two it would be unclear which comparison is meant.
func diffOrbit(ctx *cli.Context) (string, error) {
	orbit := ctx.String("orbit")
	switch {
	case ctx.NArg() == 0:
		return "", fmt.Errorf("%s takes two artifact directories, or one and --orbit; see %s -h", ctx.Command.HelpName,
			ctx.Command.HelpName)
	case orbit == "" && ctx.NArg() == 1:
		if orbit = os.Getenv("SPACEL_ORBIT"); orbit == "" {
			return "", fmt.Errorf("%s: compare with what? Give a second directory, or manifests with --orbit", ctx.Command.HelpName)
		}
	case orbit == "" && (ctx.Bool("with-orbit") || ctx.Bool("strict")):
		return "", fmt.Errorf("%s: --with-orbit and --strict are for manifests: name the orbit's with --orbit", ctx.Command.HelpName)
	case orbit == "":
		return "", exactly(ctx, 2, "two artifact directories")
	}
	return orbit, nil
}

// inRegions returns a filter for the stacks of --region. An empty list keeps all.
func inRegions(regions []string) func(assembly.Stack) bool {
	return func(s assembly.Stack) bool { return len(regions) == 0 || slices.Contains(regions, s.Region) }
}

// compareWithManifests compares a directory with a build of the manifests in memory.
func compareWithManifests(c *console, ctx *cli.Context, old *assembly.Assembly, orbit string) (*diff.Diff, error) {
	r, err := newRequest(ctx, orbit, ctx.Args().Tail())
	if err != nil {
		return nil, err
	}
	found := &report.Report{}
	now, _, err := r.inMemory(ctx.Context, c, found, old)
	if err != nil {
		return nil, c.finish(ctx, found, "", nil, err)
	}
	printProblems(c.stderr, found, ctx.Bool("quiet"))
	return diff.Compare(old, now)
}

// printDiff prints the differences in the form of --output. --quiet prints only the forms for programs.
func printDiff(c *console, ctx *cli.Context, d *diff.Diff) error {
	switch ctx.String("output") {
	case "json":
		return diff.JSON(c.out, d)
	case "markdown":
		return diff.Markdown(c.out, d)
	}
	if ctx.Bool("quiet") {
		return nil
	}
	return diff.Text(c.out, d, c.colour(ctx))
}
