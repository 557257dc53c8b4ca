package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/agent/sshkey"
	"github.com/pebble/spacel/deploy/access"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/schema/report"
)

const accessDescription = `An orbit keeps in tables of each region who its users are, with which keys they log in, and which apps' instances they may
log in to. Every command tries all regions and says how each answered. When one fails, the exit code is 2 and the
message says how to make the regions equal again.

   spacel access user add ada --key ada.pub --orbit production
   spacel access grant ada laika --orbit production        to laika's instances
   spacel access grant ada --operators --orbit production  to every instance
   spacel access list --orbit production
   spacel access user remove ada --orbit production        ends all of it`

func accessCommand(c *console) *cli.Command {
	return group(&cli.Command{
		Name:        "access",
		Usage:       "say who may log in to instances",
		Description: accessDescription,
		Subcommands: []*cli.Command{
			userCommand(c), grantCommand(c), revokeCommand(c), accessListCommand(c), accessSyncCommand(c),
		},
	})
}

func userCommand(c *console) *cli.Command {
	return group(&cli.Command{
		Name:        "user",
		Usage:       "add, remove and list users and their keys",
		Description: "A user is a name and public keys. What a user may log in to is said with spacel access grant.",
		Subcommands: []*cli.Command{userAddCommand(c), userRemoveCommand(c), userListCommand(c)},
	})
}

func userAddCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:      "add",
		Usage:     "add a user, or keys to one",
		ArgsUsage: "NAME",
		Description: `A key is Ed25519, ECDSA, a security key's, or RSA of at least 2048 bits. A file may hold several, a line each.

   spacel access user add ada --key ~/.ssh/id_ed25519.pub --orbit production
   curl -s https://github.com/ada.keys | spacel access user add ada --key - --orbit production`,
		Flags: append(targetFlags(), keyFlag("the public keys in `FILE`, or - for standard input; may be given again")),
		Action: func(ctx *cli.Context) error {
			return c.changeUser(ctx, func(t *access.Tables, name string) ([]access.Outcome, error) {
				keys, err := c.keys(ctx.StringSlice("key"))
				if err != nil {
					return nil, err
				}
				if len(keys) == 0 {
					return nil, fmt.Errorf("%s: which key? Name a file with --key, or - for standard input", ctx.Command.HelpName)
				}
				return t.AddKeys(ctx.Context, name, keys), nil
			})
		},
	}, "text", "json")
}

func userRemoveCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:      "remove",
		Usage:     "remove a user with all rights, or one of the keys",
		ArgsUsage: "NAME",
		Description: `Access ends with the next login, since instances read the tables each time; open sessions end within a minute.

   spacel access user remove ada --orbit production
   spacel access user remove ada --key old.pub --orbit production`,
		Flags: append(targetFlags(), keyFlag("remove only the keys in `FILE`, or - for standard input")),
		Action: func(ctx *cli.Context) error {
			return c.changeUser(ctx, func(t *access.Tables, name string) ([]access.Outcome, error) {
				if !ctx.IsSet("key") {
					return t.RemoveUser(ctx.Context, name), nil
				}
				keys, err := c.keys(ctx.StringSlice("key"))
				if err != nil {
					return nil, err
				}
				return t.RemoveKeys(ctx.Context, name, keys), nil
			})
		},
	}, "text", "json")
}

func keyFlag(usage string) cli.Flag {
	return &cli.StringSliceFlag{Name: "key", Usage: usage, TakesFile: true}
}

// changeUser runs a change to the user that the arguments name.
func (c *console) changeUser(ctx *cli.Context, change func(*access.Tables, string) ([]access.Outcome, error)) error {
	if err := exactly(ctx, 1, "the user's name"); err != nil {
		return err
	}
	name := ctx.Args().First()
	if err := access.CheckUser(name); err != nil {
		return err
	}
	to, err := c.target(ctx)
	if err != nil {
		return err
	}
	tables := access.New(to.Cloud, to.Orbit, to.Regions)
	outcomes, err := change(tables, name)
	if err != nil {
		return err
	}
	return cmp.Or(c.outcomes(ctx, to, outcomes), c.checkUser(ctx, tables, name, outcomes))
}

// checkUser finds a name misspelt, where nothing changed: that no region knows the user may be what was wanted, or not.
func (c *console) checkUser(ctx *cli.Context, tables *access.Tables, name string, all []access.Outcome) error {
	if slices.ContainsFunc(all, func(o access.Outcome) bool { return o.Changed }) {
		return nil
	}
	read, err := tables.Read(ctx.Context)
	if err != nil {
		return err
	}
	var known []string
	for _, s := range read {
		known = append(known, slices.Sorted(maps.Keys(s.Users))...)
	}
	if !slices.Contains(known, name) {
		fmt.Fprintf(c.stderr, "note: there is no user %s%s\n", name, report.Suggest(name, known))
	}
	return nil
}

