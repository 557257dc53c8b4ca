package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/compiler"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/compose"
	"github.com/pebble/spacel/schema/report"
)

const importDescription = `Prints the manifest of an app that runs the containers of a Compose file. The file is
read as docker compose reads it, with extends, include, profiles and references to variables. Several files are merged, as with
docker compose -f.

The manifest builds as it is, in any directory. The values of env_file and of the file .env beside the Compose file are written into
it, and small mounted files, too. Nothing is taken from the environment of the shell. Whatever the manifest does not have as the
Compose file has it is a line on standard error: FILE:LINE: KEY: left out, changed or note, and the reason. A FILE of - is standard
input.

   spacel import compose compose.yaml > shop.yaml
   spacel import compose compose.yaml compose.production.yaml > shop.yaml
   spacel import compose compose.yaml --profile worker > shop.yaml`

// importCommand has a subcommand for each kind of file that becomes a manifest.
func importCommand(c *console) *cli.Command {
	return group(&cli.Command{
		Name:        "import",
		Usage:       "make an app's manifest of a Compose file",
		Description: importDescription,
		Subcommands: []*cli.Command{importComposeCommand(c)},
	})
}

// importComposeCommand prints a manifest.
func importComposeCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "compose",
		Usage:       "print an app's manifest, made of a Compose file",
		ArgsUsage:   "FILE...",
		Description: importDescription,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "profile", Usage: "import services of this `PROFILE`, too; '*' is all of them; may be given again"},
		},
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() == 0 {
				return fmt.Errorf("spacel import compose: name the Compose file, or - for standard input; see spacel import compose -h")
			}
			return runImport(c, ctx)
		},
	})
}

// runImport prints the manifest on standard output, and the findings on standard error.
func runImport(c *console, ctx *cli.Context) error {
	files := ctx.Args().Slice()
	m, err := compose.Import(ctx.Context, compose.Source{Files: files, Stdin: c.stdin, Profiles: ctx.StringSlice("profile")})
	if err != nil {
		return fmt.Errorf("spacel import compose: %w", err)
	}
	if err := dropInvalid(ctx.Context, m); err != nil {
		return fmt.Errorf("spacel import compose: %w", err)
	}
	text, err := m.YAML()
	if err != nil {
		return err
	}
	for _, finding := range m.Findings() {
		if !finding.Note || !ctx.Bool("quiet") {
			fmt.Fprintln(c.stderr, printable(finding.String()))
		}
	}
	if _, err := c.out.Write(text); err != nil {
		return err
	}
	return c.out.err
}

// importOrbit is an orbit for checking an imported app, with spacel's defaults.
const importOrbit = "name: import\nregions: [us-east-1]\n"

// mostDrops limits the checks of an imported manifest. Each check drops at least one value.
const mostDrops = 100

// dropInvalid builds the manifest as spacel build does, and removes each refused value, until none is left. The import needs no
// rules of its own for the values of fields this way.
func dropInvalid(ctx context.Context, m *compose.Manifest) error {
	// The orbit must be a file, and the manifest is given as standard input.
	dir, err := os.MkdirTemp("", "spacel-import-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	orbit := filepath.Join(dir, "orbit.yaml")
	if err := os.WriteFile(orbit, []byte(importOrbit), 0o600); err != nil {
		return err
	}
	for range mostDrops {
		problems, err := importProblems(ctx, m, orbit)
		if err != nil || len(problems) == 0 {
			return err
		}
		dropped := false
		for _, p := range problems {
			dropped = m.Drop(p.Pos.Path, p.Message) || dropped
		}
		if !dropped {
			return errors.New("the manifest would be invalid: " + problems[0].String())
		}
	}
	return errors.New("the manifest would be invalid, and removing the invalid values does not help")
}

// importProblems returns the mistakes in the manifest as it is now, the last one first: removing an item of a list does not
// change the number of an earlier one.
func importProblems(ctx context.Context, m *compose.Manifest, orbit string) ([]report.Problem, error) {
	text, err := m.YAML()
	if err != nil {
		return nil, err
	}
	found := &report.Report{}
	model, err := schema.Load(ctx, schema.Inputs{Orbit: orbit, Apps: []string{"-"}, Stdin: bytes.NewReader(text)}, found)
	if err == nil && model != nil {
		err = compiler.Compile(model, compiler.Scope{}, found, nowhere{})
	}
	var problems []report.Problem
	for _, p := range found.Problems() {
		if p.Severity == report.Error {
			problems = append([]report.Problem{p}, problems...)
		}
	}
	return problems, err
}
