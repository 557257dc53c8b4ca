package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/agent/sshkey"
	"github.com/pebble/spacel/deploy/access"
	"github.com/pebble/spacel/schema/report"
)

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
			return changeUser(c, ctx, func(t *access.Tables, name string) ([]access.Outcome, error) {
				keys, err := readKeys(c.stdin, ctx.StringSlice("key"))
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
			return changeUser(c, ctx, func(t *access.Tables, name string) ([]access.Outcome, error) {
				if !ctx.IsSet("key") {
					return t.RemoveUser(ctx.Context, name), nil
				}
				keys, err := readKeys(c.stdin, ctx.StringSlice("key"))
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
func changeUser(c *console, ctx *cli.Context, change func(*access.Tables, string) ([]access.Outcome, error)) error {
	if err := exactly(ctx, 1, "the user's name"); err != nil {
		return err
	}
	name := ctx.Args().First()
	if err := access.CheckUser(name); err != nil {
		return err
	}
	to, err := findTarget(c, ctx)
	if err != nil {
		return err
	}
	tables := access.New(to.Cloud, to.Orbit, to.Regions)
	outcomes, err := change(tables, name)
	if err != nil {
		return err
	}
	return cmp.Or(printOutcomes(c, ctx, to, outcomes), noteUnknownUser(c, ctx, tables, name, outcomes))
}

// checkUser finds a name misspelt, where nothing changed: that no region knows the user may be what was wanted, or not.
func noteUnknownUser(c *console, ctx *cli.Context, tables *access.Tables, name string, all []access.Outcome) error {
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
func readKeys(stdin io.Reader, files []string) ([]sshkey.Key, error) {
	var keys []sshkey.Key
	for _, file := range files {
		found, err := readKeyFile(stdin, file)
		if err != nil {
			return nil, err
		}
		keys = append(keys, found...)
	}
	return keys, nil
}

func readKeyFile(stdin io.Reader, file string) (keys []sshkey.Key, err error) {
	from := stdin
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
