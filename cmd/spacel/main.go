// Command spacel compiles orbit and app manifests into CloudFormation templates, reviews what changed, and deploys it.
//
//	main.go              process: exit codes
//	app.go               the list of commands, and the flags that all have
//	arguments.go         the command line put in order
//	console.go           what a command reads from and prints to
//	manifests.go         manifests → stacks, for the commands that compile
//	target.go            the orbit that a command line means, in an AWS account
//	selection.go         --stack, --app and --region
//	settings.go          what deploy is told by flags and environment
//	interrupts.go        signals of the process
//	interrupthandler.go  interrupts while stacks change
//	prompter.go          questions on a terminal
//	consent.go           the questions that deploy asks
//	progress.go          a run on a terminal (tree.go), in a log or for a program (deployevents.go)
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
	"strings"
)

// Exit codes, the same for every command.
const (
	exitYes         = 0
	exitNo          = 1 // mistakes in manifests, differences asked for
	exitError       = 2 // the call was wrong or the world failed
	exitInterrupted = 130
)

const interrupted = "spacel: interrupted; nothing was changed"

// ballast is memory that is never touched, and so never resident. The collector counts it and starts later: a small build
// ends before its first collection, and a large one still stays below twice its live heap and this.
const ballast = 64 << 20

func main() {
	heavy := make([]byte, ballast)
	ctx := catchInterrupts(context.Background(), os.Stderr)
	code := run(ctx, os.Args, os.Stdin, os.Stdout, os.Stderr)
	runtime.KeepAlive(heavy)
	os.Exit(code)
}

// run is the program without its process. Args starts with the program's name.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	c := newConsole(stdin, stdout, stderr)
	app := newApp(c)
	arranged, err := arrange(app, args)
	if err == nil {
		err = app.RunContext(ctx, arranged)
	}
	if err == nil {
		err = c.out.err // a full disk or a closed pipe is no success
	}
	return c.exit(err)
}

// errNo ends a command whose answer is no. The reason was printed.
var errNo = errors.New("no")

// no is errNo with its reason, which is yet to be printed.
type no string

func (n no) Error() string { return string(n) }

func (no) Is(target error) bool { return target == errNo }

// exit says what went wrong, on one line of standard error for each error, and gives the exit code.
func (c *console) exit(err error) int {
	switch {
	case err == nil:
		return exitYes
	case errors.Is(err, errNo):
		if reason, ok := errors.AsType[no](err); ok {
			fmt.Fprintln(c.stderr, oneLine(reason))
		}
		return exitNo
	case errors.As(err, new(interruption)):
		fmt.Fprintln(c.stderr, oneLine(err))
		return exitInterrupted
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(c.stderr, interrupted)
		return exitInterrupted
	case errors.Is(err, errSilent):
		return exitError
	}
	for line := range strings.Lines(oneLine(err)) {
		fmt.Fprintln(c.stderr, prefixed(strings.TrimRight(line, "\n"))) // several errors in one are a line each
	}
	return exitError
}

// oneLine begins with the program's name, or with that of the command. A file that is not there needs no system call's
// name.
func oneLine(err error) string {
	text := err.Error()
	if file, ok := err.(*fs.PathError); ok {
		text = file.Path + ": " + file.Err.Error()
	}
	return prefixed(text)
}

func prefixed(text string) string {
	if strings.HasPrefix(text, "spacel ") || strings.HasPrefix(text, "spacel:") {
		return text
	}
	return "spacel: " + text
}

// errSilent ends a command with exitError. The reason was printed.
var errSilent = errors.New("failed")
