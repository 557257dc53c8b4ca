package main

import (
	"io"
	"os"
	"time"

	"github.com/pebble/spacel/internal/jsontext"
)

// console is what a command reads and prints to.
type console struct {
	stdin    io.Reader
	out      *checked // standard output
	stderr   io.Writer
	terminal bool // standard output is one that shows colours
	prompter *prompter
	poll     time.Duration // between two looks at an operation in AWS; 0: as often as is good for it
}

func newConsole(stdin io.Reader, stdout, stderr io.Writer) *console {
	return &console{
		stdin:    stdin,
		out:      &checked{w: stdout},
		stderr:   stderr,
		terminal: isTerminal(stdout) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
		prompter: newPrompter(stdin, stderr),
	}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// checked remembers the first failure, so that commands can print without looking.
type checked struct {
	w   io.Writer
	err error
}

func (c *checked) Write(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.w.Write(p)
	c.err = err
	return n, err
}

// json prints a value for a program to read.
func (c *console) printJSON(v any) error { return jsontext.WriteIndent(c.out, v) }
