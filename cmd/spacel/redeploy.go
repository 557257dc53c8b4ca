package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/snapshot"
)

const redeployDescription = `Replaces an app's instances by its update policy, in every region of the orbit, with the templates and values that are deployed:
no manifest and no artifact directory are needed, and nothing else changes. --version deploys another version on the way.

   spacel redeploy laika --orbit production                          show what changes, ask, do it
   spacel redeploy laika --orbit production --version v1.3 --yes     a release without a build
   spacel redeploy laika --orbit production --region us-east-1

Questions, interrupts, failures, output: as with spacel deploy, which see. An app that is not deployed soundly is mended by
spacel deploy, and refused here.`

func redeployCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "redeploy",
		Usage:       "replace an app's instances, with what is deployed",
		ArgsUsage:   "APP",
		Description: redeployDescription,
		Flags:       slices.Concat(targetFlags(), redeployFlags()),
		Action:      func(ctx *cli.Context) error { return runRedeploy(c, ctx) },
	}, "text", "json")
}

// redeployFlags are deploy's, but those that choose other programs or images, or redeploy anyway.
func redeployFlags() []cli.Flag {
	return slices.DeleteFunc(deployFlags(), func(f cli.Flag) bool { return slices.Contains([]string{"upgrade", "force"}, f.Names()[0]) })
}

func runRedeploy(c *console, ctx *cli.Context) error {
	if err := exactly(ctx, 1, "the app's name"); err != nil {
		return err
	}
	options, err := deployOptions(c, ctx)
	if err != nil {
		return err
	}
	options.Redeploy, options.Directory, options.Regions = true, "", nil
	to, err := findTarget(c, ctx)
	if err != nil {
		return err
	}
	a, err := to.asDeployed(ctx.Context, ctx.Args().First(), options.Values.Version != "")
	if err != nil {
		return err
	}
	defer a.Close()
	d := &deployment{c, newInterruptHandler(c, ctx.Command.HelpName, true), ctx, options, to.Cloud}
	return d.run(ctx.Context, a)
}

// asDeployed is an app's stacks as they are deployed.
func (t *target) asDeployed(ctx context.Context, app string, newVersion bool) (*assembly.Assembly, error) {
	stacks := live.New(t.Cloud)
	var found []*live.Stack
	for _, region := range t.Regions {
		stack, err := stacks.Get(ctx, assembly.StackRef{Region: region, Name: document.StackName(t.Orbit, app)})
		if err != nil {
			return nil, err
		}
		if stack.Exists() && stack.Orbit() == t.Orbit && stack.App() == app {
			found = append(found, stack)
		}
	}
	if len(found) > 0 {
		return snapshot.Keep(ctx, t.Cloud, t.Orbit, found, newVersion)
	}
	if err := t.checkApp(ctx, app); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("app %s is not deployed in %s", app, strings.Join(t.Regions, ", "))
}
