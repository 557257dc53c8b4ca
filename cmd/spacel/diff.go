package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/review"
	"github.com/pebble/spacel/schema/report"
)

const diffDescription = `Compares two artifact directories, or one directory with manifests: per stack, resource and property, with the
action that CloudFormation would take. It needs neither network nor account. With --live it compares the deployed stacks
with a directory. Without arguments it compares the project's directory with its manifests, see spacel build -h.

   spacel diff             what changes when I build?
   spacel diff old/ build/
   spacel diff build/ --orbit orbit.json laika.json
   spacel diff old/ build/ --output markdown > comment.md
   spacel diff old/ build/ --exit-code     0 no differences, 1 differences, 2 error
   spacel diff --live build/               drift: deployed stacks against the directory; notes newer images and agents

Without --orbit, and with one directory, the manifests are those of SPACEL_ORBIT in the environment, or of the project.
With --exit-code, mistakes in manifests exit with 2, so that 1 means differences and nothing else.`

// diffCommand compares artifacts with package compiler/diff. The three kinds of comparison differ in the origin of the two
// sides: two directories, a directory and manifests, or AWS and a directory.
func diffCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "diff",
		Usage:       "show changes, and the actions CloudFormation would take",
		ArgsUsage:   "[OLD NEW | DIR [--orbit FILE [APP...]] | --live [DIR]]",
		Description: diffDescription,
		Flags: slices.Concat(manifestFlags(false), []cli.Flag{
			&cli.BoolFlag{Name: "exit-code", Usage: "exit with 1 when there are differences", DisableDefaultText: true},
		}, liveFlags()),
		Action: func(ctx *cli.Context) error { return runDiff(c, ctx) },
	}, "text", "markdown", "json", "github", "sarif")
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
func compareSides(c *console, ctx *cli.Context) (*review.Review, error) {
	if err := checkLive(ctx); err != nil {
		return nil, err
	}
	if ctx.Bool("live") {
		return compareLive(c, ctx)
	}
	with, err := diffWith(c, ctx)
	if err != nil {
		return nil, err
	}
	old, err := readOrEmpty(c, ctx, with.old)
	if err != nil {
		return nil, err
	}
	defer old.Close()
	return compareWith(c, ctx, old, with)
}

// compareWith compares the old side with the new one, which is read or built. Both are narrowed to --region: a region on one side only
// would be shown as created or deleted.
func compareWith(c *console, ctx *cli.Context, old *assembly.Assembly, with sides) (*review.Review, error) {
	narrowed := old.Only(inRegions(ctx.StringSlice("region")))
	if with.manifests != nil {
		return compareWithManifests(c, ctx, narrowed, *with.manifests)
	}
	now, err := assembly.Read(with.now)
	if err != nil {
		return nil, err
	}
	defer now.Close()
	return compareArtifacts(ctx, narrowed, now.Only(inRegions(ctx.StringSlice("region"))))
}

// sides are the two sides of a comparison: a directory, and another directory or manifests.
type sides struct {
	old, now  string
	manifests *request
}

// diffWith finds the two sides. Without --orbit, two arguments are directories. One directory is compared with the manifests of
// SPACEL_ORBIT or of the project. Without arguments the directory is the project's, too.
func diffWith(c *console, ctx *cli.Context) (sides, error) {
	orbit, first := ctx.String("orbit"), ctx.Args().First()
	var apps []string
	switch {
	case orbit != "":
		apps = ctx.Args().Tail()
	case ctx.NArg() > 1 && (ctx.Bool("with-orbit") || ctx.Bool("strict")):
		return sides{}, fmt.Errorf("%s: --with-orbit and --strict are for manifests: name the orbit's with --orbit", ctx.Command.HelpName)
	case ctx.NArg() > 1:
		return sides{old: first, now: ctx.Args().Get(1)}, exactly(ctx, 2, "two artifact directories")
	default:
		if orbit = os.Getenv(orbitVariable); orbit == "" {
			if _, err := c.needProject(ctx, "compare with what? Give a second directory, or manifests with --orbit"); err != nil {
				return sides{}, err
			}
		}
	}
	r, err := newRequest(c, ctx, orbit, apps)
	if err != nil {
		return sides{}, err
	}
	// The project's directory stands in for a missing argument.
	if first = cmp.Or(first, r.out); first == "" {
		return sides{}, fmt.Errorf("%s takes two artifact directories, or one and --orbit; see %s -h", ctx.Command.HelpName,
			ctx.Command.HelpName)
	}
	return sides{old: first, manifests: &r}, nil
}

// inRegions returns a filter for the stacks of --region. An empty list keeps all.
func inRegions(regions []string) func(assembly.Stack) bool {
	return func(s assembly.Stack) bool { return len(regions) == 0 || slices.Contains(regions, s.Region) }
}

// compareWithManifests compares a directory with a build of the manifests in memory. Assets of the directory are used again, so the
// build keeps only new ones in memory.
func compareWithManifests(c *console, ctx *cli.Context, old *assembly.Assembly, r request) (*review.Review, error) {
	found := &report.Report{}
	now, _, err := r.inMemory(ctx.Context, c, found, old)
	if err != nil {
		return nil, c.finish(ctx, found, "", nil, err)
	}
	printProblems(c.stderr, found, ctx.Bool("quiet"))
	return compareArtifacts(ctx, old, now)
}

// printDiff prints the differences in the form of --output. --quiet prints only the forms for programs.
func printDiff(c *console, ctx *cli.Context, d *review.Review) error {
	switch ctx.String("output") {
	case "json":
		return review.JSON(c.out, d)
	case "markdown":
		return review.Markdown(c.out, d)
	case "github", "sarif":
		var summary strings.Builder
		if err := review.Markdown(&summary, d); err != nil {
			return err
		}
		return c.printAnnotations(ctx.String("output"), reviewAnnotations(d), summary.String())
	}
	if ctx.Bool("quiet") {
		return nil
	}
	return review.Text(c.out, d, c.colour(ctx))
}
