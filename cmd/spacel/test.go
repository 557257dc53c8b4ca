package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/policy"
	"github.com/pebble/spacel/schema/report"
)

const testDescription = `Runs the cases of all *_test.cue files in DIR and below. A case names an orbit, an app and a region. It has the
expected parts of the value that spacel eval prints, and of the template. Paths are relative to the file of the case.

   tests: small: {
      orbit: "orbit.yaml", app: "laika.yaml", region: "us-east-1"
      expect: instance_max: <=4
      template: Resources: Asg: Properties: MaxSize: "4"
   }
   tests: typo: {orbit: "orbit.yaml", app: "typo.yaml", region: "us-east-1", error: "unknown field"}`

// testCommand runs tests of manifests. It needs neither network nor account, as a build.
func testCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "test",
		Usage:       "run tests of manifests, written in CUE",
		ArgsUsage:   "[DIR]",
		Description: testDescription,
		Action: func(ctx *cli.Context) error {
			dir, err := directoryOrHere(ctx, "at most one directory")
			if err != nil {
				return err
			}
			return runTests(c, ctx, relative(dir))
		},
	}, "text", "json")
}

// testFile is the result of a *_test.cue file.
type testFile struct {
	File     string     `json:"file"`
	OK       bool       `json:"ok"`
	Problems []problem  `json:"problems"` // mistakes in the file itself
	Tests    []testCase `json:"tests"`
}

// testCase is the result of one case.
type testCase struct {
	Name     string   `json:"name"`
	Place    string   `json:"place"`
	OK       bool     `json:"ok"`
	Failures []string `json:"failures"`
}

// runTests runs all cases and prints a line for each file, and the failures before it.
func runTests(c *console, ctx *cli.Context, dir string) error {
	files, err := testFiles(dir)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("spacel test: there is no *_test.cue file in %s", dir)
	}
	// A file prints as soon as it is done. JSON is one document, so it waits for the last file.
	results, failed := []testFile{}, false
	for _, file := range files {
		result, err := runTestFile(ctx.Context, file)
		if err != nil {
			return err
		}
		results, failed = append(results, result), failed || !result.OK
		if ctx.String("output") == "text" && !(ctx.Bool("quiet") && result.OK) {
			result.print(c)
		}
	}
	if ctx.String("output") == "json" {
		err = c.printJSON(map[string]any{"ok": !failed, "files": results})
	}
	if failed {
		err = errors.Join(err, errNo)
	}
	return err
}

// testFiles lists the *_test.cue files in a directory and below, without hidden directories and cue.mod. WalkDir goes in
// lexical order, so the output is the same in each run. A .space directory is an app's own and may hold tests.
func testFiles(dir string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err // e is nil when dir itself is missing
		}
		name := e.Name()
		switch {
		case e.IsDir() && path != dir && (name == "cue.mod" || strings.HasPrefix(name, ".") && name != ".space"):
			return fs.SkipDir
		case !e.IsDir() && strings.HasSuffix(name, "_test.cue") && !strings.HasPrefix(name, "_") && !strings.HasPrefix(name, "."):
			files = append(files, path)
		}
		return nil
	})
	return files, err
}

// runTestFile runs the cases of a file. The error is for failures outside of the manifests.
func runTestFile(ctx context.Context, file string) (testFile, error) {
	result := testFile{File: filepath.ToSlash(file), Tests: []testCase{}}
	var found report.Report
	cases, err := schema.Cases(file, &found)
	if err != nil {
		return result, err
	}
	result.Problems = problems(&found)
	result.OK = !found.Failed(false)
	for _, one := range cases {
		failures, err := runCase(ctx, one)
		if err != nil {
			return result, fmt.Errorf("%s: %w", one.Pos, err)
		}
		result.OK = result.OK && len(failures) == 0
		result.Tests = append(result.Tests, testCase{one.Name, one.Pos.String(), len(failures) == 0, failures})
	}
	return result, nil
}

