package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/pebble/spacel/deploy/activity"
)

// interruptHandler decides what interrupts do while a command changes stacks in AWS.
//
//	before anything changes    the first cancels the command, which cleans up; the second ends the process
//	while stacks change        the first starts no further stack, and on a terminal asks what to do; the second detaches
//
// A third one ends the process. Operations of CloudFormation run on in each case: only their rollback can be asked for.
//
// Interrupts arrive on another goroutine than the run's, so that all state is behind the mutex.
type interruptHandler struct {
	console *console
	command string // as it is called: spacel deploy
	cancels bool   // running operations can be cancelled

	control  *activity.Control
	progress progress // nil until there is one

	mu           sync.Mutex
	signals      int             // so far
	offered      bool            // see offer
	begun        bool            // stacks are being changed
	abandon      func()          // cancels the preparation
	questions    context.Context // of questions; ends with the run, and with the first interrupt
	endQuestions func()          // ends it
}

// newInterruptHandler returns a handler for one run. cancels is false for destroy: a deletion cannot be rolled back.
func newInterruptHandler(c *console, command string, cancels bool) *interruptHandler {
	h := &interruptHandler{console: c, command: command, cancels: cancels, control: activity.NewControl()}
	h.questions, h.endQuestions = context.WithCancel(context.Background())
	h.abandon = func() {}
	return h
}

// preparing sets the function that cancels the preparation of a plan. It is called at once when an interrupt came first.
func (h *interruptHandler) preparing(abandon func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.abandon = abandon
	if h.signals > 0 {
		abandon()
	}
}

// begin marks the point from which stacks change. It returns false after an interrupt, and the caller must not start then:
// the user who interrupted was told that nothing changes.
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

// interrupt handles the n-th signal. It is called from the goroutine that receives signals and must not block it: a question
// would keep the next signal from arriving. So choose runs in a goroutine of its own.
func (h *interruptHandler) interrupt(n int) {
	h.mu.Lock()
	h.signals = n
	begun, endQuestions, abandon := h.begun, h.endQuestions, h.abandon
	// The open question ends. choose asks a new one, which needs a context of its own.
	if n == 1 && begun {
		h.questions, h.endQuestions = context.WithCancel(context.Background())
	}
	h.mu.Unlock()
	switch {
	case n == 1:
		h.control.Stop()
		endQuestions() // an open question gets no answer: the interrupt is one
		if !begun {
			abandon()
			return
		}
		go h.choose("interrupted: no further stack starts. Running stacks: ")
	case n == 2 && begun:
		h.detach()
	default:
		fmt.Fprintf(h.console.stderr, "\n%s: ended at once; run the same command again to continue and clean up\n", h.command)
		os.Exit(exitInterrupted)
	}
}

// offer asks, once in a run and on a terminal, what to do with running operations that will probably fail. The run goes on meanwhile,
// and without an answer to its end.
func (h *interruptHandler) offer() {
	h.mu.Lock()
	may := h.begun && h.signals == 0 && !h.offered && h.cancels && h.console.prompter.possible()
	h.offered = h.offered || may
	h.mu.Unlock()
	if may {
		go h.choose("EC2 could not launch an instance, and tries again (see above). Running stacks: ")
	}
}

// choose asks what to do with the running operations, until there is a valid answer. Without a terminal the run waits for
// them. The question ends without an answer when the run ends, or with the next interrupt.
func (h *interruptHandler) choose(why string) {
	if !h.console.prompter.possible() {
		h.say("interrupted: no further stack starts; waiting for the running ones. Interrupt again to leave them to CloudFormation")
		return
	}
	choices := "[w]ait, or [d]etach and leave them to CloudFormation?"
	if h.cancels {
		choices = "[w]ait, [c]ancel and roll back, or [d]etach and leave them to CloudFormation?"
	}
	h.mu.Lock()
	questions := h.questions
	h.mu.Unlock()
	for {
		answer, err := h.console.prompter.line(questions, why+choices+" ")
		if err != nil {
			return // the run ended, or was interrupted again
		}
		if h.chosen(strings.ToLower(answer)) {
			return
		}
	}
}

// chosen carries out an answer, and reports whether it was one of the choices.
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

// detach stops following the running operations. They continue in CloudFormation.
func (h *interruptHandler) detach() {
	h.mu.Lock()
	endQuestions := h.endQuestions
	h.mu.Unlock()
	endQuestions()
	h.control.Detach()
}

// say prints a line about the interrupt: in the footer of the progress display, or on standard error before there is one.
func (h *interruptHandler) say(text string) {
	if h.progress == nil {
		fmt.Fprintln(h.console.stderr, text)
		return
	}
	h.progress.footer(text)
}

// over ends an open question when the run is over.
func (h *interruptHandler) over() {
	h.mu.Lock()
	endQuestions := h.endQuestions
	h.mu.Unlock()
	endQuestions()
}

// question returns a context for asking a question. It ends with ctx or with the next interrupt, whichever is first. The
// caller must call the returned function when it has the answer.
func (h *interruptHandler) question(ctx context.Context) (context.Context, context.CancelFunc) {
	h.mu.Lock()
	questions := h.questions
	h.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(questions, cancel)
	return ctx, func() { stop(); cancel() }
}

// interrupted replaces the error of a run by an interruption if there was an interrupt, because the error is then only its
// consequence. The text tells whether anything may have been changed.
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
	return interruption(h.command + ": interrupted; run the same command again to continue")
}
