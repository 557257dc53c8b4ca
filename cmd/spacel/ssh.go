package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

const sshDescription = `Runs ssh through the bastion of the instance's region, with your own keys and configuration. On a pipe, or with
--print, it prints the ssh command instead. Without an INSTANCE it takes the app's first instance in service. A COMMAND
is run there, as ssh does it: use spacel exec for a command with its arguments unchanged, or in a container.

ssh accepts only the host keys that the bastion and the instance recorded at their boot.

Use spacel access to manage who may log in.

   spacel ssh laika --orbit production
   spacel ssh laika i-0123456789abcdef0 --orbit production
   spacel ssh laika --orbit production -- sudo journalctl -u laika -f`

// sshCommand finds an instance and runs ssh(1), with the user's own keys, agent and configuration.
func sshCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "ssh",
		Usage:       "log in to an instance of an app through the bastion",
		ArgsUsage:   "[APP [INSTANCE] [-- COMMAND...]]",
		Description: sshDescription,
		Flags:       routeFlags(),
		Action: func(ctx *cli.Context) error {
			argv, err := sshArguments(c, ctx)
			if err != nil {
				return err
			}
			if ctx.Bool("print") || !c.prompter.possible() {
				_, err := fmt.Fprintln(c.out, shellLine(argv))
				return err
			}
			// The remote command may be a whole shell session, so its exit code is only yes or no.
			code, err := runSSH(ctx.Context, argv, c.stdin, c.out.w, c.stderr)
			if err == nil && code != 0 {
				err = errNo
			}
			return err
		},
	})
}

// sshArguments finds the instance and the bastion, and returns the ssh command.
func sshArguments(c *console, ctx *cli.Context) ([]string, error) {
	words := ctx.Args().Slice()
	if len(words) == 0 {
		return nil, exactly(ctx, 1, "an app's name")
	}
	r, err := findRoutes(c, ctx, words[0])
	if err != nil {
		return nil, err
	}
	// An instance id is optional. A word that begins with i- is taken for one: no remote command has such a name.
	id, remote := "", words[1:]
	if len(remote) > 0 && strings.HasPrefix(remote[0], "i-") {
		id, remote = remote[0], remote[1:]
	}
	instance, err := choose(r.app, id, r.found)
	if err != nil {
		return nil, err
	}
	argv, err := r.to(ctx.Context, instance)
	return append(argv, remote...), err
}
