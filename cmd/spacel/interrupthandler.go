package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/pebble/spacel/deploy/activity"
)

// interruptHandler is what interrupts mean while a command changes what runs in AWS.
//
//	before anything changes    the first ends the command; the second does not wait for it to clean up
//	while stacks change        the first starts no more, and asks what to do on a terminal; the second detaches
//
// A further one ends the process.
type interruptHandler struct {
	console *console
	command string // as it is called: spacel deploy
	cancels bool   // running operations can be cancelled

	control  *activity.Control
	progress progress // nil until there is one

	mu           sync.Mutex
	signals      int             // so far
	begun        bool            // stacks change
	abandon      func()          // ends what goes on before that
	questions    context.Context // of questions; ends with the run, and with the first interrupt
	endQuestions func()          // ends it
}

func newInterruptHandler(c *console, command string, cancels bool) *interruptHandler {
	h := &interruptHandler{console: c, command: command, cancels: cancels, control: activity.NewControl()}
	h.questions, h.endQuestions = context.WithCancel(context.Background())
	h.abandon = func() {}
	return h
}

// preparing says how to end what goes on while nothing changes.
func (h *interruptHandler) preparing(abandon func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.abandon = abandon
	if h.signals > 0 {
		abandon()
	}
}

// begin says that from now on stacks change. It says no when there was an interrupt before.
func (h *interruptHandler) begin() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.begun = h.signals == 0
	return h.begun
}

// count returns the number of interrupts so far.
func (h *interruptHandler) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.signals
}

// interrupt takes the n-th signal. It is called from another goroutine, and does not block.
func (h *interruptHandler) interrupt(n int) {
	h.mu.Lock()
	h.signals = n
	begun, endQuestions, abandon := h.begun, h.endQuestions, h.abandon
	if n == 1 && begun {
		h.questions, h.endQuestions = context.WithCancel(context.Background())
	}
	h.mu.Unlock()
	switch {
	case n == 1:
		h.control.Stop()
		endQuestions() // a question that stands is answered by this
		if !begun {
			abandon()
			return
		}
		go h.choose()
	case n == 2 && begun:
		h.detach()
	default:
		fmt.Fprintf(h.console.stderr, "\n%s: ended at once; run it again to pick up or to clean up what is left\n", h.command)
		os.Exit(exitInterrupted)
	}
}

// choose lets the user say what becomes of what runs.
func (h *interruptHandler) choose() {
	if !h.console.prompter.possible() {
		h.say("interrupted: no more stacks start; waiting for those that run. Interrupt again to leave them to CloudFormation")
		return
	}
	choices := "[w]ait for it, or [d]etach and leave it to CloudFormation?"
	if h.cancels {
		choices = "[w]ait for it, [c]ancel it and roll back, or [d]etach and leave it to CloudFormation?"
	}
	h.mu.Lock()
	questions := h.questions
	h.mu.Unlock()
	for {
		answer, err := h.console.prompter.line(questions, "interrupted: no more stacks start. What runs: "+choices+" ")
		if err != nil {
			return // it ended meanwhile, or was interrupted again
		}
		if h.chosen(strings.ToLower(answer)) {
			return
		}
	}
}

func (h *interruptHandler) chosen(answer string) bool {
	switch {
	case answer == "d", answer == "detach":
		h.detach()
	case h.cancels && (answer == "c" || answer == "cancel"):
		h.control.Cancel()
		h.say("cancelling")
	case answer == "w", answer == "wait":
		h.say("waiting")
	default:
		return false
	}
	return true
}

func (h *interruptHandler) detach() {
	h.mu.Lock()
	endQuestions := h.endQuestions
	h.mu.Unlock()
	endQuestions()
	h.control.Detach()
}

// say shows how things stand, where the progress is shown.
func (h *interruptHandler) say(text string) {
	if h.progress == nil {
		fmt.Fprintln(h.console.stderr, text)
		return
	}
	h.progress.footer(text)
}

// over ends questions that nobody needs to answer any more.
func (h *interruptHandler) over() {
	h.mu.Lock()
	endQuestions := h.endQuestions
	h.mu.Unlock()
	endQuestions()
}

// question is the context that a question is asked in: the run's, until an interrupt answers it.
func (h *interruptHandler) question(ctx context.Context) (context.Context, context.CancelFunc) {
	h.mu.Lock()
	questions := h.questions
	h.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(questions, cancel)
	return ctx, func() { stop(); cancel() }
}

// interrupted tells an interrupt from another error.
func (h *interruptHandler) interrupted(err error) error {
	if h.count() == 0 {
		return err
	}
	h.mu.Lock()
	begun := h.begun
	h.mu.Unlock()
	if !begun {
		return interruption(h.command + ": interrupted; nothing was changed")
	}
	return interruption(h.command + ": interrupted; run the same command again to go on")
}
