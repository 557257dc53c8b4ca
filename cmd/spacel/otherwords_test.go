package main

import (
	"slices"
	"strings"
	"testing"
)

// Words of other tools lead to commands of ours that exist, and no command of ours is among them.
func TestWordsOfOtherTools(t *testing.T) {
	app := newApp(newConsole(strings.NewReader(""), &strings.Builder{}, &strings.Builder{}))
	known := commandNames(app.Commands)
	for word, ours := range otherWords {
		if slices.Contains(known, word) {
			t.Errorf("%s is a command of ours", word)
		}
		words := strings.Fields(ours)
		path, command, rest, err := find(app, words[1:])
		if err != nil {
			t.Errorf("%s: %v", word, err)
			continue
		}
		if _, _, err := newParser(strings.Join(path, " "), command).sort(rest); err != nil {
			t.Errorf("%s: %s: %v", word, ours, err)
		}
	}
	_, _, _, err := find(app, []string{"plan", "build"})
	if err == nil || !strings.HasSuffix(err.Error(), `spacel: unknown command "plan"; in spacel it is spacel deploy --dry-run`) {
		t.Error(err)
	}
}
