package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	namedBlock   = regexp.MustCompile("(?ms)^```(?:yaml|cue)\n(?:#|//) (\\S+)\n(.*?)^```$")
	consoleBlock = regexp.MustCompile("(?ms)^```console\n\\$ spacel ([^\n]*)\n(.*?)^```$")
)

// The examples of docs/policies.md are the files that its sessions run with, and the sessions print what the page shows. A line
// with … alone stands for any lines.
func TestDocumentedPolicies(t *testing.T) {
	page, err := os.ReadFile("../../docs/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for _, m := range namedBlock.FindAllStringSubmatch(string(page), -1) {
		if err := os.MkdirAll(filepath.Dir(m[1]), 0o755); err != nil {
			t.Fatal(err)
		}
		text := "# " + m[1] + "\n" + m[2] // the line counts
		if strings.HasSuffix(m[1], ".cue") {
			text = "// " + m[1] + "\n" + m[2]
		}
		if err := os.WriteFile(m[1], []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	sessions := consoleBlock.FindAllStringSubmatch(string(page), -1)
	if len(sessions) < 3 {
		t.Errorf("only %d sessions", len(sessions))
	}
	for _, m := range sessions {
		var out bytes.Buffer
		code := run(context.Background(), append([]string{"spacel"}, strings.Fields(m[1])...), strings.NewReader(""), &out, &out)
		if code == exitError {
			t.Errorf("spacel %s: exit code %d", m[1], code)
		}
		for _, part := range strings.Split("\n"+m[2], "\n…\n") {
			if part = strings.TrimPrefix(part, "\n"); !strings.Contains(out.String(), part) {
				t.Errorf("spacel %s does not print\n%s\nbut\n%s", m[1], part, out.String())
			}
		}
	}
}
