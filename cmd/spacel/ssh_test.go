package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pebble/spacel/deploy/instances"
)

// choose takes the named instance, else the first of those that are best to log in to.
func TestChoose(t *testing.T) {
	leaving := instances.Instance{ID: "i-leaving", State: "Terminating:Wait", PrivateIP: "10.0.0.1"}
	old := instances.Instance{ID: "i-old", State: "InService", PrivateIP: "10.0.0.2"}
	current := instances.Instance{ID: "i-current", State: "InService", Current: true, PrivateIP: "10.0.0.3"}
	second := instances.Instance{ID: "i-second", State: "InService", Current: true, PrivateIP: "10.0.0.4"}
	nowhere := instances.Instance{ID: "i-nowhere", State: "Pending"}
	for name, c := range map[string]struct {
		id    string
		found []instances.Instance
		want  string // an id, or an error
	}{
		"the current":          {"", []instances.Instance{leaving, old, current, second}, "i-current"},
		"an older":             {"", []instances.Instance{leaving, old}, "i-old"},
		"what has an address":  {"", []instances.Instance{nowhere, leaving}, "i-leaving"},
		"by its id":            {"i-old", []instances.Instance{current, old}, "i-old"},
		"none":                 {"", nil, "app laika has no instance to log in to: see spacel events laika"},
		"none with an address": {"", []instances.Instance{nowhere}, "app laika has no instance to log in to: see spacel events laika"},
		"a misspelt id": {"i-curent", []instances.Instance{current},
			"app laika has no instance i-curent; did you mean i-current?"},
		"an id that is far away": {"i-0123", []instances.Instance{current}, "app laika has no instance i-0123; see spacel instances laika"},
	} {
		got, err := choose("laika", c.id, c.found)
		if err != nil {
			got.ID = err.Error()
		}
		if got.ID != c.want {
			t.Errorf("%s: got %s, want %s", name, got.ID, c.want)
		}
	}
}

func TestSSHArguments(t *testing.T) {
	got := sshArgv("ada", "us-east-1.test.example.com", instances.Instance{ID: "i-1", PrivateIP: "10.0.0.1", PublicIP: "203.0.113.1"})
	want := []string{"ssh", "-J", "ada@us-east-1.test.example.com", "-o", "HostKeyAlias=i-1", "-o", "StrictHostKeyChecking=accept-new",
		"ada@10.0.0.1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What is printed gives a shell the same words.
func TestShellLine(t *testing.T) {
	words := []string{"plain", "user@10.0.0.1", "two words", "it's", "$HOME", "`id`", "a;b", "", "*", "~", "\"", "\\", "new\nline", "ü",
		"--opt=a,b:c%d"}
	out, err := exec.Command("sh", "-c", "printf '%s\\0' "+shellLine(words)).Output()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(words, strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")); diff != "" {
		t.Error(diff)
	}
	if got := shellLine([]string{"ssh", "-J", "ada@bastion", "sudo",
		"journalctl -u web"}); got != "ssh -J ada@bastion sudo 'journalctl -u web'" {
		t.Errorf("got %s", got)
	}
}

// The exit code says whether it was ssh that failed, or what it ran.
func TestRunHere(t *testing.T) {
	for script, want := range map[string]error{"exit 0": nil, "exit 3": errNo, "exit 255": errSilent} {
		if got := runHere(t.Context(), []string{"sh", "-c", script}); got != want {
			t.Errorf("%s: got %v, want %v", script, got, want)
		}
	}
	if err := runHere(t.Context(), []string{"no-such-ssh"}); err == nil || !strings.Contains(err.Error(), "no-such-ssh") {
		t.Errorf("got %v", err)
	}
}
