package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"
)

// prompter asks on a terminal: questions go to standard error, so that what a command prints can be piped; answers are lines
// of standard input.
type prompter struct {
	in   io.Reader
	out  io.Writer
	both bool // both are terminals

	turn    sync.Mutex // one question at a time
	from    *bufio.Reader
	answers chan answer
	reading bool                    // a line that no question got yet
	hold    func() (release func()) // keeps what else is drawn on the terminal away; may be nil
}

type answer struct {
	line string
	err  error
}

func newPrompter(in io.Reader, out io.Writer) *prompter {
	return &prompter{in: in, out: out, both: isTTY(in) && isTTY(out), from: bufio.NewReader(in), answers: make(chan answer, 1)}
}

// isTTY is stricter than isTerminal: the null device shows colours as well as any, and answers nothing.
func isTTY(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// possible says whether there is anybody to ask.
func (a *prompter) possible() bool { return a.both }

// errNoTerminal is for a question without a terminal to ask it on.
var errNoTerminal = errors.New("there is no terminal to ask on")

// errNoAnswer is for the end of the input in the place of an answer.
var errNoAnswer = errors.New("no answer")

// yes asks a question whose answer is no unless it is y or yes.
func (a *prompter) yes(ctx context.Context, question string) (bool, error) {
	answer, err := a.line(ctx, question+" [y/N] ")
	answer = strings.ToLower(answer)
	return answer == "y" || answer == "yes", err
}

// line asks for a line. It gives up with the context.
func (a *prompter) line(ctx context.Context, question string) (string, error) {
	if !a.both {
		return "", errNoTerminal
	}
	a.turn.Lock()
	defer a.turn.Unlock()
	defer a.held()()
	fmt.Fprint(a.out, question)
	a.read()
	select {
	case <-ctx.Done():
		fmt.Fprintln(a.out)
		return "", context.Cause(ctx)
	case got := <-a.answers:
		a.reading = false
		if got.err != nil && got.line == "" {
			fmt.Fprintln(a.out)
			return "", errNoAnswer
		}
		return strings.TrimSpace(got.line), nil
	}
}

// read begins to read a line. What a question that was given up leaves unread is the next one's.
func (a *prompter) read() {
	if a.reading {
		return
	}
	a.reading = true
	go func() {
		line, err := a.from.ReadString('\n')
		a.answers <- answer{line, err}
	}()
}

func (a *prompter) held() (release func()) {
	if a.hold == nil {
		return func() {}
	}
	return a.hold()
}

// secret asks for a line that is not shown.
func (a *prompter) secret(ctx context.Context, question string) (value string, err error) {
	if !a.both {
		return "", errNoTerminal
	}
	a.turn.Lock()
	defer a.turn.Unlock()
	defer a.held()()
	fd := int(a.in.(*os.File).Fd())
	before, err := term.MakeRaw(fd) // from before the question on, for those who type at once
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, term.Restore(fd, before)) }()
	screen := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{a.in, a.out}, "")
	typed := make(chan answer, 1)
	go func() {
		line, err := screen.ReadPassword(question)
		if errors.Is(err, io.EOF) {
			err = context.Canceled // Ctrl-C is no signal here
		}
		typed <- answer{line, err}
	}()
	select {
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case got := <-typed:
		return got.line, got.err
	}
}
