package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/deploy/access"
)

const serviceFlagsText = "the right to log in to every instance of the orbit, in the place of an APP's"

func grantCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:      "grant",
		Usage:     "let a user log in to an app's instances",
		ArgsUsage: "USER APP | USER --operators",
		Description: `Who may log in to any app's instances may also pass the bastions, which lead to them. Instances know a new user within a
minute. An app's admins may use sudo on its instances.

   spacel access grant ada laika --orbit production
   spacel access grant ada --operators --orbit production`,
		Flags: append(targetFlags(),
			&cli.BoolFlag{Name: "operators", Usage: serviceFlagsText, DisableDefaultText: true},
			&cli.BoolFlag{Name: "undeployed", Usage: "take APP's name as it is, though the orbit has no such app yet",
				DisableDefaultText: true},
		),
		Action: func(ctx *cli.Context) error {
			return changeGrant(c, ctx, true, (*access.Tables).Grant)
		},
	}, "text", "json")
}

func revokeCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:      "revoke",
		Usage:     "take the right to log in from a user",
		ArgsUsage: "USER APP | USER --operators | USER --all",
		Description: `The right ends with the next login, and open sessions within a minute. The user's keys stay; spacel access user remove
removes them too.

   spacel access revoke ada laika --orbit production
   spacel access revoke ada --all --orbit production`,
		Flags: append(targetFlags(),
			&cli.BoolFlag{Name: "operators", Usage: serviceFlagsText, DisableDefaultText: true},
			&cli.BoolFlag{Name: "all", Usage: "all rights of the user", DisableDefaultText: true},
		),
		Action: func(ctx *cli.Context) error {
			if !ctx.Bool("all") {
				return changeGrant(c, ctx, false, (*access.Tables).Revoke)
			}
			if ctx.Bool("operators") {
				return fmt.Errorf("%s: --all holds --operators: give one of them", ctx.Command.HelpName)
			}
			return changeUser(c, ctx, func(t *access.Tables, name string) ([]access.Outcome, error) {
				return t.RevokeAll(ctx.Context, name), nil
			})
		},
	}, "text", "json")
}

type grantChange func(t *access.Tables, ctx context.Context, user, service string) []access.Outcome

// changeGrant runs a change to what a user may log in to.
func changeGrant(c *console, ctx *cli.Context, known bool, change grantChange) error {
	user, service, err := grantee(ctx)
	if err != nil {
		return err
	}
	to, err := findTarget(c, ctx)
	if err != nil {
		return err
	}
	if known && service != access.Operators && !ctx.Bool("undeployed") {
		if err := to.checkApp(ctx.Context, service); err != nil {
			return fmt.Errorf("%w; --undeployed grants it for an app to come", err)
		}
	}
	return printOutcomes(c, ctx, to, change(access.New(to.Cloud, to.Orbit, to.Regions), ctx.Context, user, service))
}

func grantee(ctx *cli.Context) (user, service string, err error) {
	want, what := 2, "a user and an app, or a user and --operators"
	if ctx.Bool("operators") {
		want = 1
	}
	if err := exactly(ctx, want, what); err != nil {
		return "", "", err
	}
	user, service = ctx.Args().Get(0), ctx.Args().Get(1)
	if want == 1 {
		service = access.Operators
	}
	return user, service, access.CheckUser(user)
}
