package main

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/term"

	"github.com/pebble/spacel/deploy"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/cloud"
	carried "github.com/pebble/spacel/deploy/release"
	"github.com/pebble/spacel/internal/jsontext"
)

// console holds the input and output streams of a command. Tests put buffers in their place.
type console struct {
	stdin    io.Reader
	out      *checked // standard output
	stderr   io.Writer
	terminal bool // standard output shows colours
	prompter *prompter
	poll     time.Duration                     // between two looks at an operation in AWS; 0: deploy's default. Tests shorten it
	programs carried.Binaries                  // for instances and alarms. Tests have small ones
	patience time.Duration                     // for an accepted operation to begin; 0: live.DefaultPatience
	timing   cloud.Timing                      // of calls of AWS
	session  deploy.Session                    // of the credentials, once a command that changes something has connected
	waiting  atomic.Pointer[func(line string)] // shows a call without an answer; nil: on stderr
}

// newConsole looks at the streams once. The environment's NO_COLOR (https://no-color.org) and a dumb terminal turn colours
// off.
func newConsole(stdin io.Reader, stdout, stderr io.Writer) *console {
	return &console{
		stdin:    stdin,
		out:      &checked{w: stdout, shown: visible{w: stdout}},
		stderr:   &visible{w: stderr},
		terminal: isTerminal(stdout) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
		prompter: newPrompter(stdin, stderr),
		programs: carried.Embedded(),
	}
}

// isTerminal reports whether w is a character device. The null device is one, too, which does no harm for colours. See
// isTTY for questions.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// width is the width of the terminal in characters, 0 when standard output is none.
func (c *console) width() int {
	file, ok := c.out.w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// checked is a writer that remembers its first error, so that commands can print without checking each call. run turns the
// error into exit code 2: a full disk must not look like success.
type checked struct {
	w     io.Writer // the stream itself, for what is drawn on a terminal
	shown visible   // the same, for text
	err   error
}

// Write writes to the stream until the first error, and from then on returns this error without writing.
func (c *checked) Write(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.shown.Write(p)
	c.err = err
	return n, err
}

// printJSON prints a value for --output json.
func (c *console) printJSON(v any) error { return jsontext.WriteIndent(c.out, v) }

// tellOfWaiting tells the user about a call of AWS without an answer. While stacks change, the line is an event like the others.
func (c *console) tellOfWaiting(line string) {
	if show := c.waiting.Load(); show != nil {
		(*show)(line)
		return
	}
	fmt.Fprintln(c.stderr, withProgram(printable(line)))
}

// waitingAsEvents shows calls without an answer among the events of a run: other lines would break the picture on a terminal.
func (c *console) waitingAsEvents(listen activity.Listener) {
	show := func(line string) {
		listen(activity.Event{Time: time.Now().UTC(), Kind: activity.Warning, Reason: line})
	}
	c.waiting.Store(&show)
}
