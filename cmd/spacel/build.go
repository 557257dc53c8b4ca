package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/compiler"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/diff"
	"github.com/pebble/spacel/schema"
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
			&cli.BoolFlag{Name: "check", Usage: "write nothing: exit with 1 and a diff when DIR is not what the manifests give", DisableDefaultText: true},
		),
		Action: func(ctx *cli.Context) error {
			r, err := newRequest(ctx, ctx.String("orbit"), ctx.Args().Slice())
			if err != nil {
				return err
			}
			if ctx.Bool("check") {
				return c.check(ctx, r, ctx.String("out"))
			}
			return c.build(ctx, r, ctx.String("out"))
		},
	}, "text", "json")
}

func (c *console) build(ctx *cli.Context, r request, out string) error {
	report := &schema.Report{}
	stacks, err := r.write(ctx.Context, c, report, out)
	if err := c.finish(ctx, report, out, stacks, err); err != nil || ctx.Bool("quiet") || ctx.String("output") == "json" {
		return err
	}
	return c.tree(out, stacks)
}

// write builds into a directory.
func (r request) write(ctx context.Context, c *console, report *schema.Report, out string) (stacks []made, err error) {
	var writer *assembly.Writer
	defer func() {
		if writer != nil {
			err = errors.Join(err, writer.Abort())
		}
	}()
	stacks, err = r.compile(ctx, c, report, func(orbit string) (compiler.Sink, error) {
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

// tree prints what was made.
func (c *console) tree(out string, stacks []made) error {
	name, count := 0, 0
	for _, s := range stacks {
		name, count = max(name, len(s.Name)), max(count, len(plural(s.Resources, "resource")))
	}
	fmt.Fprintf(c.out, "%s/\n", trimSlash(out))
	region := ""
	for _, s := range stacks {
		if s.Region != region {
			region = s.Region
			fmt.Fprintf(c.out, "  %s\n", region)
		}
		fmt.Fprintf(c.out, "    %-*s  %*s  %s\n", name, s.Name, count, plural(s.Resources, "resource"), s.Template)
	}
	return c.out.err
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

// checked is what --check --output json prints: a build's result, and the differences unless there are mistakes.
type checkResult struct {
	result
	Clean       bool       `json:"clean"`
	Stale       int        `json:"stale"`             // resources whose place in sourcemap.json is out of date
	Reasons     []string   `json:"reasons,omitempty"` // why the directory cannot be compared
	Differences *diff.Diff `json:"differences,omitempty"`
}

// check compares a directory with what the manifests give.
func (c *console) check(ctx *cli.Context, r request, out string) error {
	base, unsound, err := readBase(out)
	if err != nil {
		return err
	}
	if base != nil {
		defer base.Close()
	}
	report := &schema.Report{}
	built, stacks, err := r.inMemory(ctx.Context, c, report, base)
	if err != nil {
		return c.finish(ctx, report, out, nil, err)
	}
	result := checkResult{result: result{OK: true, Problems: problems(report), Out: out, Stacks: stacks}, Reasons: unsound}
	if base != nil {
		if result.Differences, err = diff.Compare(base, built); err != nil {
			return err
		}
		if result.Stale, err = diff.Stale(base, built); err != nil {
			return err
		}
		result.Clean = result.Differences.Equal && result.Stale == 0
	}
	return c.verdict(ctx, report, result)
}

// readBase reads the directory to check. One that is missing or unsound is no error but a no, with its reasons.
func readBase(out string) (*assembly.Assembly, []string, error) {
	base, err := assembly.Read(out)
	var invalid *assembly.InvalidError
	switch {
	case errors.As(err, &invalid):
		var reasons []string
		for _, p := range invalid.Problems {
			reasons = append(reasons, trimSlash(out)+"/"+p)
		}
		return nil, reasons, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, []string{out + ": there is no such directory"}, nil
	}
	return base, nil, err
}

// verdict prints the outcome of a check.
func (c *console) verdict(ctx *cli.Context, report *schema.Report, r checkResult) error {
	answer := errNo
	if r.Clean {
		answer = nil
	}
	if ctx.String("output") == "json" {
		return errors.Join(c.json(r), answer)
	}
	c.say(report, ctx.Bool("quiet"))
	if r.Clean {
		if !ctx.Bool("quiet") {
			fmt.Fprintf(c.out, "%s is what the manifests give\n", trimSlash(r.Out))
		}
		return nil
	}
	for _, reason := range r.Reasons {
		fmt.Fprintln(c.stderr, reason)
	}
	if r.Stale > 0 {
		fmt.Fprintf(c.stderr, "%s/sourcemap.json: the places of %s are out of date\n", trimSlash(r.Out), plural(r.Stale, "resource"))
	}
	if r.Differences != nil && !r.Differences.Equal && !ctx.Bool("quiet") {
		if err := diff.Text(c.out, r.Differences, c.colour(ctx)); err != nil {
			return err
		}
	}
	fmt.Fprintf(c.stderr, "%s is not what the manifests give: run spacel build without --check, and commit the result\n", trimSlash(r.Out))
	return errNo
}

func (c *console) colour(ctx *cli.Context) bool { return c.terminal && !ctx.Bool("no-color") }
