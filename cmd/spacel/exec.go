package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/deploy/instances"
)

const execDescription = `Runs a command on an instance of an app, through the bastion. With a UNIT it runs in the unit's container, by
docker exec, and without one on the host, as your user. A unit without a container also means the host. The instance is
the app's first one in service, or the one of --instance. With --all it is every instance in service, and each line of
the output begins with the instance's id.

The command gets its arguments byte for byte, without a shell: write sh -c '…' for one. Standard input is passed on, except
with --all. --interactive also allocates a terminal.

--one-off runs a new container, and removes it afterwards. It has the unit's image, environment, volumes and limits, and
not its name and ports. The image's entrypoint stays, and the command replaces the unit's own.

   spacel exec laika --orbit production -- uptime
   spacel exec laika web --orbit production -i -- bin/rails console
   spacel exec laika web --orbit production --one-off -- bin/rails db:migrate
   spacel exec laika web --orbit production --all -- cat /app/REVISION

The exit code is the command's own, and 2 if spacel or ssh could not run it. With --all it is 1 if the
command failed on an instance.`

// execCommand runs a command over ssh. In a container it does so by the agent on the instance, with the sudo of the app's admins.
func execCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "exec",
		Usage:       "run a command in a container of an app, or on its instances",
		ArgsUsage:   "[APP [UNIT]] -- COMMAND...",
		Description: execDescription,
		Flags: append(routeFlags(),
			&cli.StringFlag{Name: "instance", Usage: "run it on the instance of this `ID`"},
			&cli.BoolFlag{Name: "all", Usage: "run it on every instance in service", DisableDefaultText: true},
			&cli.BoolFlag{Name: "interactive", Aliases: []string{"i"}, Usage: "allocate a terminal", DisableDefaultText: true},
			&cli.BoolFlag{Name: "one-off", Usage: "run it in a new container like the unit's", DisableDefaultText: true},
		),
		Action: func(ctx *cli.Context) error { return runExec(c, ctx) },
	})
}

// A command passes three programs on its way to a container, and each may change words: ssh joins the words of a remote command with
// spaces for the login shell, which splits them again, so they are quoted for that shell. sudo and the agent get words from there on and
// hand them on as they are. docker exec does the same.

// execRequest holds the command line's arguments and flags.
type execRequest struct {
	app, unit string
	command   []string
	terminal  bool
	oneOff    bool
}

// execArguments splits the command line at --.
func execArguments(c *console, ctx *cli.Context) (execRequest, error) {
	words, name := ctx.Args().Slice(), ctx.Command.HelpName
	at := slices.Index(words, "--") // a later one belongs to the command
	switch {
	case at < 0 || at == len(words)-1:
		return execRequest{}, fmt.Errorf("%s: write the command after --, as in %s laika web -- uptime", name, name)
	case at == 0 || at > 2:
		return execRequest{}, fmt.Errorf("%s takes an app's name and perhaps a unit's before --, got %s; see %s -h", name,
			plural(at, "argument"), name)
	}
	r := execRequest{app: words[0], command: words[at+1:], terminal: ctx.Bool("interactive"), oneOff: ctx.Bool("one-off")}
	// Flags stand anywhere before --, and arrange has taken them out.
	if at == 2 {
		r.unit = words[1]
	}
	switch {
	case r.oneOff && r.unit == "":
		return r, fmt.Errorf("%s: --one-off needs the unit whose image to run: %s %s UNIT --one-off -- …", name, name, r.app)
	case r.terminal && ctx.Bool("all"):
		return r, fmt.Errorf("%s: give --interactive or --all, not both", name)
	case ctx.Bool("all") && ctx.String("instance") != "":
		return r, fmt.Errorf("%s: give --instance or --all, not both", name)
	case r.terminal && !ctx.Bool("print") && !(isTTY(c.stdin) && isTTY(c.out.w)):
		return r, fmt.Errorf("%s: --interactive needs a terminal for input and output", name)
	}
	return r, nil
}

// remote returns the command line for the shell at the other end, as one word.
func (r execRequest) remote() string {
	if r.unit == "" {
		return shellLine(r.command)
	}
	// -n: sudo must not ask for a password, which an admin of the app has not.
	argv := []string{"sudo", "-n", document.AgentPath, "exec"}
	if r.oneOff {
		argv = append(argv, "--one-off")
	}
	if r.terminal {
		argv = append(argv, "--terminal")
	}
	return shellLine(slices.Concat(argv, []string{r.unit}, r.command))
}

