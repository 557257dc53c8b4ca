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

// progress shows a run of deploy or destroy while it lasts.
type progress interface {
	listen(activity.Event)
	begin()                 // shows the first state
	hold() (release func()) // clears the terminal for a question
	footer(text string)     // sets the last line, about an interrupt
	end()
}

// newProgress returns a tree for a terminal, lines for a log, or JSON for a program. Verb is the word for a finished stack:
// deployed or deleted.
func newProgress(c *console, ctx *cli.Context, verb string, stacks []assembly.StackRef) progress {
	switch {
	case ctx.String("output") == "json":
		return plain{jsonLines(c.out), c.stderr}
	case ctx.Bool("quiet"):
		return plain{quietly(explainedLater(lines(c.stderr, false))), c.stderr}
	// Editors and CI systems set TERM=dumb to tell that their terminal cannot move its cursor.
	case isTTY(c.out.w) && os.Getenv("TERM") != "dumb":
		return &picture{out: c.out.w, tree: newTree(c.colour(ctx), time.Now(), verb, stacks)}
	}
	return plain{explainedLater(lines(c.out, false)), c.stderr}
}

// explainedLater returns a listener that leaves the reason of a failed stack out: it is printed once, with the explanation at the end.
func explainedLater(listen activity.Listener) activity.Listener {
	return func(e activity.Event) {
		if e.Kind == activity.Failed {
			e.Reason = ""
		}
		listen(e)
	}
}

// isMoving reports whether the progress is a tree on a terminal, whose last state shows how each stack ended.
func isMoving(p progress) bool {
	_, moving := p.(*picture)
	return moving
}

// quietly returns a listener that passes on failures and warnings only.
func quietly(listen activity.Listener) activity.Listener {
	return func(e activity.Event) {
		if e.Kind == activity.Failed || e.Kind == activity.Warning || e.Kind == activity.LaunchFailed {
			listen(e)
		}
	}
}

// plain is progress in lines, which need no redrawing.
type plain struct {
	to     activity.Listener
	stderr io.Writer
}

func (p plain) listen(e activity.Event) { p.to(e) }
func (p plain) footer(text string)      { fmt.Fprintln(p.stderr, text) }
func (plain) begin()                    {}
func (plain) hold() func()              { return func() {} }
func (plain) end()                      {}

// picture shows a tree on a terminal and redraws it in place, with bubbletea. bubbletea gets no input and no signals: the
// prompter reads answers and interrupts are caught by the process, as without it.
type picture struct {
	out io.Writer // the terminal itself, so that its size is known

	mu      sync.Mutex
	tree    *tree
	program *tea.Program  // nil: nothing is drawn now
	ended   chan struct{} // of the program
	hidden  bool
	begun   bool // drawn once
	over    bool // the run ended: a question that is released late must not draw again
}

// begin draws the tree, unless the run is over.
func (p *picture) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return
	}
	if !p.begun {
		p.begun, p.tree.began = true, time.Now() // the question before is no part of the run's time
	}
	p.start()
}

// start runs a new bubbletea program. A program cannot be continued after Quit, so that each hold ends one and each release
// starts the next. The caller holds the mutex.
func (p *picture) start() {
	p.hidden, p.ended = false, make(chan struct{})
	p.program = tea.NewProgram(model{picture: p}, tea.WithInput(nil), tea.WithOutput(p.out), tea.WithoutSignalHandler())
	go func(program *tea.Program, ended chan struct{}) {
		defer close(ended)
		_, _ = program.Run() // an error of the output is noticed by the console
	}(p.program, p.ended)
}

// listen updates the tree by an event. The next tick draws it, so many events at once cost one drawing.
func (p *picture) listen(e activity.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tree.note(e, time.Now())
}

// footer sets the tree's last line.
func (p *picture) footer(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tree.footer = text
}

// hold removes the tree from the terminal until release is called.
func (p *picture) hold() (release func()) {
	if !p.stop() {
		return func() {}
	}
	return p.begin
}

// end removes the moving tree and prints its last state, which stays on the terminal. A run that never began has none.
func (p *picture) end() {
	p.mu.Lock()
	p.over = true
	p.mu.Unlock()
	p.stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.begun {
		return
	}
	for _, text := range p.tree.final(time.Now()) {
		fmt.Fprintln(p.out, text)
	}
}

// stop ends the bubbletea program and waits for it. It reports whether there was one. The mutex is not held while waiting:
// the program takes it for its last view.
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

// tick is bubbletea's message for drawing the tree again.
type tick time.Time

// refresh is the pause between two drawings of the elapsed times.
const refresh = 200 * time.Millisecond

// ticking returns the command that sends one tick. Update asks for the next one each time.
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
