package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
)

// progress shows a run while it goes on.
type progress interface {
	listen(activity.Event)
	begin()                 // the first picture
	hold() (release func()) // leaves the terminal to a question
	footer(text string)     // says how things stand, and how to end it
	end()
}

// newProgress is a tree on a terminal, lines in a log, JSON for a program.
func newProgress(c *console, ctx *cli.Context, verb string, stacks []assembly.StackRef) progress {
	switch {
	case ctx.String("output") == "json":
		return plain{jsonLines(c.out), c.stderr}
	case ctx.Bool("quiet"):
		return plain{quietly(lines(c.stderr, false)), c.stderr}
	case isTTY(c.out.w) && os.Getenv("TERM") != "dumb":
		return &picture{out: c.out.w, tree: newTree(c.colour(ctx), time.Now(), verb, stacks)}
	}
	return plain{lines(c.out, false), c.stderr}
}

// quietly passes on what went wrong.
func quietly(listen activity.Listener) activity.Listener {
	return func(e activity.Event) {
		if e.Kind == activity.Failed || e.Kind == activity.Warning {
			listen(e)
		}
	}
}

// plain is progress that is only written.
type plain struct {
	to     activity.Listener
	stderr io.Writer
}

func (p plain) listen(e activity.Event) { p.to(e) }
func (p plain) footer(text string)      { fmt.Fprintln(p.stderr, text) }
func (plain) begin()                    {}
func (plain) hold() func()              { return func() {} }
func (plain) end()                      {}

// picture draws a tree and redraws it in place. It takes no input: interrupts and answers go their usual ways.
type picture struct {
	out io.Writer // the terminal itself, so that its size is known

	mu      sync.Mutex
	tree    *tree
	program *tea.Program  // nil: nothing is drawn now
	ended   chan struct{} // of the program
	hidden  bool
	over    bool // nothing is drawn any more, whatever question is given up late
}

func (p *picture) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.over {
		p.start()
	}
}

func (p *picture) start() {
	p.hidden, p.ended = false, make(chan struct{})
	p.program = tea.NewProgram(model{picture: p}, tea.WithInput(nil), tea.WithOutput(p.out), tea.WithoutSignalHandler())
	go func(program *tea.Program, ended chan struct{}) {
		defer close(ended)
		_, _ = program.Run() // that output fails is noticed by the console
	}(p.program, p.ended)
}

func (p *picture) listen(e activity.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tree.note(e, time.Now())
}

func (p *picture) footer(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tree.footer = text
}

// hold takes the tree off the terminal until it is released.
func (p *picture) hold() (release func()) {
	if !p.stop() {
		return func() {}
	}
	return p.begin
}

// end leaves on the screen what went wrong; the tree goes.
func (p *picture) end() {
	p.mu.Lock()
	p.over = true
	p.mu.Unlock()
	p.stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, text := range p.tree.said {
		fmt.Fprintln(p.out, text)
	}
}

// stop says whether anything was drawn.
func (p *picture) stop() bool {
	p.mu.Lock()
	program, ended := p.program, p.ended
	p.program, p.hidden = nil, true
	p.mu.Unlock()
	if program == nil {
		return false
	}
	program.Quit()
	<-ended
	return true
}

// model is the picture as bubbletea asks for it.
type model struct {
	picture       *picture
	width, height int
}

type tick time.Time

// refresh is how often elapsed times are drawn.
const refresh = 200 * time.Millisecond

func ticking() tea.Cmd { return tea.Tick(refresh, func(t time.Time) tea.Msg { return tick(t) }) }

// Init starts the clock.
func (model) Init() tea.Cmd { return ticking() }

// Update takes the terminal's size and the clock.
func (m model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tick:
		return m, ticking()
	}
	return m, nil
}

// View is empty in the end: what follows says how things stand.
func (m model) View() tea.View {
	m.picture.mu.Lock()
	defer m.picture.mu.Unlock()
	view := tea.NewView("")
	if !m.picture.hidden && m.width > 0 {
		view.SetContent(m.picture.tree.view(m.width, m.height, time.Now()))
	}
	view.DisableBracketedPasteMode = true // what is typed is not ours
	return view
}
