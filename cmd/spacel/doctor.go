package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/deploy/doctor"
)

const doctorDescription = `Checks this machine and the account for everything that a deployment needs, and says what to do about
each problem: the credentials, the clock, the ssh client, service-linked roles, and in each region the bucket for uploads, Debian's image
parameters, and the quotas of addresses, VPCs and vCPUs. It changes nothing.

   spacel doctor                                in the regions of the project's orbit
   spacel doctor --region us-east-1
   spacel doctor --orbit ./orbit.yaml --output json

   ok        nothing to do
   warning   may be in the way later, or of some apps
   problem   a deployment would fail
   unknown   these credentials may not read it

It exits with 0 unless there is a problem, else with 1.`

// doctorCommand prints the findings of package deploy/doctor. It only reads, so it is safe to run in any account at any time.
func doctorCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "doctor",
		Usage:       "check credentials, account and machine before a deployment",
		Description: doctorDescription,
		Flags:       slices.Concat(targetFlags(), bucketFlags()),
		Action:      func(ctx *cli.Context) error { return runDoctor(c, ctx) },
	}, "text", "json")
}

// doctorResult is the output of --output json.
type doctorResult struct {
	OK       bool             `json:"ok"` // there is no problem
	Findings []doctor.Finding `json:"findings"`
}

// runDoctor finds the regions, makes the checks and prints the findings. The regions are those of --region, else the orbit's, else
// the one of the configuration.
func runDoctor(c *console, ctx *cli.Context) error {
	if err := exactly(ctx, 0, "no arguments"); err != nil {
		return err
	}
	o, err := orbitIfAny(c, ctx)
	if err != nil {
		return err
	}
	regions, err := chosenRegions(o, ctx.StringSlice("region"))
	if err != nil {
		return err
	}
	to, err := c.connect(ctx, orbit{}, toRead) // another account is a finding here
	if err != nil {
		return err
	}
	if len(regions) == 0 {
		regions = []string{to.Default().Name}
	}
	found := doctor.Examine(ctx.Context, to, doctor.Scope{Regions: regions, Buckets: buckets(c, ctx), Owner: o.owner}, doctor.ThisMachine())
	if err := ctx.Err(); err != nil {
		return err
	}
	// Warnings and unknown answers do not decide the exit code: a deployment may succeed with them.
	sick := slices.ContainsFunc(found, func(f doctor.Finding) bool { return f.State == doctor.Problem })
	if ctx.String("output") == "json" {
		err = c.printJSON(doctorResult{!sick, found})
	} else {
		err = doctorText(c.out, found, ctx.Bool("quiet"), c.colour(ctx))
	}
	if err == nil && sick {
		return errNo
	}
	return err
}

// orbitIfAny returns the orbit of the command line or of the project. Without either it is empty: the checks need no orbit.
func orbitIfAny(c *console, ctx *cli.Context) (orbit, error) {
	if ctx.String("orbit") != "" {
		return orbitOfCommand(c, ctx)
	}
	p, err := c.projectOf(ctx)
	if p == nil || err != nil {
		return orbit{}, err
	}
	return orbitOfManifest(c, ctx.Context, p.Orbit)
}

// doctorText prints a line for each finding, and below it the next step. With quiet it leaves out what is in order.
func doctorText(w io.Writer, found []doctor.Finding, quiet, colour bool) error {
	p := painter(colour)
	colours := map[doctor.State]string{doctor.OK: green, doctor.Warning: yellow, doctor.Unknown: yellow, doctor.Problem: red}
	for _, f := range found {
		if quiet && f.State == doctor.OK {
			continue
		}
		where := f.Check
		if f.Region != "" {
			where = f.Region + " " + f.Check
		}
		state := p.paint(colours[f.State], fmt.Sprintf("%-7s", f.State))
		if _, err := fmt.Fprintf(w, "%s  %s: %s\n", state, where, printable(f.Found)); err != nil {
			return err
		}
		if f.Fix != "" {
			fmt.Fprintf(w, "         → %s\n", f.Fix)
		}
	}
	return nil
}
