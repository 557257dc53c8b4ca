package main

import (
	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/schema"
)

const schemaDescription = `Prints the manifest language: its CUE sources, or JSON Schema for an editor that checks JSON and YAML.

   spacel schema
   spacel schema --json-schema app > .vscode/spacel-app.schema.json`

func schemaCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "schema",
		Usage:       "print the manifest language",
		Description: schemaDescription,
		Flags: []cli.Flag{&cli.StringFlag{
			Name: "json-schema", Usage: "print JSON Schema of `WHAT`: orbit or app", Action: oneOf("--json-schema", []string{"orbit", "app"}),
		}},
		Action: func(ctx *cli.Context) error {
			if err := exactly(ctx, 0, "no arguments"); err != nil {
				return err
			}
			if of := ctx.String("json-schema"); of != "" {
				return c.jsonSchema(of)
			}
			return c.sources()
		},
	})
}

func (c *console) jsonSchema(of string) error {
	body, err := schema.JSONSchema(of)
	if err != nil {
		return err
	}
	_, err = c.out.Write(body)
	return err
}

// sources prints the language as one CUE file.
func (c *console) sources() error {
	text, err := schema.CUE()
	if err != nil {
		return err
	}
	_, err = c.out.Write(text)
	return err
}
