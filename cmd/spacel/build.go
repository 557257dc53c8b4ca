package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/compiler"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/schema/report"
)

const buildDescription = `Without an APP the orbit's own stacks are made, with one or more those of the apps; --with-orbit makes both.
An APP is a manifest, a project's directory with .space in it, or - for standard input.

The directory is replaced as a whole when all is well, and is as it was when not.

   spacel build --orbit orbit.json                        the orbit: vpc, tables, bastion
   spacel build --orbit orbit.json laika.json             an app
   spacel build --orbit orbit.json laika.json --check     is build/ what these manifests give?
   generate | spacel build --orbit orbit.json -           an app from standard input`

func buildCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "build",
		Usage:       "compile manifests into an artifact directory",
		ArgsUsage:   "[APP...]",
		Description: buildDescription,
		Flags: append(manifestFlags(true),
			&cli.StringFlag{Name: "out", Usage: "the artifact `DIR`", Value: "build", TakesFile: true},
			&cli.BoolFlag{Name: "check", Usage: "write nothing: exit with 1 and a diff when DIR is not what the manifests give",
				DisableDefaultText: true},
		),
		Action: func(ctx *cli.Context) error {
			r, err := newRequest(ctx, ctx.String("orbit"), ctx.Args().Slice())
			if err != nil {
				return err
			}
			if ctx.Bool("check") {
				return runCheck(c, ctx, r, ctx.String("out"))
			}
			return runBuild(c, ctx, r, ctx.String("out"))
		},
	}, "text", "json")
}

func runBuild(c *console, ctx *cli.Context, r request, out string) error {
	found := &report.Report{}
	stacks, err := r.write(ctx.Context, c, found, out)
	if err := c.finish(ctx, found, out, stacks, err); err != nil || ctx.Bool("quiet") || ctx.String("output") == "json" {
		return err
	}
	printStacks(c.out, out, stacks)
	return c.out.err
}

// write builds into a directory.
func (r request) write(ctx context.Context, c *console, found *report.Report, out string) (stacks []builtStack, err error) {
	var writer *assembly.Writer
	defer func() {
		if writer != nil {
			err = errors.Join(err, writer.Abort())
		}
	}()
	stacks, err = r.compile(ctx, c, found, func(orbit string) (compiler.Sink, error) {
		var err error
		writer, err = assembly.NewWriter(out, orbit)
		return writer, err
	})
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return stacks, writer.Close()
}

// printStacks prints the stacks that a build wrote, with their templates.
func printStacks(w io.Writer, out string, stacks []builtStack) {
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

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func trimSlash(dir string) string {
	for len(dir) > 1 && dir[len(dir)-1] == '/' {
		dir = dir[:len(dir)-1]
	}
	return dir
}
