package main

import (
	"bytes"
	"runtime"
	"strings"
	"testing"
)

func TestCalls(t *testing.T) {
	for _, test := range []struct {
		args   string
		code   int
		stdout string
		stderr string
	}{
		{"version", exitYes, "spacel-agent devel (" + runtime.Version() + ", " + runtime.GOOS + "/" + runtime.GOARCH + ")\n", ""},
		{"version now", exitError, "", usage},
		{"authorized-keys", exitError, "", usage},
		{"stats", exitError, "", usage},
		{"help", exitError, "", usage},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), strings.Fields(test.args), strings.NewReader(""), &stdout, &stderr)
		if code != test.code || stdout.String() != test.stdout || stderr.String() != test.stderr {
			t.Errorf("%s: exits %d with %q and %q, want %d with %q and %q", test.args, code, &stdout, &stderr, test.code, test.stdout,
				test.stderr)
		}
	}
}

func TestRunProgram(t *testing.T) {
	out, err := runProgram(t.Context(), "sh", "-c", "echo $LC_ALL; echo never mind >&2")
	if out != "C\n" || err != nil {
		t.Errorf("got %q, %v", out, err)
	}
	out, err = runProgram(t.Context(), "sh", "-c", "echo done; echo went wrong >&2; exit 3")
	if out != "done\n" || err == nil || err.Error() != "sh: exit status 3: went wrong" {
		t.Errorf("got %q, %v", out, err)
	}
	if _, err := runProgram(t.Context(), "no-such-program"); err == nil {
		t.Error("a program that isn't there succeeds")
	}
}