// keys reads public keys, a line each.
func (c *console) keys(files []string) ([]sshkey.Key, error) {
	var keys []sshkey.Key
	for _, file := range files {
		found, err := c.keysOf(file)
		if err != nil {
			return nil, err
		}
		keys = append(keys, found...)
	}
	return keys, nil
}

func (c *console) keysOf(file string) (keys []sshkey.Key, err error) {
	from := c.stdin
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer opened.Close()
		from = opened
	}
	lines := bufio.NewScanner(io.LimitReader(from, 1<<20))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, err := sshkey.Parse(line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, n, err)
		}
		keys = append(keys, key)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s: expected public keys, a line each, and found none", file)
	}
	return keys, nil
}

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
			&cli.BoolFlag{Name: "undeployed", Usage: "take APP's name as it is, though the orbit has no such app yet", DisableDefaultText: true},
		),
		Action: func(ctx *cli.Context) error {
			return c.changeGrant(ctx, true, (*access.Tables).Grant)
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
				return c.changeGrant(ctx, false, (*access.Tables).Revoke)
			}
			if ctx.Bool("operators") {
				return fmt.Errorf("%s: --all holds --operators: give one of them", ctx.Command.HelpName)
			}
			return c.changeUser(ctx, func(t *access.Tables, name string) ([]access.Outcome, error) {
				return t.RevokeAll(ctx.Context, name), nil
			})
		},
	}, "text", "json")
}

type grantChange func(t *access.Tables, ctx context.Context, user, service string) []access.Outcome

// changeGrant runs a change to what a user may log in to.
func (c *console) changeGrant(ctx *cli.Context, known bool, change grantChange) error {
	user, service, err := grantee(ctx)
	if err != nil {
		return err
	}
	to, err := c.target(ctx)
	if err != nil {
		return err
	}
	if known && service != access.Operators && !ctx.Bool("undeployed") {
		if err := to.checkApp(ctx.Context, service); err != nil {
			return fmt.Errorf("%w; --undeployed grants it for an app to come", err)
		}
	}
	return c.outcomes(ctx, to, change(access.New(to.Cloud, to.Orbit, to.Regions), ctx.Context, user, service))
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

// checkApp finds an app's name misspelt.
func (t target) checkApp(ctx context.Context, app string) error {
	apps, err := live.Apps(ctx, t.Cloud, t.Orbit, t.Regions)
	if slices.Contains(apps, app) {
		return nil
	}
	if err != nil {
		return err
	}
	where := strings.Join(t.Regions, ", ")
	if len(apps) == 0 {
		return fmt.Errorf("orbit %s has no app in %s: check its name, the regions and the credentials", t.Orbit, where)
	}
	return fmt.Errorf("orbit %s has no app %s in %s%s", t.Orbit, app, where, cmp.Or(report.Suggest(app, apps), "; there are "+strings.Join(apps, ", ")))
}

// outcome is an access.Outcome as --output json has it.
type outcome struct {
	Region  string `json:"region"`
	Changed bool   `json:"changed"`
	Error   string `json:"error,omitempty"`
}

// outcomes prints what became of a change in each region, and how to repair what failed.
func (c *console) outcomes(ctx *cli.Context, to target, all []access.Outcome) error {
	if ctx.String("output") == "json" {
		if err := c.json(outcomesOf(all)); err != nil {
			return err
		}
	} else if !ctx.Bool("quiet") {
		c.sayOutcomes(all)
	}
	var good []string
	failed := map[string][]string{}
	for _, o := range all {
		if o.Err == nil {
			good = append(good, o.Region)
			continue
		}
		text := o.Err.Error()
		failed[text] = append(failed[text], o.Region)
	}
	for _, text := range slices.Sorted(maps.Keys(failed)) {
		fmt.Fprintf(c.stderr, "spacel: %s: %s\n", strings.Join(failed[text], ", "), text)
	}
	if len(failed) > 0 && len(good) > 0 {
		fmt.Fprintf(c.stderr, "spacel: the regions may differ now: try again, or make them as %s is: spacel access sync --from %s --orbit %s\n", good[0], good[0], shellLine([]string{ctx.String("orbit")}))
	}
	return failure(all)
}

func (c *console) sayOutcomes(all []access.Outcome) {
	for _, o := range all {
		switch {
		case o.Err != nil:
		case o.Changed:
			fmt.Fprintf(c.out, "%s: done\n", o.Region)
		default:
			fmt.Fprintf(c.out, "%s: nothing to change\n", o.Region)
		}
	}
}

func outcomesOf(all []access.Outcome) []outcome {
	printed := []outcome{}
	for _, o := range all {
		text := ""
		if o.Err != nil {
			text = o.Err.Error()
		}
		printed = append(printed, outcome{o.Region, o.Changed, text})
	}
	return printed
}

func failure(all []access.Outcome) error {
	if access.Failed(all) {
		return errSilent
	}
	return nil
}
