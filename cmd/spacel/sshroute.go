package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"os/user"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/deploy/access"
	"github.com/pebble/spacel/deploy/instances"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/schema/report"
)

// routeFlags are the flags of every command that connects to an instance.
func routeFlags() []cli.Flag {
	return append(targetFlags(),
		&cli.StringFlag{Name: "user", Usage: "log in as `NAME`; else as the user of this machine"},
		&cli.BoolFlag{Name: "accept-host-key", Usage: "where an instance recorded no SSH host key, trust that of the first connection",
			DisableDefaultText: true},
		&cli.BoolFlag{Name: "print", Usage: "print the command and do not run it", DisableDefaultText: true},
	)
}

// A route leads from this machine to the bastion of a region, and from there to port 22 of an instance's private address. Two programs
// ssh run: the outer one speaks to the instance, through the inner one that speaks to the bastion (ssh -W). So the bastion sees
// encrypted bytes only. Each of the two has its own file of host keys.

// routes finds ways to the instances of an app.
type routes struct {
	*target
	app   string
	user  string
	hosts knownHosts
	found []instances.Instance
}

// findRoutes lists an app's instances. An unreachable region is only a warning when instances of others were found.
func findRoutes(c *console, ctx *cli.Context, app string) (*routes, error) {
	to, found, err := findInstances(c, ctx, app, nil)
	if err != nil && len(found) == 0 {
		return nil, err
	}
	if err != nil {
		// Standard output may go to a script with --print, so the warning goes to standard error.
		fmt.Fprintln(c.stderr, "warning: "+err.Error())
	}
	r := &routes{target: to, app: app, found: found}
	if r.user, err = login(ctx.String("user")); err != nil {
		return nil, err
	}
	r.hosts, err = openKnownHosts(ctx.Bool("accept-host-key"))
	return r, err
}

// to returns the ssh command for an instance, without a remote command: the bastion's ssh is a ProxyCommand, since the options of a
// command line do not reach the jump host of ssh -J.
func (r *routes) to(ctx context.Context, instance instances.Instance, options ...string) ([]string, error) {
	if instance.PrivateIP == "" {
		return nil, fmt.Errorf("instance %s has no private address yet, or EC2 does not know it any more: see spacel instances %s",
			instance.ID, r.app)
	}
	bastion, err := instances.FindBastion(ctx, r.Cloud, live.New(r.Cloud), r.Orbit, instance.Region)
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("the bastion %s in %s", cmp.Or(bastion.ID, bastion.Host), instance.Region)
	// Without the instance its key is unknown. Whoever answers at the address could be anybody.
	if bastion.ID == "" && !r.hosts.accept {
		return nil, fmt.Errorf("no instance has the bastion's address %s in %s: it is being replaced, or could not take the address; "+
			"see spacel logs --bastion", bastion.Address, instance.Region)
	}
	before, err := r.hosts.options(what, cmp.Or(bastion.ID, bastion.Address), bastion.HostKey)
	if err != nil {
		return nil, err
	}
	after, err := r.hosts.options(fmt.Sprintf("instance %s in %s", instance.ID, instance.Region), instance.ID, instance.HostKey)
	if err != nil {
		return nil, err
	}
	proxy := slices.Concat([]string{"ssh"}, before, []string{"-W", "%h:%p", r.user + "@" + bastion.Host})
	return slices.Concat([]string{"ssh", "-o", "ProxyCommand=" + proxyLine(proxy)}, after, options,
		[]string{r.user + "@" + instance.PrivateIP}), nil
}

// proxyLine writes a command for ssh's ProxyCommand, which the user's shell reads after ssh has replaced %h, %p and %% (ssh_config(5),
// "TOKENS"). A per cent sign of a file's name must survive both that and the ssh of the bastion.
func proxyLine(argv []string) string {
	for i, word := range argv {
		if word != "%h:%p" {
			argv[i] = strings.ReplaceAll(word, "%", "%%")
		}
	}
	return shellLine(argv)
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

// shellLine quotes a command for a POSIX shell, which then has the same words byte for byte.
func shellLine(argv []string) string {
	quoted := make([]string, len(argv))
	for i, word := range argv {
		quoted[i] = word
		special := strings.ContainsFunc(word, func(r rune) bool { return !strings.ContainsRune(shellPlain, r) })
		// As the first word, A=b would set a variable, and if would begin a condition.
		first := i == 0 && (strings.Contains(word, "=") || slices.Contains(shellReserved, word))
		if special || first || word == "" {
			quoted[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

// shellPlain has the characters that no POSIX shell treats specially. A word of only these needs no quotes.
const shellPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.,:/=@%+"

// shellReserved are the words that begin something other than a command (bash(1), "RESERVED WORDS").
var shellReserved = []string{"case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in", "select", "then",
	"time", "until", "while"}

// sshFailed is ssh's exit code for its own errors. Every other code is the remote command's (ssh(1), EXIT STATUS).
const sshFailed = 255

// errHostKey is the error of a connection that ssh refused because of the host key.
var errHostKey = errors.New("the machine that answered has another SSH host key than the one that the instance recorded at its boot: " +
	"nothing was sent to it; somebody may be in between, or the key on the machine was replaced")

// runSSH runs ssh with these streams and returns the remote command's exit code. Errors of ssh itself are errSilent, since ssh has
// written the reason, or errHostKey.
func runSSH(ctx context.Context, argv []string, stdin io.Reader, stdout, stderr io.Writer) (code int, err error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	watch := &keyWatch{out: stderr}
	// ssh asks for passphrases on the terminal itself, so standard error may be a pipe.
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, watch
	cmd.Cancel = func() error {
		if cmd.Process.Signal(syscall.SIGTERM) != nil { // Windows has no such signal
			return cmd.Process.Kill()
		}
		return nil
	}
	cmd.WaitDelay = sshLinger
	err = cmd.Run()
	exit, ran := errors.AsType[*exec.ExitError](err)
	switch {
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return 0, nil
	case !ran:
		return 0, err // ssh was not started
	case exit.ExitCode() == sshFailed && watch.refused():
		return 0, errHostKey
	case exit.ExitCode() == sshFailed:
		return 0, errSilent
	}
	return max(exit.ExitCode(), 1), nil // -1: a signal ended ssh
}

// sshLinger is how long messages are read after ssh has ended: a shared connection in the background may hold its stream open.
const sshLinger = 2 * time.Second

// keyWatch passes ssh's messages on and looks for the one about a wrong host key.
type keyWatch struct {
	out  io.Writer
	mu   sync.Mutex
	last []byte // the end of the messages so far
}

// Write passes text on.
func (w *keyWatch) Write(p []byte) (int, error) {
	w.mu.Lock()
	w.last = append(w.last, p...)
	w.last = w.last[max(0, len(w.last)-4096):]
	w.mu.Unlock()
	return w.out.Write(p)
}

// refused reports whether ssh refused a host key. ssh of a bastion writes the same message to the same stream.
func (w *keyWatch) refused() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return bytes.Contains(w.last, []byte("Host key verification failed"))
}
