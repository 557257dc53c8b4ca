package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/access"
	"github.com/pebble/spacel/deploy/instances"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/schema/report"
)

const sshDescription = `Runs ssh through the bastion of the instance's region, with your own keys and configuration. On a pipe, or with
--print, it prints the ssh command instead. Without an INSTANCE it takes the app's first instance in service. A COMMAND
is run there.

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
		Flags: append(targetFlags(),
			&cli.StringFlag{Name: "user", Usage: "log in as `NAME`; else as the user of this machine"},
			&cli.BoolFlag{Name: "print", Usage: "print the command and do not run it", DisableDefaultText: true},
		),
		Action: func(ctx *cli.Context) error {
			argv, err := sshArguments(c, ctx)
			if err != nil {
				return err
			}
			if ctx.Bool("print") || !c.prompter.possible() {
				_, err := fmt.Fprintln(c.out, shellLine(argv))
				return err
			}
			return runHere(ctx.Context, argv)
		},
	})
}

// sshArguments finds the instance and the bastion, and returns the ssh command. An unreachable region is only a warning when
// instances of others were found.
func sshArguments(c *console, ctx *cli.Context) ([]string, error) {
	words := ctx.Args().Slice()
	if len(words) == 0 {
		return nil, exactly(ctx, 1, "an app's name")
	}
	to, found, err := findInstances(c, ctx, words[0], nil)
	if err != nil && len(found) == 0 {
		return nil, err
	}
	if err != nil {
		// Standard output may go to a script with --print, so the warning goes to standard error.
		fmt.Fprintln(c.stderr, "warning: "+err.Error())
	}
	// An instance id is optional. A word that begins with i- is taken for one: no remote command has such a name.
	id, remote := "", words[1:]
	if len(remote) > 0 && strings.HasPrefix(remote[0], "i-") {
		id, remote = remote[0], remote[1:]
	}
	instance, err := choose(words[0], id, found)
	if err != nil {
		return nil, err
	}
	if instance.PrivateIP == "" {
		return nil, fmt.Errorf("instance %s has no private address yet, or EC2 does not know it any more: see spacel instances %s",
			instance.ID, words[0])
	}
	name, err := login(ctx.String("user"))
	if err != nil {
		return nil, err
	}
	bastion, err := to.bastion(ctx.Context, instance.Region)
	if err != nil {
		return nil, err
	}
	return append(sshArgv(name, bastion, instance), remote...), nil
}

// sshArgv returns the ssh command through a bastion. Host keys are stored under the instance's id (HostKeyAlias), because
// private addresses are used again by new instances, whose other key ssh would refuse. A new key is accepted without a
// question, as no one can know it beforehand.
func sshArgv(name, bastion string, instance instances.Instance) []string {
	return []string{
		"ssh", "-J", name + "@" + bastion, "-o", "HostKeyAlias=" + instance.ID, "-o", "StrictHostKeyChecking=accept-new",
		name + "@" + instance.PrivateIP,
	}
}

// choose returns the instance of an id. Without one it prefers an instance in service and of the newest launch template,
// then any in service, then any with an address: an instance that fails its health check is worth a look, too.
func choose(app, id string, found []instances.Instance) (instances.Instance, error) {
	if id != "" {
		var ids []string
		for _, i := range found {
			if ids = append(ids, i.ID); i.ID == id {
				return i, nil
			}
		}
		return instances.Instance{}, fmt.Errorf("app %s has no instance %s%s", app, id,
			cmp.Or(report.Suggest(id, ids), "; see spacel instances "+app))
	}
	for _, wanted := range []func(instances.Instance) bool{
		func(i instances.Instance) bool { return i.Current && i.State == "InService" },
		func(i instances.Instance) bool { return i.State == "InService" },
		func(i instances.Instance) bool { return i.PrivateIP != "" },
	} {
		if n := slices.IndexFunc(found, wanted); n >= 0 {
			return found[n], nil
		}
	}
	return instances.Instance{}, fmt.Errorf("app %s has no instance to log in to: see spacel events %s", app, app)
}

// bastion returns the DNS name of the region's first bastion, or its elastic IP address when the orbit has no DNS names. Both
// are outputs of the bastion's stack.
func (t *target) bastion(ctx context.Context, region string) (string, error) {
	ref := assembly.StackRef{Region: region, Name: document.StackName(t.Orbit, document.StackBastion)}
	stack, err := live.New(t.Cloud).Get(ctx, ref)
	if err != nil {
		return "", err
	}
	if stack != nil {
		names := slices.Sorted(maps.Keys(stack.Outputs))
		// A DNS name survives the replacement of the bastion's address, so it is preferred.
		for _, prefix := range []string{document.OutputDNSRecord, document.OutputElasticIP} {
			for _, name := range names {
				if strings.HasPrefix(name, prefix) {
					return stack.Outputs[name], nil
				}
			}
		}
	}
	return "", fmt.Errorf("orbit %s has no bastion in %s: its manifest asks for none, or %s is not deployed", t.Orbit, region, ref.Name)
}

// login returns the name to log in with: --user, else the local user's, which must be a valid name of a user of the orbit.
func login(name string) (string, error) {
	if name != "" {
		return name, access.CheckUser(name)
	}
	me, err := user.Current()
	if err != nil {
		return "", fmt.Errorf("find out your user name: %w; give it with --user", err)
	}
	name = me.Username[strings.LastIndexByte(me.Username, '\\')+1:] // Windows has DOMAIN\name
	if err := access.CheckUser(name); err != nil {
		return "", fmt.Errorf("%w; give the name of your user in the orbit with --user", err)
	}
	return name, nil
}

// shellLine quotes a command for a POSIX shell, for copying a printed command.
func shellLine(argv []string) string {
	quoted := make([]string, len(argv))
	for i, word := range argv {
		quoted[i] = word
		if strings.ContainsFunc(word, func(r rune) bool { return !strings.ContainsRune(shellPlain, r) }) || word == "" {
			quoted[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

// shellPlain has the characters that no POSIX shell treats specially. A word of only these needs no quotes.
const shellPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.,:/=@%+"

// runHere runs a program on this terminal. A remote command that fails is the answer no; an error of ssh itself is exit
// code 2.
func runHere(ctx context.Context, argv []string) error {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		// ssh ran and ended with an exit code. Any other error is about starting it, and the caller reports it.
		if exit.ExitCode() == sshFailed {
			return errSilent // ssh said why
		}
		return errNo
	}
	return err
}

// sshFailed is ssh's exit code for its own errors. Every other code is the remote command's (ssh(1), EXIT STATUS).
const sshFailed = 255
