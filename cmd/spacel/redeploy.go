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

const redeployDescription = `Replaces an app's instances by its update policy, in every region of the orbit, with the deployed templates and
values. It needs no manifest and no artifact directory, and changes nothing else. --version also deploys another version
of the app.

   spacel redeploy laika --orbit production                          show what changes, ask, deploy
   spacel redeploy laika --orbit production --version v1.3 --yes     a release without a build
   spacel redeploy laika --orbit production --region us-east-1

Questions, interrupts, failures and output are the same as for spacel deploy, see spacel deploy -h. An app with a failed
stack is refused: fix it with spacel deploy.`

// redeployCommand replaces instances without a build. It shares plan, questions and progress with deployCommand.
func redeployCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "redeploy",
		Usage:       "replace an app's instances, with the deployed templates and values",
		ArgsUsage:   "[APP]",
		Description: redeployDescription,
		Flags:       slices.Concat(targetFlags(), redeployFlags()),
		Action:      func(ctx *cli.Context) error { return runRedeploy(c, ctx) },
	}, "text", "json")
}

// redeployFlags are the flags of deploy without --upgrade, which would change more than the instances, and without --force,
// which a redeploy implies.
func redeployFlags() []cli.Flag {
	return slices.DeleteFunc(deployFlags(), func(f cli.Flag) bool { return slices.Contains([]string{"upgrade", "force"}, f.Names()[0]) })
}

// runRedeploy builds an artifact from the deployed stacks and runs it as deploy does, so that plan, questions and failures
// are the same.
func runRedeploy(c *console, ctx *cli.Context) error {
	if err := exactly(ctx, 1, "the app's name"); err != nil {
		return err
	}
	options, err := deployOptions(c, ctx)
	if err != nil {
		return err
	}
	// The artifact is made of the chosen regions only, so a second selection by region would be one too many.
	options.Redeploy, options.Directory, options.Regions = true, "", nil
	to, err := findTarget(c, ctx, toChange)
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

// asDeployed returns the deployed stacks of an app as an artifact: their own templates, and parameters that keep their
// values. With newVersion the version is looked up in the settings instead.
func (t *target) asDeployed(ctx context.Context, app string, newVersion bool) (*assembly.Assembly, error) {
	stacks := live.New(t.Cloud)
	var found []*live.Stack
	for _, region := range t.Regions {
		stack, err := stacks.Get(ctx, assembly.StackRef{Region: region, Name: document.StackName(t.Orbit, app)})
		if err != nil {
			return nil, err
		}
		// The name alone proves nothing: another program's stack may have it. The tags tell the owner.
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
