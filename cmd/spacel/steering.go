package main

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/pebble/spacel/deploy"
)

// steering is what interrupts mean while a command changes what runs in AWS.
//
//	before anything changes    the first ends the command; the second does not wait for it to clean up
//	while stacks change        the first starts no more, and asks what to do on a terminal; the second detaches
//
// A further one ends the process.
type steering struct {
	*console
	command string // as it is called: spacel deploy
	cancels bool   // running operations can be cancelled

	control  *deploy.Control
	progress progress // nil until there is one

	mu      sync.Mutex
	count   int
	begun   bool            // stacks change
	abandon func()          // ends what goes on before that
	asking  context.Context // of questions; ends with the run, and with the first interrupt
	hush    func()          // ends it
}

func newSteering(c *console, command string, cancels bool) *steering {
	s := &steering{console: c, command: command, cancels: cancels, control: deploy.NewControl()}
	s.asking, s.hush = context.WithCancel(context.Background())
	s.abandon = func() {}
	return s
}

// preparing says how to end what goes on while nothing changes.
func (s *steering) preparing(abandon func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.abandon = abandon
	if s.count > 0 {
		abandon()
	}
}

// begin says that from now on stacks change. It says no when there was an interrupt before.
func (s *steering) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun = s.count == 0
	return s.begun
}

func (s *steering) interrupts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// interrupt takes the n-th signal. It is called from another goroutine, and does not block.
func (s *steering) interrupt(n int) {
	s.mu.Lock()
	s.count = n
	begun, hush, abandon := s.begun, s.hush, s.abandon
	if n == 1 && begun {
		s.asking, s.hush = context.WithCancel(context.Background())
	}
	s.mu.Unlock()
	switch {
	case n == 1:
		s.control.Stop()
		hush() // a question that stands is answered by this
		if !begun {
			abandon()
			return
		}
		go s.choose()
	case n == 2 && begun:
		s.detach()
	default:
		fmt.Fprintf(s.stderr, "\n%s: ended at once; run it again to pick up or to clean up what is left\n", s.command)
		s.quit(exitInterrupted)
	}
}

// choose lets the user say what becomes of what runs.
func (s *steering) choose() {
	if !s.asker.possible() {
		s.say("interrupted: no more stacks start; waiting for those that run. Interrupt again to leave them to CloudFormation")
		return
	}
	choices := "[w]ait for it, or [d]etach and leave it to CloudFormation?"
	if s.cancels {
		choices = "[w]ait for it, [c]ancel it and roll back, or [d]etach and leave it to CloudFormation?"
	}
	s.mu.Lock()
	asking := s.asking
	s.mu.Unlock()
	for {
		answer, err := s.asker.line(asking, "interrupted: no more stacks start. What runs: "+choices+" ")
		if err != nil {
			return // it ended meanwhile, or was interrupted again
		}
		if s.chosen(strings.ToLower(answer)) {
			return
		}
	}
}

func (s *steering) chosen(answer string) bool {
	switch {
	case answer == "d", answer == "detach":
		s.detach()
	case s.cancels && (answer == "c" || answer == "cancel"):
		s.control.Cancel()
		s.say("cancelling")
	case answer == "w", answer == "wait":
		s.say("waiting")
	default:
		return false
	}
	return true
}

func (s *steering) detach() {
	s.mu.Lock()
	hush := s.hush
	s.mu.Unlock()
	hush()
	s.control.Detach()
}

// say shows how things stand, where the progress is shown.
func (s *steering) say(text string) {
	if s.progress == nil {
		fmt.Fprintln(s.stderr, text)
		return
	}
	s.progress.footer(text)
}

// over ends questions that nobody needs to answer any more.
func (s *steering) over() {
	s.mu.Lock()
	hush := s.hush
	s.mu.Unlock()
	hush()
}

// question is the context that a question is asked in: the run's, until an interrupt answers it.
func (s *steering) question(ctx context.Context) (context.Context, context.CancelFunc) {
	s.mu.Lock()
	asking := s.asking
	s.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(asking, cancel)
	return ctx, func() { stop(); cancel() }
}

// interrupted tells an interrupt from another error.
func (s *steering) interrupted(err error) error {
	if s.interrupts() == 0 {
		return err
	}
	s.mu.Lock()
	begun := s.begun
	s.mu.Unlock()
	if !begun {
		return interruption(s.command + ": interrupted; nothing was changed")
	}
	return interruption(s.command + ": interrupted; run the same command again to go on")
}
