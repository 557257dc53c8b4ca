package main

import (
	"strings"
	"testing"
	"time"
)

// On a terminal the user may cancel as soon as the reason is known, instead of waiting for CloudFormation's timeout.
func TestFailedLaunchCancelled(t *testing.T) {
	a := launching(t, time.Minute, false)
	term := newTerminal(t)
	code := a.at(t.Context(), term, "deploy", "build", "--yes")
	term.expect("EC2 could not launch an instance, and tries again (see above). Running stacks: [w]ait, [c]ancel")
	term.enter("c")
	term.expect("1 cancelled")
	a.ends(code, exitNo)
	if a.cf.Seen(east, "test-web") != nil {
		t.Error("the cancelled creation left a stack")
	}
	if text := term.text(); !strings.Contains(text, "vCPU limit of 5") {
		t.Errorf("the reason is not shown:\n%s", text)
	}
}

func TestFailedLaunchAwaited(t *testing.T) {
	a := launching(t, 1500*time.Millisecond, true)
	term := newTerminal(t)
	code := a.at(t.Context(), term, "deploy", "build", "--yes")
	term.expect("Running stacks: [w]ait, [c]ancel")
	term.enter("w")
	term.expect("3 created")
	a.ends(code, 0)
}
