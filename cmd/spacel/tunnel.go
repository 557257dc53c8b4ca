package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/instances"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/stores"
	"github.com/pebble/spacel/schema/report"
)

const tunnelDescription = `Forwards a port of this machine to a database or a cache of an app, through the bastion and an instance of the
app, and prints the URL to use. The port is the store's own, or that of --port, and only this machine can connect to
it. Ctrl-C closes the tunnel.

The URL has no password, unless you ask with --password: then it is read from Secrets Manager, with your own rights. The
server's certificate has the store's name and not 127.0.0.1, so a client can require TLS here, but not verify the name.

   spacel tunnel laika main --orbit production
   spacel tunnel laika sessions --orbit production --port 16379 --password`

// tunnelCommand forwards a port by ssh -L.
func tunnelCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "tunnel",
		Usage:       "reach a database or a cache of an app from this machine",
		ArgsUsage:   "APP DATABASE|CACHE",
		Description: tunnelDescription,
		Flags: append(routeFlags(),
			&cli.IntFlag{Name: "port", DefaultText: "the store's",
				Usage: "listen on this `PORT` of 127.0.0.1; 0 takes a free one; else the store's own"},
			&cli.BoolFlag{Name: "password", Usage: "print the password in the URL", DisableDefaultText: true},
		),
		Action: func(ctx *cli.Context) error { return runTunnel(c, ctx) },
	})
}

// The tunnel is ssh -L to an instance of the app, with a remote command that waits. A command, and not ssh -N, tells when the login has
// succeeded, and ends on the instance when this process ends. The bytes of the store's own protocol pass unchanged, its TLS included.

// runTunnel finds the store and an instance in its region, and forwards until the user interrupts it.
func runTunnel(c *console, ctx *cli.Context) error {
	if err := exactly(ctx, 2, "an app's name and a database's or cache's"); err != nil {
		return err
	}
	app, name := ctx.Args().Get(0), ctx.Args().Get(1)
	r, err := findRoutes(c, ctx, app)
	if err != nil {
		return err
	}
	store, err := findStore(ctx.Context, r, name)
	if err != nil {
		return err
	}
	// A store accepts connections from the app's instances of its own region: its security group names theirs.
	near := slices.DeleteFunc(slices.Clone(r.found), func(i instances.Instance) bool { return i.Region != store.Region })
	instance, err := choose(app, "", near)
	if err != nil {
		return fmt.Errorf("%s of %s is in %s: %w", name, app, store.Region, err)
	}
	port, err := localPort(ctx, store)
	if err != nil {
		return err
	}
	forward := fmt.Sprintf("127.0.0.1:%d:%s", port, net.JoinHostPort(store.Host, strconv.Itoa(store.Port)))
	argv, err := r.to(ctx.Context, instance, "-T", "-o", "ExitOnForwardFailure=yes", "-o", "ServerAliveInterval=30", "-L", forward)
	if err != nil {
		return err
	}
	if ctx.Bool("print") {
		_, err := fmt.Fprintln(c.out, shellLine(append(argv, remoteWait)))
		return err
	}
	var who stores.Credentials
	if ctx.Bool("password") {
		if who, err = store.Credentials(ctx.Context, r.Region(store.Region)); err != nil {
			return err
		}
	}
	return forwardPort(ctx.Context, c, append(argv, remoteWait), func() {
		fmt.Fprintln(c.out, store.URL("127.0.0.1", port, who))
		if !ctx.Bool("quiet") {
			fmt.Fprintf(c.stderr, "127.0.0.1:%d is %s:%d, through %s; Ctrl-C closes the tunnel\n", port, store.Host, store.Port,
				instance.ID)
		}
	})
}

// findStore looks for the database or cache in the app's stacks. One that several regions use is in the stack of its own region.
func findStore(ctx context.Context, r *routes, name string) (stores.Store, error) {
	stacks := live.New(r.Cloud)
	known := map[string]bool{}
	for _, region := range r.Regions {
		stack, err := stacks.Get(ctx, assembly.StackRef{Region: region, Name: document.StackName(r.Orbit, r.app)})
		if err != nil {
			return stores.Store{}, err
		}
		if stack == nil {
			continue
		}
		found, err := stores.Find(ctx, stacks, stack)
		if err != nil {
			return stores.Store{}, err
		}
		if s, ok := found[name]; ok {
			if s.Port == 0 {
				return s, fmt.Errorf("the deployed template of %s does not tell the port of %s", stack.StackRef, name)
			}
			return s, nil
		}
		for other := range found {
			known[other] = true
		}
	}
	names := slices.Sorted(maps.Keys(known))
	if len(names) == 0 {
		return stores.Store{}, fmt.Errorf("app %s has no database and no cache in %s", r.app, strings.Join(r.Regions, ", "))
	}
	return stores.Store{}, fmt.Errorf("app %s has no database or cache %s%s; there is %s", r.app, name, report.Suggest(name, names),
		strings.Join(names, ", "))
}

// localPort returns the port to listen on, after a test whether it is free: ssh would tell so only after the login.
func localPort(ctx *cli.Context, store stores.Store) (int, error) {
	// The store's own port is what clients expect, and what their saved settings have.
	port := store.Port
	if ctx.IsSet("port") {
		port = ctx.Int("port")
	}
	if port < 0 || port > 65535 {
		return 0, fmt.Errorf("--port must be 0 to 65535, got %d", port)
	}
	listener, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return 0, fmt.Errorf("port %d of this machine cannot be used: %w; choose another one with --port, or any free one with --port 0",
			port, unwrapped(err))
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// unwrapped returns the innermost error, such as "address already in use".
func unwrapped(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err
}

// ready is the line of the remote side that says that ssh has logged in. ssh opens the local port before that.
const ready = "spacel-tunnel-ready"

// remoteWait is the command at the other end. It ends with its input, so that nothing is left behind when this process ends in
// whatever way.
const remoteWait = "echo " + ready + "; exec cat >/dev/null"

// forwardPort runs ssh until it ends or the user interrupts it, which is the usual end and no error. It calls open when the tunnel is
// there.
func forwardPort(ctx context.Context, c *console, argv []string, open func()) error {
	// A file and not a Go pipe: exec then hands the descriptor on, and no goroutine of ours holds it.
	// The remote command reads the pipe, whose other end closes with this process at the latest.
	input, hold, err := os.Pipe()
	if err != nil {
		return err
	}
	defer input.Close()
	defer hold.Close()
	output, tell := io.Pipe()
	opened := make(chan bool, 1)
	// The login shell of the instance may print lines of its own before the marker.
	go func() {
		lines := bufio.NewScanner(output)
		for lines.Scan() {
			if strings.TrimSpace(lines.Text()) == ready {
				open()
				opened <- true
			}
		}
		_, _ = io.Copy(io.Discard, output)
	}()
	_, err = runSSH(ctx, argv, input, tell, c.stderr)
	tell.Close()
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(c.stderr, "the tunnel is closed")
		return nil
	case err == nil, errors.Is(err, errSilent) && len(opened) > 0:
		return errors.New("the connection of the tunnel ended")
	}
	return err
}
