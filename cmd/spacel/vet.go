package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/compiler"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/schema/report"
)

const vetDescription = `Everything a build would find is found: the manifests are compiled, and nothing is written.

   spacel vet --orbit orbit.json
   spacel vet --orbit orbit.json laika.json elasticsearch/ --strict`

func vetCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "vet",
		Usage:       "check manifests and write nothing",
		ArgsUsage:   "[APP...]",
		Description: vetDescription,
		Flags:       manifestFlags(true),
		Action: func(ctx *cli.Context) error {
			r, err := newRequest(ctx, ctx.String("orbit"), ctx.Args().Slice())
			if err != nil {
				return err
			}
			return runVet(c, ctx, r)
		},
	}, "text", "json")
}

func runVet(c *console, ctx *cli.Context, r request) error {
	found := &report.Report{}
	stacks, err := r.compile(ctx.Context, c, found, func(string) (compiler.Sink, error) { return nowhere{}, nil })
	if err := c.finish(ctx, found, "", stacks, err); err != nil || ctx.Bool("quiet") || ctx.String("output") == "json" {
		return err
	}
	_, err = fmt.Fprintf(c.out, "sound: %s\n", plural(len(stacks), "stack"))
	return err
}

// nowhere takes what a build makes and keeps none of it.
type nowhere struct{}

func (nowhere) Stack(assembly.Stack, []byte, map[string]string) error { return nil }

func (nowhere) Asset(body []byte) (assembly.Asset, error) { return assembly.AssetOf(body), nil }
