package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/review"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/snapshot"
	"github.com/pebble/spacel/deploy/staging"
	"github.com/pebble/spacel/deploy/values"
)

// liveFlags are the flags of diff --live.
func liveFlags() []cli.Flag {
	return append([]cli.Flag{
		verifyFlag(),
		&cli.BoolFlag{Name: "live", Usage: "compare the deployed stacks with DIR, and note newer images and agents",
			DisableDefaultText: true},
		&cli.StringFlag{Name: "agent-channel", EnvVars: []string{"SPACEL_AGENT_CHANNEL"}, Value: "stable", Action: knownChannel,
			Usage: "with --live: look for newer images in this `CHANNEL`, stable or latest"},
	}, accessFlags()...)
}

// checkLive returns an error for flags of AWS without --live, and for flags of manifests with it: ignoring them would
// compare something else than the user meant.
func checkLive(ctx *cli.Context) error {
	name := ctx.Command.HelpName
	if !ctx.Bool("live") {
		for _, flag := range []string{"profile", "role-arn", "endpoint-url", "verify"} {
			if ctx.IsSet(flag) {
				return fmt.Errorf("%s: --%s is for --live", name, flag)
			}
		}
		return nil
	}
	for _, flag := range []string{"orbit", "with-orbit", "strict"} {
		if ctx.IsSet(flag) {
			return fmt.Errorf("%s: --live compares a directory with the deployed stacks: leave --%s out", name, flag)
		}
	}
	if ctx.NArg() > 1 {
		return exactly(ctx, 1, "with --live one artifact directory")
	}
	return nil
}

// compareLive compares the deployed stacks with a directory: drift of templates and parameters, with the directory as the
// new side: the diff then shows the changes of a deployment.
func compareLive(c *console, ctx *cli.Context) (*review.Review, error) {
	dir, err := c.artifactDirectory(ctx, whichDirectory)
	if err != nil {
		return nil, err
	}
	all, err := assembly.Read(dir)
	if err != nil {
		return nil, err
	}
	defer all.Close()
	if err := c.checkVariable(ctx, dir, all.Manifest.Orbit); err != nil {
		return nil, err
	}
	to, err := c.connect(ctx, orbitOfArtifact(all, dir), toRead)
	if err != nil {
		return nil, err
	}
	now := all.Only(inRegions(ctx.StringSlice("region")))
	stacks := live.New(to)
	// The deployed stacks are written as an artifact in memory, so the same comparison serves both.
	old, err := snapshot.Take(ctx.Context, to, stacks, now, ctx.Bool("verify"))
	if err != nil {
		return nil, err
	}
	d, err := compareArtifacts(ctx, old, now)
	if err != nil {
		return nil, err
	}
	return d, noteUpgrades(c, ctx, to, stacks, now, dir)
}

// noteUpgrades prints a note for each image or agent newer than the deployed one. These are no differences, because
// deploy keeps both until --upgrade. When AWS cannot be asked, as with too few rights, there is only a warning.
func noteUpgrades(c *console, ctx *cli.Context, to *cloud.Cloud, stacks *live.Stacks, a *assembly.Assembly,
	dir string) error {
	if ctx.Bool("quiet") {
		return nil
	}
	newest := values.New(to, stacks, staging.New(to, staging.Buckets{}), c.programs, values.Settings{
		UpgradeAgent: true, UpgradeImage: true, Channel: ctx.String("agent-channel"), DryRun: true,
	})
	found, err := snapshot.Upgrades(ctx.Context, newest, stacks, a)
	if cancelled := ctx.Context.Err(); cancelled != nil {
		return errors.Join(err, cancelled)
	}
	for _, u := range found {
		fmt.Fprintf(c.stderr, "note: %s: to take it, run spacel deploy %s --upgrade %s\n", u, dir, u.What)
	}
	if err != nil {
		fmt.Fprintf(c.stderr, "warning: could not look for newer images and agents: %s\n", printable(err.Error()))
	}
	return nil
}