// options are ssh's: -T keeps the remote side from waiting for a missing terminal.
func (r execRequest) options() []string {
	if r.terminal {
		return []string{"-t"}
	}
	return []string{"-T"}
}

// runExec runs the command on one instance or on all.
func runExec(c *console, ctx *cli.Context) error {
	request, err := execArguments(c, ctx)
	if err != nil {
		return err
	}
	r, err := findRoutes(c, ctx, request.app)
	if err != nil {
		return err
	}
	chosen, err := chooseInstances(r, ctx.String("instance"), ctx.Bool("all"))
	if err != nil {
		return err
	}
	// All ways are found before the first command runs: a machine without a recorded key must not stop a half-done --all.
	var argvs [][]string
	for _, instance := range chosen {
		argv, err := r.to(ctx.Context, instance, request.options()...)
		if err != nil {
			return err
		}
		argvs = append(argvs, append(argv, request.remote()))
	}
	if ctx.Bool("print") {
		for _, argv := range argvs {
			fmt.Fprintln(c.out, shellLine(argv))
		}
		return nil
	}
	if ctx.Bool("all") {
		return execOnAll(ctx.Context, c, chosen, argvs)
	}
	code, err := runSSH(ctx.Context, argvs[0], c.stdin, c.out.w, c.stderr)
	if err == nil && code != 0 {
		return remoteCode(code)
	}
	return err
}

// chooseInstances returns one instance, or with all every instance in service.
func chooseInstances(r *routes, id string, all bool) ([]instances.Instance, error) {
	if !all {
		one, err := choose(r.app, id, r.found)
		return []instances.Instance{one}, err
	}
	serving := slices.DeleteFunc(slices.Clone(r.found), func(i instances.Instance) bool {
		return i.State != "InService" || i.PrivateIP == ""
	})
	if len(serving) == 0 {
		return nil, fmt.Errorf("app %s has no instance in service: see spacel instances %s", r.app, r.app)
	}
	return serving, nil
}

// execAtOnce is the number of connections at the same time. An sshd with its own settings drops connections beyond ten without a
// logged in yet (sshd_config(5), MaxStartups), and all pass the bastion.
const execAtOnce = 8

// execOnAll runs the command on every instance. Output comes line by line, and errors at the end, in the order of the instances.
func execOnAll(ctx context.Context, c *console, on []instances.Instance, argvs [][]string) error {
	var lines sync.Mutex // one line of one instance at a time
	errs, codes := make([]error, len(on)), make([]int, len(on))
	var work errgroup.Group
	work.SetLimit(execAtOnce)
	for i, instance := range on {
		work.Go(func() error {
			stdout := &prefixed{to: c.out, prefix: instance.ID + ": ", turn: &lines}
			stderr := &prefixed{to: c.stderr, prefix: instance.ID + ": ", turn: &lines}
			codes[i], errs[i] = runSSH(ctx, argvs[i], nil, stdout, stderr)
			// A last line without a line break is still in the buffer.
			stdout.end()
			stderr.end()
			return nil
		})
	}
	_ = work.Wait() // the errors are kept apart, one of each instance
	if ctx.Err() != nil {
		return ctx.Err()
	}
	// A command that failed somewhere is the answer no. A connection that failed is an error: whether the command ran is not known.
	var problems []error
	failed := false
	for i, err := range errs {
		if errors.Is(err, errSilent) {
			err = errors.New("ssh failed")
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", on[i].ID, err))
		}
		if codes[i] != 0 {
			failed = true
			fmt.Fprintf(c.stderr, "%s: exit code %d\n", on[i].ID, codes[i])
		}
	}
	if err := errors.Join(problems...); err != nil || !failed {
		return err
	}
	return errNo
}

// prefixed writes whole lines, each after a prefix.
type prefixed struct {
	to     io.Writer
	prefix string
	turn   *sync.Mutex
	rest   []byte // the beginning of a line
}

// Write passes the complete lines on and keeps the rest.
func (w *prefixed) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		n := bytes.IndexByte(w.rest, '\n')
		if n < 0 {
			return len(p), nil
		}
		if err := w.line(w.rest[:n+1]); err != nil {
			return 0, err
		}
		w.rest = w.rest[n+1:]
	}
}

// end writes a last line that had no line break.
func (w *prefixed) end() {
	if len(w.rest) > 0 {
		_ = w.line(append(w.rest, '\n'))
		w.rest = nil
	}
}

// line writes one line.
func (w *prefixed) line(text []byte) error {
	w.turn.Lock()
	defer w.turn.Unlock()
	_, err := w.to.Write(append([]byte(w.prefix), text...))
	return err
}
