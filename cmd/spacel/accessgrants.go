package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/deploy/access"
)

const serviceFlagsText = "the right to log in to every instance of the orbit, in place of one APP"

// grantCommand gives a user a right. The user may have no keys yet: a grant may come before the first key. The app must be deployed,
// since a misspelt name would be a right to nothing.
func grantCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:      "grant",
		Usage:     "let a user log in to an app's instances",
		ArgsUsage: "USER APP | USER --operators",
		Description: `A user with access to any app may also connect through the bastions. A new user can log in within a minute, when the
instances have read the tables. An app's admins may use sudo on its instances.

   spacel access grant ada laika --orbit production
   spacel access grant ada --operators --orbit production`,
		Flags: append(targetFlags(),
			&cli.BoolFlag{Name: "operators", Usage: serviceFlagsText, DisableDefaultText: true},
			&cli.BoolFlag{Name: "undeployed", Usage: "accept the name APP although the orbit has no such app yet",
				DisableDefaultText: true},
		),
		Action: func(ctx *cli.Context) error {
			return changeGrant(c, ctx, true, (*access.Tables).Grant)
		},
	}, "text", "json")
}

// revokeCommand takes one right from a user, or all of them. Without an app and without a flag it is a usage error: an
// empty variable in a script must not revoke everything.
func revokeCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:      "revoke",
		Usage:     "revoke a user's right to log in",
		ArgsUsage: "USER APP | USER --operators | USER --all",
		Description: `The user's next login is refused, and open sessions end within a minute. The user's keys stay in the tables. To remove
them too, use spacel access user remove.

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
				return fmt.Errorf("%s: --all includes --operators: give one of them", ctx.Command.HelpName)
			}
			return changeUser(c, ctx, func(t *access.Tables, name string) ([]access.Outcome, error) {
				return t.RevokeAll(ctx.Context, name), nil
			})
		},
	}, "text", "json")
}

// grantChange is a change to one user's right to log in to one app: (*access.Tables).Grant or Revoke, or one made of them.
type grantChange func(t *access.Tables, ctx context.Context, user, service string) []access.Outcome

// changeGrant applies a change to the right named by the arguments. With known the app must have a stack in the orbit,
// unless --undeployed is given. Revoking does not check it: the stack of an app may be gone before its rights are.
func changeGrant(c *console, ctx *cli.Context, known bool, change grantChange) error {
	user, service, err := grantee(ctx)
	if err != nil {
		return err
	}
	to, err := findTarget(c, ctx, toChange)
	if err != nil {
		return err
	}
	// Operators is no app: it stands for all instances of the orbit, so there is no stack to look for.
	if known && service != access.Operators && !ctx.Bool("undeployed") {
		if err := to.checkApp(ctx.Context, service); err != nil {
			return fmt.Errorf("%w; --undeployed grants it for an app to come", err)
		}
	}
	return printOutcomes(c, ctx, to, change(access.New(to.Cloud, to.Orbit, to.Regions), ctx.Context, user, service))
}

// grantee reads USER and APP from the arguments. --operators takes the place of APP, so that one argument is left.
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
