package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/compiler"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

const buildDescription = `Without arguments it builds the project in the working directory: the orbit's own stacks and all apps.
A project is orbit.yaml with app.yaml (or .json, .cue), or a project file, spacel.yaml, that names the manifests:

   orbit: production.yaml
   manifests: [web.yaml, worker.yaml]
   out: build

With APPs it builds the stacks of those apps only, and with --with-orbit the orbit's own, too. With --orbit and no APP it
builds the orbit's own stacks. An APP is a manifest, a CUE package (DIR or DIR:package), an app or
an object of apps inside of one (FILE#path), a directory with .space in it, or - for standard input.

The output directory is replaced as a whole when the build succeeds. A build of the whole project is complete: other stacks leave the
directory, and are listed. A build of some APPs or regions keeps the others, if they were made from the same orbit manifest. Otherwise it
fails: build all. When the build fails, the directory stays unchanged.

   spacel build                                           the whole project
   spacel build --check                                   does build/ match the project?
   spacel build --orbit orbit.json                        the orbit: vpc, tables, bastion
   spacel build --orbit orbit.json laika.json             an app
   generate | spacel build --orbit orbit.json -           an app from standard input`

// buildCommand compiles manifests (schema.Load, compiler.Compile) into an artifact directory (assembly.Writer). It is the
// only command that writes one, and needs neither network nor account.
func buildCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "build",
		Usage:       "compile manifests into an artifact directory",
		ArgsUsage:   "[APP...]",
		Description: buildDescription,
		Flags: append(manifestFlags(true),
			policyFlag(),
			&cli.StringFlag{Name: "out", Usage: "the artifact `DIR`", Value: "build", TakesFile: true},
			&cli.BoolFlag{Name: "check", Usage: "write nothing: exit with 1 and a diff when DIR does not match the manifests",
				DisableDefaultText: true},
		),
		Action: func(ctx *cli.Context) error {
			r, err := newRequest(c, ctx, ctx.String("orbit"), ctx.Args().Slice())
			if err != nil {
				return err
			}
			out := ctx.String("out")
			// A flag comes before the project file, and the project file before the default of the flag.
			if !ctx.IsSet("out") {
				out = cmp.Or(r.out, out)
			}
			if ctx.Bool("check") {
				return runCheck(c, ctx, r, out)
			}
			return runBuild(c, ctx, r, out)
		},
	}, "text", "json", "github", "sarif")
}

// runBuild builds and prints the stacks with their templates. Mistakes in the manifests are printed by finish.
func runBuild(c *console, ctx *cli.Context, r request, out string) error {
	found := &report.Report{}
	// The stacks of the old directory are read first: write replaces it.
	before := stacksIn(out)
	keeper := newKeeper(r, out)
	stacks, err := r.write(ctx.Context, c, found, out, keeper)
	err = errors.Join(err, keeper.close())
	gone := leftOut(before, stacks, keeper.kept)
	if err == nil && ctx.String("output") == "json" {
		return c.printJSON(result{OK: true, Problems: problems(found), Out: out, Stacks: stacks, LeftOut: gone, Kept: keeper.names()})
	}
	if err := c.finish(ctx, found, out, stacks, err); err != nil || ctx.Bool("quiet") || ctx.String("output") != "text" {
		return err
	}
	printStacks(c.out, out, stacks)
	c.printKept(out, keeper.names())
	if len(gone) > 0 {
		fmt.Fprintf(c.stderr, "left out of %s/ now: %s\n", trimSlash(out), strings.Join(gone, ", "))
	}
	return c.out.err
}

// write compiles into a directory. The writer works in a temporary directory beside it, and Close exchanges the two:
// the old directory survives an interrupt or an error at any point. Abort after Close does nothing.
//
// The keeper passes stacks of the old directory on, after the manifests' own stacks are known to have no mistakes.
func (r request) write(ctx context.Context, c *console, found *report.Report, out string, keeper *keeper) (stacks []builtStack, err error) {
	var model *schema.Model
	var writer *assembly.Writer
	defer func() {
		if writer != nil {
			err = errors.Join(err, writer.Abort())
		}
	}()
	// The writer is opened inside compile, after the manifests have been checked.
	stacks, err = r.compile(ctx, c, found, func(loaded *schema.Model) (compiler.Sink, error) {
		model = loaded
		var err error
		if writer, err = assembly.NewWriter(out, model.Orbit.Name); err == nil {
			writer.From(originOf(model.Orbit))
			writer.Of(ownerOf(model.Orbit))
		}
		return writer, err
	})
	if err != nil {
		return nil, err
	}
	if err := keeper.keep(writer, model); err != nil {
		return nil, err
	}
	// After an interrupt the old directory stays, even if all files have been written.
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return stacks, writer.Close()
}

// printStacks prints the stacks of a build, with their templates.
func printStacks(w io.Writer, out string, stacks []builtStack) {
	// The columns are as wide as their longest entry, over all regions.
	name, count := 0, 0
	for _, s := range stacks {
		name, count = max(name, len(s.Name)), max(count, len(plural(s.Resources, "resource")))
	}
	fmt.Fprintf(w, "%s/\n", trimSlash(out))
	region := ""
	for _, s := range stacks {
		if s.Region != region {
			region = s.Region
			fmt.Fprintf(w, "  %s\n", region)
		}
		fmt.Fprintf(w, "    %-*s  %*s  %s\n", name, s.Name, count, plural(s.Resources, "resource"), s.Template)
	}
}

// plural writes a count with its noun: 1 stack, 2 stacks. All nouns used here take an s.
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// trimSlash drops slashes at the end of a path, but not the path / itself.
func trimSlash(dir string) string {
	for len(dir) > 1 && dir[len(dir)-1] == '/' {
		dir = dir[:len(dir)-1]
	}
	return dir
}
