package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/resolved"
)

const evalDescription = `Prints what an orbit and its apps get in each region: defaults, the orbit's apps, all and the region's own ` +
	`section are
merged, and every value is in one form ("40" is 40, yes is true). A secret is printed as its SHA-256.

   spacel eval --orbit orbit.json laika.json
   spacel eval --orbit orbit.json laika.json --region us-east-1 --origin     with the place of each value
   spacel eval --orbit orbit.json laika.json --output json | jq .apps`

// evalCommand prints the resolved value. Policies and tests are compared with the same value, so its output is the place to look
// up a path for a rule.
func evalCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "eval",
		Usage:       "print manifests with defaults filled in and sections merged",
		ArgsUsage:   "[APP...]",
		Description: evalDescription,
		Flags: []cli.Flag{
			orbitManifestFlag(true),
			&cli.StringSliceFlag{Name: "region", Aliases: []string{"r"}, Usage: "print this `REGION` only; may be given again"},
			&cli.BoolFlag{Name: "origin", Usage: "print the place of each value in the manifests", DisableDefaultText: true},
		},
		Action: func(ctx *cli.Context) error {
			r, err := newRequest(c, ctx, ctx.String("orbit"), ctx.Args().Slice())
			if err != nil {
				return err
			}
			return runEval(c, ctx, r)
		},
	}, "cue", "json", "yaml")
}

// runEval loads the manifests and prints the resolved value. Mistakes go to standard error, and nothing is printed then.
func runEval(c *console, ctx *cli.Context, r request) error {
	found := &report.Report{}
	// Resolve makes Load keep the merged trees beside the model. Other commands do without, which saves memory.
	in := schema.Inputs{Orbit: r.orbit, Apps: r.apps, Stdin: c.stdin, Regions: r.regions, Resolve: true}
	model, err := schema.Load(ctx.Context, in, found)
	if err != nil {
		return err
	}
	printProblems(c.stderr, found, ctx.Bool("quiet"))
	if model == nil {
		return errNo
	}
	// The default is CUE, in which policies are written.
	printer := resolved.Printer{Origin: ctx.Bool("origin")}
	var form []byte
	switch value := model.Resolved(r.regions); ctx.String("output") {
	case "json":
		form, err = printer.JSON(value)
	case "yaml":
		form, err = printer.YAML(value)
	default:
		form, err = printer.CUE(value)
	}
	if err != nil {
		return fmt.Errorf("print the resolved value: %w", err)
	}
	_, err = c.out.Write(form)
	return err
}
