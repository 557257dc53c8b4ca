// Command spacel compiles orbit and app manifests into CloudFormation templates, reviews what changed, and deploys it.
//
//	main.go              process: exit codes
//	app.go               the list of commands, and the flags that all have
//	arguments.go         the command line put in order
//	console.go           the streams of a command
//	manifests.go         manifests → stacks, for the commands that compile
//	target.go            the orbit of a command line, in an AWS account
//	selection.go         --stack, --app and --region
//	settings.go          options of deploy, from flags and environment
//	interrupts.go        signals of the process
//	interrupthandler.go  interrupts while stacks change
//	prompter.go          questions on a terminal
//	consent.go           the questions that deploy asks
//	progress.go          a run on a terminal (tree.go), in a log or for a program (deployevents.go)
//	sshroute.go          the way to an instance, for ssh, exec and tunnel; knownhosts.go its host keys
//	secreteditor.go      an app's secrets, for spacel secret
//	build.go, vet.go, diff.go, deploy.go …   a command each
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	safe "github.com/pebble/spacel/internal/printable"
)

// Exit codes, the same for every command.
const (
	exitYes         = 0
	exitNo          = 1 // mistakes in manifests, differences found, a failed stack
	exitError       = 2 // the call was wrong, or AWS or the network failed
	exitInterrupted = 130
)

const interrupted = "spacel: interrupted; nothing was changed"

// ballast is the size of an allocation that nothing touches, so the system never backs it with memory. Go's garbage
// collector counts it as live heap and starts its first collection later, at ballast × (1 + gcPercent/100), which is 128 MiB: a
// small build ends before it. A large one stays below 1.33 times its live heap plus a third of the ballast. Measured for 4,003 stacks:
// docs/limits.md.
const (
	ballast   = 96 << 20
	gcPercent = 33
)

func main() {
	// KeepAlive at the end keeps the collector from freeing it before.
	heavy := make([]byte, ballast)
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx := catchInterrupts(context.Background(), os.Stderr)
	code := run(ctx, os.Args, os.Stdin, os.Stdout, os.Stderr)
	runtime.KeepAlive(heavy)
	os.Exit(code)
}

// run is the program without its process, as tests call it. Args starts with the program's name. It returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return newConsole(stdin, stdout, stderr).run(ctx, args)
}

// run runs a command line on the console, and returns the exit code.
func (c *console) run(ctx context.Context, args []string) int {
	app := newApp(c)
	if last := len(args) - 1; last > 0 && args[last] == completing {
		if words, ok := completions(app, args[1:last]); ok {
			for _, word := range words {
				fmt.Fprintln(c.out, word)
			}
			return c.exit(c.out.err)
		}
	}
	// The cli library stops reading flags at the first argument. arrange puts flags first, so they may stand anywhere.
	arranged, err := arrange(app, args)
	if err == nil {
		err = app.RunContext(ctx, arranged)
	}
	if err == nil {
		err = c.out.err // a full disk or a closed pipe is no success
	}
	return c.exit(err)
}

// errNo is the error of a command whose answer is no (exit code 1). The reason was printed.
var errNo = errors.New("no")

// no is errNo with a reason that exit prints.
type no string

// Error returns the reason.
func (n no) Error() string { return string(n) }

// Is makes errors.Is(err, errNo) true for every reason.
func (no) Is(target error) bool { return target == errNo }

// remoteCode is the error of a remote command that failed: spacel ends with the same exit code. The command itself said why.
type remoteCode int

// Error returns the code in words.
func (code remoteCode) Error() string {
	return fmt.Sprintf("the remote command ended with exit code %d", int(code))
}

// exit prints the error of a command on standard error and returns the exit code. Several joined errors have a line each.
func (c *console) exit(err error) int {
	switch {
	case err == nil:
		return exitYes
	case errors.Is(err, errNo):
		if reason, ok := errors.AsType[no](err); ok {
			fmt.Fprintln(c.stderr, safe.Line(errorLine(reason)))
		}
		return exitNo
	case errors.As(err, new(remoteCode)):
		code, _ := errors.AsType[remoteCode](err)
		return int(code)
	case errors.As(err, new(interruption)):
		fmt.Fprintln(c.stderr, safe.Line(errorLine(err)))
		return exitInterrupted
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(c.stderr, interrupted)
		return exitInterrupted
	case errors.Is(err, errSilent):
		return exitError
	}
	for line := range strings.Lines(errorLine(err)) {
		fmt.Fprintln(c.stderr, withProgram(safe.Line(strings.TrimRight(line, "\n")))) // several errors in one are a line each
	}
	return exitError
}

// errorLine returns an error's text after the program's name.
func errorLine(err error) string { return withProgram(errorText(err)) }

// errorText returns an error's text. A *fs.PathError loses the name of the system call: "open x: no such file" says no more than
// "x: no such file".
func errorText(err error) string {
	text := err.Error()
	if file, ok := errors.AsType[*fs.PathError](err); ok {
		text = strings.Replace(text, file.Error(), safe.Name(file.Path)+": "+file.Err.Error(), 1)
	}
	return text
}

// withProgram puts the program's name before a text, unless the text begins with it or with a command: spacel build: …
func withProgram(text string) string {
	if strings.HasPrefix(text, "spacel ") || strings.HasPrefix(text, "spacel:") {
		return text
	}
	return "spacel: " + text
}

// errSilent is the error of a command that fails with exit code 2. The reason was printed.
var errSilent = errors.New("failed")
