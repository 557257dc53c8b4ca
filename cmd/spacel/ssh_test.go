package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pebble/spacel/deploy/instances"
	"github.com/pebble/spacel/internal/needs"
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
	for _, first := range []string{"A=b", "if"} {
		out, err := exec.Command("sh", "-c", shellLine([]string{first, "x"})).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "not found") {
			t.Errorf("%s is not a program: %s", first, out)
		}
	}
	if got := shellLine([]string{"ssh", "-J", "ada@bastion", "sudo",
		"journalctl -u web"}); got != "ssh -J ada@bastion sudo 'journalctl -u web'" {
		t.Errorf("got %s", got)
	}
}

// The exit code is the remote command's, or ssh itself failed.
func TestRunSSH(t *testing.T) {
	for script, want := range map[string]struct {
		code int
		err  error
	}{
		"exit 0": {0, nil}, "exit 3": {3, nil}, "exit 255": {0, errSilent}, "kill -9 $$": {1, nil},
		"echo Host key verification failed. >&2; exit 255": {0, errHostKey},
		"echo Host key verification failed. >&2; exit 1":   {1, nil},
	} {
		code, err := runSSH(t.Context(), []string{"sh", "-c", script}, nil, io.Discard, io.Discard)
		if code != want.code || err != want.err {
			t.Errorf("%s: got %d, %v", script, code, err)
		}
	}
	_, err := runSSH(t.Context(), []string{"no-such-ssh"}, nil, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "no-such-ssh") {
		t.Errorf("got %v", err)
	}
}

// A name with spaces, quotes and per cent signs is one word for ssh, and stands for itself.
func TestSSHPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), `a "b" 100%h's \ c`)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "i-1")
	out, err := exec.Command(needs.Program(t, "ssh"), "-G", "-F", "none", "-o", "UserKnownHostsFile="+sshPath(file), "host").Output()
	if err != nil || !strings.Contains(string(out), "userknownhostsfile "+file+"\n") {
		t.Errorf("%v\n%s", err, out)
	}
}
