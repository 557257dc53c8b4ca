package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a terminal whose keyboard and screen a test has.
type terminal struct {
	*testing.T
	slave  *os.File // what a program has
	master *os.File

	mu     sync.Mutex
	screen strings.Builder // all that was ever written, with control sequences
	seen   int             // how much of it the test has waited for
}

// newTerminal opens a pseudo terminal (pty(7)) of 100 columns and 30 rows.
func newTerminal(t *testing.T) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(master.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 30, Col: 100})
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{T: t, slave: slave, master: master}
	go term.read()
	t.Cleanup(func() { slave.Close(); master.Close() })
	return term
}

func (t *terminal) read() {
	chunk := make([]byte, 4096)
	for {
		n, err := t.master.Read(chunk)
		t.mu.Lock()
		t.screen.Write(chunk[:n])
		t.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// text is all that was written.
func (t *terminal) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.screen.String()
}

// expect waits until something appears that was not waited for before.
func (t *terminal) expect(text string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		t.mu.Lock()
		at := strings.Index(t.screen.String()[t.seen:], text)
		if at >= 0 {
			t.seen += at + len(text)
		}
		t.mu.Unlock()
		if at >= 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("%q did not appear on\n%s", text, t.text())
}

// enter types a line.
func (t *terminal) enter(line string) {
	t.Helper()
	if _, err := t.master.WriteString(line + "\n"); err != nil {
		t.Fatal(err)
	}
}
