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

// userCommand builds the subgroup for users and keys. Rights are separate: a user without a grant cannot log in anywhere.
func userCommand(c *console) *cli.Command {
	return group(&cli.Command{
		Name:        "user",
		Usage:       "add, remove and list users and their keys",
		Description: "A user is a name and public keys. Use spacel access grant to let a user log in to instances.",
		Subcommands: []*cli.Command{userAddCommand(c), userRemoveCommand(c), userListCommand(c)},
	})
}

// userAddCommand adds keys to a user, and creates the user with the first one. Adding a key twice changes nothing.
func userAddCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:      "add",
		Usage:     "add a user, or keys to one",
		ArgsUsage: "NAME",
		Description: `Accepted keys: Ed25519, ECDSA, security keys, and RSA of at least 2048 bits. A file may hold several keys, one a line.

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

// userRemoveCommand removes a user with all rights, or with --key only these keys.
func userRemoveCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:      "remove",
		Usage:     "remove a user with all rights, or some of the keys",
		ArgsUsage: "NAME",
		Description: `Access ends with the next login, since instances read the tables each time; open sessions end within a minute.

   spacel access user remove ada --orbit production
   spacel access user remove ada --key old.pub --orbit production`,
		Flags: append(targetFlags(), keyFlag("remove only the keys in `FILE`, or - for standard input")),
		Action: func(ctx *cli.Context) error {
			return changeUser(c, ctx, func(t *access.Tables, name string) ([]access.Outcome, error) {
				// An empty --key "" counts as set: it must not remove the whole user.
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

// keyFlag is --key with a text of its own for add and remove.
func keyFlag(usage string) cli.Flag {
	return &cli.StringSliceFlag{Name: "key", Usage: usage, TakesFile: true}
}

// changeUser applies a change to the user named by the argument, in all regions.
func changeUser(c *console, ctx *cli.Context, change func(*access.Tables, string) ([]access.Outcome, error)) error {
	if err := exactly(ctx, 1, "the user's name"); err != nil {
		return err
	}
	name := ctx.Args().First()
	if err := access.CheckUser(name); err != nil {
		return err
	}
	to, err := findTarget(c, ctx, toChange)
	if err != nil {
		return err
	}
	tables := access.New(to.Cloud, to.Orbit, to.Regions)
	// An error of change is about the arguments. Failures of single regions are in the outcomes.
	outcomes, err := change(tables, name)
	if err != nil {
		return err
	}
	// Both calls are made: the note is of use even after the failure of a region. The failure decides the exit code.
	return cmp.Or(printOutcomes(c, ctx, to, outcomes), noteUnknownUser(c, ctx, tables, name, outcomes))
}

// noteUnknownUser prints a note when nothing changed because no region knows the user: the name may be misspelt. It is no
// error, because removing an unknown user is done already.
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

// readKeys reads the public keys of all files, one key a line. The file - is standard input. All files are read before the first
// key is stored, so a bad key leaves the tables unchanged.
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

// readKeyFile reads the keys of one file. Empty lines and lines with # are skipped, as sshd does in authorized_keys. A bad
// key is an error with file and line: a half-read file would lock its owner out without a word.
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
	lines := bufio.NewScanner(io.LimitReader(from, 1<<20)) // a key is below 1 KB; the limit is for a wrong file
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
