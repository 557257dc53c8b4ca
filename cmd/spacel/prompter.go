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

// prompter asks questions on a terminal. Questions go to standard error, so that standard output can be piped. Answers are
// lines of standard input.
type prompter struct {
	in   io.Reader
	out  io.Writer
	both bool // both are terminals

	turn    sync.Mutex // one question at a time
	from    *bufio.Reader
	answers chan answer
	reading bool                    // a read is under way, whose line no question has got yet
	hold    func() (release func()) // clears the progress display from the terminal; may be nil
}

// answer is one line read, or the error of reading it.
type answer struct {
	line string
	err  error
}

// newPrompter makes a prompter on the given input and output. Questions need a terminal on both sides, see possible.
func newPrompter(in io.Reader, out io.Writer) *prompter {
	return &prompter{in: in, out: out, both: isTTY(in) && isTTY(out), from: bufio.NewReader(in), answers: make(chan answer, 1)}
}

// isTTY is stricter than isTerminal: the null device shows colours as well as any, and answers nothing.
func isTTY(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// possible reports whether a person can be asked: standard input and standard error are terminals.
func (p *prompter) possible() bool { return p.both }

// errNoTerminal is the error of a question when standard input or standard error is no terminal.
var errNoTerminal = errors.New("there is no terminal to ask on")

// errNoAnswer is the error of a question when the input ended.
var errNoAnswer = errors.New("no answer")

// yes asks a question. Only y and yes mean yes, and everything else no.
func (p *prompter) yes(ctx context.Context, question string) (bool, error) {
	answer, err := p.line(ctx, question+" [y/N] ")
	answer = strings.ToLower(answer)
	return answer == "y" || answer == "yes", err
}

// line asks for a line. When the context ends it returns its cause at once, and the read of the line goes on: a read from a
// terminal cannot be cancelled.
func (p *prompter) line(ctx context.Context, question string) (string, error) {
	if !p.both {
		return "", errNoTerminal
	}
	p.turn.Lock()
	defer p.turn.Unlock()
	defer p.held()()
	fmt.Fprint(p.out, question)
	p.read()
	select {
	case <-ctx.Done():
		fmt.Fprintln(p.out)
		return "", context.Cause(ctx)
	case got := <-p.answers:
		p.reading = false
		if got.err != nil && got.line == "" {
			fmt.Fprintln(p.out)
			return "", errNoAnswer
		}
		return strings.TrimSpace(got.line), nil
	}
}

// read begins to read a line in a goroutine, unless an earlier question gave up and left one reading. Its line then answers
// the next question.
func (p *prompter) read() {
	if p.reading {
		return
	}
	p.reading = true
	go func() {
		line, err := p.from.ReadString('\n')
		p.answers <- answer{line, err}
	}()
}

// held calls hold, if there is one, and returns the function that ends it.
func (p *prompter) held() (release func()) {
	if p.hold == nil {
		return func() {}
	}
	return p.hold()
}

// secret asks for a line without showing it. The terminal is switched to raw mode, so that Ctrl-C arrives as a character
// instead of a signal.
func (p *prompter) secret(ctx context.Context, question string) (value string, err error) {
	if !p.both {
		return "", errNoTerminal
	}
	p.turn.Lock()
	defer p.turn.Unlock()
	defer p.held()()
	fd := int(p.in.(*os.File).Fd())
	before, err := term.MakeRaw(fd) // before the question appears: a fast answer must not be shown
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, term.Restore(fd, before)) }()
	screen := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{p.in, p.out}, "")
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
