package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/diff"
	"github.com/pebble/spacel/compiler/review"
	"github.com/pebble/spacel/schema/report"
)

// checkResult is what --check --output json prints: a build's result, and the differences unless there are mistakes.
type checkResult struct {
	result
	Clean       bool           `json:"clean"`
	Stale       int            `json:"stale"`             // resources whose place in sourcemap.json is out of date
	MadeBy      string         `json:"madeBy,omitempty"`  // that another version of spacel made the directory
	Reasons     []string       `json:"reasons,omitempty"` // why the directory cannot be compared
	Differences *review.Review `json:"differences,omitempty"`
}

// runCheck compares a directory with a build of the manifests in memory. Besides the templates it compares the
// source map: reformatting a manifest moves the lines named in errors of deploy, although no template differs.
func runCheck(c *console, ctx *cli.Context, r request, out string) error {
	base, invalid, err := readBase(out)
	if err != nil {
		return err
	}
	if base != nil {
		defer base.Close()
	}
	found := &report.Report{}
	built, stacks, err := r.inMemory(ctx.Context, c, found, base)
	if err != nil {
		return c.finish(ctx, found, out, nil, err)
	}
	var note string
	if base != nil {
		note = otherVersion(base.Manifest.MadeBy, built.Manifest.MadeBy)
		base = r.madeOf(base, built)
	}
	result := checkResult{MadeBy: note, result: result{OK: true, Problems: problems(found), Out: out, Stacks: stacks}, Reasons: invalid}
	if base != nil {
		if result.Differences, err = review.Compare(base, built); err != nil {
			return err
		}
		if result.Stale, err = diff.Stale(base, built); err != nil {
			return err
		}
		// A directory that cannot be compared (base is nil) stays unclean.
		result.Clean = result.Differences.Equal && result.Stale == 0
	}
	return printCheck(c, ctx, found, result)
}

// readBase reads the directory to check. When it is missing or invalid the answer to --check is no rather than an error:
// the reasons are returned, and a build repairs it.
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

// printCheck prints the result of a check, and returns errNo unless the directory matches.
func printCheck(c *console, ctx *cli.Context, found *report.Report, r checkResult) error {
	answer := errNo
	if r.Clean {
		answer = nil
	}
	if ctx.String("output") == "json" {
		return errors.Join(c.printJSON(r), answer)
	}
	if form := ctx.String("output"); annotates(form) {
		all := append(problemAnnotations(found, ctx.Bool("quiet")), staleAnnotations(r)...)
		return errors.Join(c.printAnnotations(form, all, problemSummary(ctx.Command.HelpName+" --check", all)), answer)
	}
	printProblems(c.stderr, found, ctx.Bool("quiet"))
	if r.Clean {
		if !ctx.Bool("quiet") {
			fmt.Fprintf(c.out, "%s matches the manifests\n", trimSlash(r.Out))
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
		if err := review.Text(c.out, r.Differences, c.colour(ctx)); err != nil {
			return err
		}
	}
	if r.MadeBy != "" {
		fmt.Fprintf(c.stderr, "%s: %s, which may make other templates of the same manifests: build with one version in a commit of "+
			"its own, or use that version here; CHANGELOG.md says which templates a version changes\n", trimSlash(r.Out), r.MadeBy)
	}
	// This is the case in CI: somebody changed a manifest and forgot to commit the new build.
	fmt.Fprintf(c.stderr, "%s does not match the manifests: run spacel build without --check, and commit the result\n", trimSlash(r.Out))
	return errNo
}

// colour reports whether to print in colours: standard output is a terminal, and neither NO_COLOR nor --no-color is set.
func (c *console) colour(ctx *cli.Context) bool { return c.terminal && !ctx.Bool("no-color") }

// otherVersion says that another version of spacel made a directory, "" if it was this one.
func otherVersion(old, now string) string {
	if old == now {
		return ""
	}
	return madeBy(old, now)
}

// madeOf returns the part of a directory that this request makes: the check of one app says nothing about the others.
func (r request) madeOf(base, built *assembly.Assembly) *assembly.Assembly {
	if r.whole && len(r.regions) == 0 {
		return base
	}
	var apps []string
	for _, s := range built.Manifest.Stacks {
		apps = append(apps, s.App)
	}
	return base.Only(func(s assembly.Stack) bool { return r.makes(s, apps) })
}
