package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/pebble/spacel/internal/cloudtest"
)

// at runs the program on a terminal.
func (a *account) at(ctx context.Context, term *terminal, args ...string) <-chan int {
	a.Helper()
	code := make(chan int, 1)
	go func() { code <- a.run(ctx, newConsole(term.slave, term.slave, term.slave), args...) }()
	return code
}

func (a *account) ends(code <-chan int, want int) {
	a.Helper()
	select {
	case got := <-code:
		if got != want {
			a.Errorf("exit code %d, want %d", got, want)
		}
	case <-time.After(30 * time.Second):
		a.Fatal("it does not end")
	}
}

func TestTerminalDeclined(t *testing.T) {
	a := newAccount(t)
	for _, answer := range []string{"n", "", "maybe"} {
		term := newTerminal(t)
		a.unchanged(func() {
			code := a.at(t.Context(), term, "deploy", "build")
			term.expect("Go ahead? [y/N]")
			term.enter(answer)
			term.expect("not confirmed: nothing was changed")
			a.ends(code, exitNo)
		})
	}
}

// The tree is drawn, and is gone in the end.
func TestTerminalDeploy(t *testing.T) {
	a := newAccount(t)
	a.cf.Step = 300 * time.Millisecond
	term := newTerminal(t)
	code := a.at(t.Context(), term, "deploy", "build")
	term.expect("Go ahead? [y/N]")
	term.enter("yes")
	term.expect("us-east-1")
	term.expect("●")
	term.expect("of 3 stacks done")
	term.expect("stacks: 3 created")
	a.ends(code, 0)
	for _, query := range []string{"\x1b]11;?", "\x1b[c", "\x1b[?2026$p", "\x1b[6n"} {
		if strings.Contains(term.text(), query) {
			t.Errorf("the terminal was asked %q, and nobody reads its answer", query)
		}
	}
	if term.cursorHidden() {
		t.Error("the cursor stays hidden")
	}
}

// cursorHidden says whether the last word on the cursor was to hide it (DECTCEM).
func (t *terminal) cursorHidden() bool {
	return strings.LastIndex(t.text(), "\x1b[?25l") > strings.LastIndex(t.text(), "\x1b[?25h")
}

func TestTerminalDanger(t *testing.T) {
	a := newAccount(t)
	a.must("deploy", "build", "--yes")
	a.build(strings.Replace(web("small"), "postgres", "mysql", 1))
	for _, c := range []struct {
		answer string
		code   int
		says   string
	}{{"yes", exitNo, "not agreed to"}, {"Main", 0, "1 updated"}} {
		term := newTerminal(t)
		code := a.at(t.Context(), term, "deploy", "build", "--yes")
		term.expect("Type Main to agree:")
		term.enter(c.answer)
		term.expect(c.says)
		a.ends(code, c.code)
	}
}

// interruptedAt is a deployment on a terminal that was interrupted while test-web is updated.
func (a *account) interruptedAt(term *terminal) (code <-chan int, interrupt func()) {
	a.Helper()
	a.must("deploy", "build", "--yes")
	a.build(web("large"))
	a.cf.Hold(east, "test-web")
	ctx, interrupt := interruptible(a.T)
	code = a.at(ctx, term, "deploy", "build", "--yes")
	a.running("test-web")
	interrupt()
	term.expect("[w]ait, [c]ancel and roll back, or [d]etach")
	return code, interrupt
}

func TestTerminalInterruptWait(t *testing.T) {
	a, term := newAccount(t), newTerminal(t)
	code, _ := a.interruptedAt(term)
	term.enter("perhaps")
	term.expect("[w]ait") // asked again
	term.enter("w")
	term.expect("waiting")
	a.cf.Release(east, "test-web")
	term.expect("stacks: 1 updated, 2 unchanged")
	a.ends(code, 0) // all is done after all
}

func TestTerminalInterruptCancel(t *testing.T) {
	a, term := newAccount(t), newTerminal(t)
	code, _ := a.interruptedAt(term)
	term.enter("c")
	for a.cf.Calls()["cloudformation:CancelUpdateStack"] == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	a.cf.Release(east, "test-web")
	term.expect("interrupted; run the same command again to continue")
	a.ends(code, exitInterrupted)
	if got := a.cf.Seen(east, "test-web").Status; got != "UPDATE_ROLLBACK_COMPLETE" {
		t.Errorf("it is %s", got)
	}
}

func TestTerminalInterruptDetach(t *testing.T) {
	a, term := newAccount(t), newTerminal(t)
	code, _ := a.interruptedAt(term)
	term.enter("d")
	term.expect("1 detached")
	a.ends(code, exitInterrupted)
}

func TestTerminalInterruptTwice(t *testing.T) {
	a, term := newAccount(t), newTerminal(t)
	code, interrupt := a.interruptedAt(term)
	interrupt()
	term.expect("1 detached")
	a.ends(code, exitInterrupted)
}

// At the question an interrupt is a no.
func TestTerminalInterruptAtTheQuestion(t *testing.T) {
	a, term := newAccount(t), newTerminal(t)
	a.unchanged(func() {
		ctx, interrupt := interruptible(t)
		code := a.at(ctx, term, "deploy", "build")
		term.expect("Go ahead?")
		interrupt()
		term.expect("interrupted; nothing was changed")
		a.ends(code, exitInterrupted)
	})
}

func TestTerminalDestroy(t *testing.T) {
	a := newAccount(t)
	a.must("deploy", "build", "--yes")
	term := newTerminal(t)
	a.unchanged(func() {
		code := a.at(t.Context(), term, "destroy", "build")
		term.expect("Type test to destroy it:")
		term.enter("y")
		term.expect("not confirmed: nothing was changed")
		a.ends(code, exitNo)
	})
	a.cf.Fail(cloudtest.Failure{Region: east, Stack: "test-vpc", Logical: "Vpc", When: cloudtest.Delete, Reason: "has dependencies",
		Always: true})
	code := a.at(t.Context(), term, "destroy", "build")
	term.expect("Type test to destroy it:")
	term.enter("test")
	term.expect("has dependencies")
	term.expect("leave these behind?")
	term.enter("y")
	term.expect("us-east-1/test-vpc left behind: AWS::EC2::VPC Vpc")
	term.expect("stacks: 3 deleted")
	a.ends(code, 0)
}

// A secret is typed unseen, and an interrupt leaves the terminal as it was.
func TestTerminalSecret(t *testing.T) {
	term := newTerminal(t)
	asks := newPrompter(term.slave, term.slave)
	got := make(chan string, 1)
	go func() {
		text, err := asks.secret(t.Context(), "The webhook: ")
		if err != nil {
			t.Error(err)
		}
		got <- text
	}()
	term.expect("The webhook: ")
	time.Sleep(50 * time.Millisecond) // the echo goes off after the question
	term.enter("s3cret")
	if text := <-got; text != "s3cret" || strings.Contains(term.text(), "s3cret") {
		t.Errorf("got %q, on the screen %q", text, term.text())
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := asks.secret(ctx, "Another: "); err == nil {
		t.Error("no error")
	}
	term.enter("seen")
	term.expect("seen")
}
