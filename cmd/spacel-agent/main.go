// Command spacel-agent boots a stock Debian instance into the app that its document describes, and tells sshd whose keys may
// log in. User data installs and starts it.
//
//	main.go       process: signals, exit codes, the list of commands
//	machine.go    the host of the agent
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/pebble/spacel/agent"
	"github.com/pebble/spacel/agent/document"
)

// Exit codes. exitNo is an answer of the command status: the instance has not booted.
const (
	exitYes   = 0
	exitNo    = 1
	exitError = 2
)

const usage = `usage: spacel-agent [boot | status | authorized-keys USER | people | stats GROUP NAMESPACE | credentials VERB |
                     version]
       spacel-agent exclusive UNIT SCHEDULE COMMAND…
       spacel-agent exec [--one-off] [--terminal] UNIT COMMAND…

  boot                   boot this machine into the app of its instance document (the default)
  status                 say how the boot went; exits 1 unless it succeeded
  authorized-keys USER   print the keys that a user may log in with, for sshd's AuthorizedKeysCommand
  people                 make the local users those who may log in
  address                take a free elastic address, if this instance has none
  stats GROUP NAMESPACE  send memory and disk use to CloudWatch once, as an auto scaling group's
  credentials VERB       be Docker's credential helper, which Docker calls docker-credential-spacel: get, store, erase or list
  exclusive UNIT SCHEDULE COMMAND…
                         run the command of a job whose timer fired, unless another instance does
  exec UNIT COMMAND…     run a command in the container of a unit; --one-off runs a new container like it
  version                print the version
`

// release is set by the linker for a release: -X main.release=v1.2.3.
var release = "devel"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	args := os.Args[1:]
	// Docker runs the helper by its own name, a link to this program.
	if filepath.Base(os.Args[0]) == document.CredentialHelper {
		args = append([]string{"credentials"}, args...)
	}
	os.Exit(run(ctx, args, os.Stdin, os.Stdout, os.Stderr))
}

// run is the program without its process.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		args = []string{"boot"}
	}
	// The number of words of each command, its own name included. An unknown command has 0 and never matches.
	want := map[string]int{"boot": 1, "status": 1, "people": 1, "address": 1, "version": 1, "authorized-keys": 2, "stats": 3,
		"credentials": 2}
	least := map[string]int{"exclusive": 4, "exec": 3}
	if want[args[0]] != len(args) && (least[args[0]] == 0 || len(args) < least[args[0]]) {
		fmt.Fprint(stderr, usage)
		return exitError
	}
	code, err := command(ctx, args, stdin, stdout, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "spacel-agent: "+strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return code
}

// command runs one command and returns its exit code, and an error to print. version is the last one left.
func command(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (int, error) {
	switch args[0] {
	case "boot":
		return boot(ctx, stderr)
	case "status":
		return status(stdout)
	case "authorized-keys":
		return authorizedKeys(ctx, args[1], stdout, stderr)
	case "people":
		return people(ctx, stderr)
	case "credentials":
		return credentials(ctx, args[1], stdin, stdout)
	case "address":
		return failing(agent.Address(ctx, machine(), endpoints(), stderr))
	case "stats":
		return failing(agent.Stats(ctx, machine(), endpoints(), args[1], args[2]))
	case "exclusive":
		return exclusive(ctx, args[1:], stderr)
	case "exec":
		return execIn(ctx, args[1:])
	}
	_, err := fmt.Fprintf(stdout, "spacel-agent %s (%s, %s/%s)\n", release, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return failing(err)
}

// boot leaves it to the log to say what failed.
func boot(ctx context.Context, stderr io.Writer) (int, error) {
	if agent.Run(ctx, machine(), endpoints(), stderr) != nil {
		return exitError, nil
	}
	return exitYes, nil
}

// failing returns the exit code for an error, or for none.
func failing(err error) (int, error) {
	if err != nil {
		return exitError, err
	}
	return exitYes, nil
}

// status prints how the last boot went, as the agent wrote it to disk. It calls nothing, so it also works without a network.
func status(stdout io.Writer) (int, error) {
	s, err := agent.ReadStatus(root)
	if err != nil {
		return exitError, err
	}
	if _, err := fmt.Fprintln(stdout, s); err != nil {
		return exitError, err
	}
	if s.Outcome != agent.Booted {
		return exitNo, nil
	}
	return exitYes, nil
}

// authorizedKeys prints a user's keys for sshd, which runs it at each login as an unprivileged user. Without keys the login is
// refused; an error of DynamoDB must therefore reach the journal, where an operator looks.
func authorizedKeys(ctx context.Context, user string, stdout, stderr io.Writer) (int, error) {
	log := agent.NewLog(io.MultiWriter(stderr, syslogWriter())) // sshd shows nobody what its command writes to stderr
	p, err := agent.OpenPeople(machine(), endpoints(), log)
	if err != nil {
		return exitError, err
	}
	keys, err := p.AuthorizedKeys(ctx, user)
	if err != nil {
		log.Error("no keys: "+err.Error(), "user", user)
		return exitError, nil
	}
	for _, key := range keys {
		fmt.Fprintln(stdout, key) // sshd closes the pipe once a key fits
	}
	return exitYes, nil
}

// credentials answers Docker's client. Docker reads an error from standard output, and old releases show it nowhere, so it reaches the
// journal, too, through standard error. A registry without a login is no error there.
func credentials(ctx context.Context, verb string, stdin io.Reader, stdout io.Writer) (int, error) {
	err := agent.Credentials(ctx, machine(), endpoints(), verb, stdin, stdout)
	if err == nil {
		return exitYes, nil
	}
	fmt.Fprintln(stdout, strings.ReplaceAll(err.Error(), "\n", "; "))
	if errors.Is(err, agent.ErrNoCredentials) {
		return exitNo, nil
	}
	return exitNo, err
}

// people runs one synchronisation of local users. A systemd timer starts it every minute.
func people(ctx context.Context, stderr io.Writer) (int, error) {
	p, err := agent.OpenPeople(machine(), endpoints(), agent.NewLog(stderr))
	if err != nil {
		return exitError, err
	}
	return failing(p.Sync(ctx))
}

// exclusive runs a firing of a job. Its exit code is that of the command.
func exclusive(ctx context.Context, args []string, stderr io.Writer) (int, error) {
	job := agent.Job{Unit: args[0], Schedule: args[1], Command: args[2:]}
	code, err := agent.Exclusive(ctx, machine(), endpoints(), stderr, streamProgram, job)
	if err != nil {
		return exitError, err
	}
	return code, nil
}

// execIn runs a command for spacel exec, with its exit code. Options come before the unit, whose name begins with no dash. A terminal
// that is closed ends the command, too.
func execIn(ctx context.Context, args []string) (int, error) {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP)
	defer stop()
	e := agent.Exec{Caller: os.Getenv("SUDO_USER")}
	for len(args) > 0 && strings.HasPrefix(args[0], "--") {
		switch args[0] {
		case "--one-off":
			e.OneOff = true
		case "--terminal":
			e.Terminal = true
		default:
			return exitError, fmt.Errorf("exec: unknown option %s", args[0])
		}
		args = args[1:]
	}
	if len(args) < 2 {
		return exitError, errors.New("exec: which unit, and which command?")
	}
	e.Unit, e.Command = args[0], args[1:]
	code, err := e.Run(ctx, machine(), streamProgram)
	if err != nil {
		return exitError, err
	}
	return code, nil
}