// runCase builds the app of a case in memory and returns the differences from its expectations. Mistakes in the manifests are
// failures of the case, and so are missing ones. An error is a failure outside of them.
func runCase(ctx context.Context, one policy.Case) ([]string, error) {
	var found report.Report
	r := request{orbit: one.Orbit, apps: []string{one.App}, regions: []string{one.Region}}
	c := newConsole(strings.NewReader(""), nil, nil)
	asm, _, err := r.inMemory(ctx, c, &found, nil)
	switch {
	case err != nil && !errors.Is(err, errNo) && ctx.Err() != nil:
		return nil, err
	case err != nil && !errors.Is(err, errNo):
		return []string{errorText(err)}, nil // the case names no manifest: other cases may
	case one.Error != "":
		return expectError(one.Error, &found), nil
	case err != nil:
		return append([]string{"the manifests have mistakes:"}, mistakeLines(&found)...), nil
	}
	defer asm.Close()
	// The model is loaded again with Resolve, which keeps the merged sections for expect. The build above does without, and its
	// template is for the case's template.
	failures := []string{}
	model, err := schema.Load(ctx, schema.Inputs{Orbit: one.Orbit, Apps: r.apps, Regions: r.regions, Resolve: true}, &report.Report{})
	if err != nil {
		return nil, err
	}
	for _, v := range model.Values(r.regions) {
		if v.App == nil {
			continue
		}
		violations, err := one.CheckValue(v)
		if err != nil {
			return nil, err
		}
		for _, violation := range violations {
			failures = append(failures, report.Problem{Pos: violation.Pos, Message: violation.Message}.String())
		}
		// An app's stack is named ORBIT-APP.
		stack := document.StackName(model.Orbit.Name, v.App.Tree.Lookup("name").Text)
		template, err := asm.Template(assembly.StackRef{Region: one.Region, Name: stack})
		if err != nil {
			return nil, err
		}
		violations, err = one.CheckTemplate(template)
		if err != nil {
			return nil, err
		}
		for _, violation := range violations {
			failures = append(failures, report.Problem{Pos: violation.Pos, Message: violation.Message}.String())
		}
	}
	return failures, nil
}

// expectError returns a failure unless the report has an error with a text. The text may be any part of the line, its path and
// place included.
func expectError(want string, found *report.Report) []string {
	for _, p := range found.Problems() {
		if p.Severity == report.Error && strings.Contains(p.String(), want) {
			return []string{}
		}
	}
	if !found.Failed(false) {
		return []string{fmt.Sprintf("no mistake was found, expected %q", want)}
	}
	return append([]string{fmt.Sprintf("no mistake contains %q, found:", want)}, mistakeLines(found)...)
}

// mistakeLines returns the errors of a report as text. Notes and warnings do not fail a case, so they are left out.
func mistakeLines(found *report.Report) []string {
	var out []string
	for _, p := range found.Problems() {
		if p.Severity == report.Error {
			out = append(out, p.String())
		}
	}
	return out
}

// print prints the result of a file as go test does: failures first, and a line for the file at the end.
func (f testFile) print(c *console) {
	failed := 0
	for _, p := range f.Problems {
		at := report.Pos{File: p.File, Line: p.Line, Col: p.Column, Path: p.Path}
		fmt.Fprintln(c.out, report.Problem{Pos: at, Message: p.Message})
	}
	for _, t := range f.Tests {
		if t.OK {
			continue
		}
		failed++
		fmt.Fprintf(c.out, "--- FAIL: %s (%s)\n", t.Name, t.Place)
		for _, failure := range t.Failures {
			fmt.Fprintf(c.out, "    %s\n", failure)
		}
	}
	switch {
	case f.OK:
		fmt.Fprintf(c.out, "ok    %s  %s\n", f.File, plural(len(f.Tests), "test"))
	case failed == 0:
		fmt.Fprintf(c.out, "FAIL  %s  mistakes in the file\n", f.File)
	default:
		fmt.Fprintf(c.out, "FAIL  %s  %d of %s failed\n", f.File, failed, plural(len(f.Tests), "test"))
	}
}
