package main

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/language"
)

const schemaDescription = `Prints the manifest language in one of three forms: its CUE sources, JSON Schema (for an editor that checks JSON
and YAML), or tables of all fields.

   spacel schema
   spacel schema --json-schema app > .vscode/spacel-app.schema.json
   spacel schema --reference | less

With --cue-module it writes the definitions as a CUE module, for cue mod publish.`

// schemaCommand prints the definitions for checking manifests, so that editors and people use the same ones as a build.
func schemaCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "schema",
		Usage:       "print the manifest language",
		Description: schemaDescription,
		Flags: []cli.Flag{&cli.StringFlag{
			Name: "json-schema", Usage: "print JSON Schema of `WHAT`: orbit or app",
			Action: oneOf("--json-schema", []string{"orbit", "app"}),
		}, &cli.BoolFlag{
			Name: "reference", Usage: "print all fields with their types and defaults, as markdown", DisableDefaultText: true,
		}, &cli.StringFlag{
			Name: "cue-module", Usage: "write a CUE module with the definitions into the new directory `DIR`", TakesFile: true,
		}},
		Action: func(ctx *cli.Context) error {
			if err := exactly(ctx, 0, "no arguments"); err != nil {
				return err
			}
			if dir := ctx.String("cue-module"); dir != "" {
				if ctx.IsSet("json-schema") || ctx.Bool("reference") {
					return errors.New("spacel schema: --cue-module goes with no other form of the language")
				}
				return writeModule(dir)
			}
			return printLanguage(c, ctx.String("json-schema"), ctx.Bool("reference"))
		},
	})
}

// printLanguage prints the manifest language in the form chosen by the flags, by default as one CUE file.
func printLanguage(c *console, jsonSchema string, reference bool) error {
	// The form is chosen first and printed at one place.
	form := func() ([]byte, error) { return language.CUE(schema.Definitions) }
	switch {
	case jsonSchema != "" && reference:
		return errors.New("spacel schema: --json-schema and --reference are two forms of the language: ask for one")
	case jsonSchema != "":
		form = func() ([]byte, error) { return language.JSONSchema(schema.Definitions, schema.Examples, jsonSchema) }
	case reference:
		form = func() ([]byte, error) { return language.Reference(schema.Definitions, schema.Examples) }
	}
	text, err := form()
	if err != nil {
		return err
	}
	_, err = c.out.Write(text)
	return err
}

// writeModule writes the CUE module with the definitions into a new directory. Mkdir fails if the directory exists, so no file
// of an older version can stay in it.
func writeModule(dir string) error {
	module, err := language.Module(schema.Definitions)
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for name, text := range module {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
