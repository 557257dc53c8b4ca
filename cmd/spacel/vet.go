package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/compiler"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

const vetDescription = `Finds every mistake that a build would find: it compiles the manifests, and writes nothing.
Without arguments it checks the project, see spacel build -h.

   spacel vet
   spacel vet --orbit orbit.json
   spacel vet --orbit orbit.json laika.json elasticsearch/ --strict
   spacel vet --orbit orbit.json laika.json --policy policies/       also hold the result against rules in CUE`

// vetCommand is a build without output. It compiles, too: limits of AWS such as a template's size show only in the result.
func vetCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "vet",
		Usage:       "check manifests and write nothing",
		ArgsUsage:   "[APP...]",
		Description: vetDescription,
		Flags:       append(manifestFlags(true), policyFlag()),
		Action: func(ctx *cli.Context) error {
			r, err := newRequest(c, ctx, ctx.String("orbit"), ctx.Args().Slice())
			if err != nil {
				return err
			}
			return runVet(c, ctx, r)
		},
	}, "text", "json", "github", "sarif")
}

// runVet compiles and prints the names of the stacks, by which a user sees whether all manifests were meant.
func runVet(c *console, ctx *cli.Context, r request) error {
	found := &report.Report{}
	stacks, err := r.compile(ctx.Context, c, found, func(*schema.Model) (compiler.Sink, error) { return nowhere{}, nil })
	if err := c.finish(ctx, found, "", stacks, err); err != nil || ctx.Bool("quiet") || ctx.String("output") != "text" {
		return err
	}
	_, err = fmt.Fprintf(c.out, "valid: %s (%s)\n", plural(len(stacks), "stack"), stackNames(stacks))
	return err
}

// stackNames lists stacks by name, each with its regions: test-shop in eu-west-1 and us-east-1, test-vpc in us-east-1.
func stackNames(stacks []builtStack) string {
	regions := map[string][]string{}
	for _, s := range stacks {
		regions[s.Name] = append(regions[s.Name], s.Region)
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(regions)) {
		names = append(names, name+" in "+strings.Join(regions[name], " and "))
	}
	return strings.Join(names, ", ")
}

// nowhere is a compiler.Sink that discards everything. vet compiles into it, because the compiler finds mistakes, too.
type nowhere struct{}

func (nowhere) Stack(assembly.Stack, []byte, map[string]string) error { return nil }

func (nowhere) Asset(body []byte) (assembly.Asset, error) { return assembly.AssetOf(body), nil }
