package diff

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pebble/spacel/internal/needs"
)

func numbered(from, to int) string {
	var out strings.Builder
	for i := from; i <= to; i++ {
		fmt.Fprintf(&out, "line %d\n", i)
	}
	return out.String()
}

func TestHunks(t *testing.T) {
	middle := strings.Replace(numbered(1, 20), "line 10\n", "ten\n", 1)
	cases := map[string]struct {
		before, after string
		want          []string
	}{
		"equal":     {"a\n", "a\n", nil},
		"from none": {"", "a\nb\n", []string{"@@ -0,0 +1,2 @@", "+a", "+b"}},
		"to none":   {"a\nb\n", "", []string{"@@ -1,2 +0,0 @@", "-a", "-b"}},
		"in between": {numbered(1, 20), middle,
			[]string{"@@ -7,7 +7,7 @@", " line 7", " line 8", " line 9", "-line 10", "+ten", " line 11", " line 12", " line 13"}},
		"last line's end": {"a\nb\n", "a\nb", []string{"@@ -1,2 +1,2 @@", " a", "-b", `+b\ (no newline at the end)`}},
		"two hunks": {numbered(1, 20), strings.NewReplacer("line 2\n", "", "line 19\n", "").Replace(numbered(1, 20)), []string{
			"@@ -1,5 +1,4 @@", " line 1", "-line 2", " line 3", " line 4", " line 5",
			"@@ -16,5 +15,4 @@", " line 16", " line 17", " line 18", "-line 19", " line 20"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, hunks(c.before, c.after)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whatever the texts, patch(1) makes the one of the other with our hunks.
func TestHunksAreAPatch(t *testing.T) {
	program := needs.Program(t, "patch")
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		before := scrambled(random, strings.SplitAfter(numbered(1, 30), "\n"))
		after := scrambled(random, strings.SplitAfter(numbered(1, 30), "\n"))
		dir := t.TempDir()
		path := filepath.Join(dir, "text")
		if err := os.WriteFile(path, []byte(before), 0o644); err != nil {
			t.Fatal(err)
		}
		patch := exec.Command(program, "--quiet", path)
		patch.Stdin = strings.NewReader("--- text\n+++ text\n" + strings.Join(hunks(before, after), "\n") + "\n")
		if out, err := patch.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if got, _ := os.ReadFile(path); string(got) != after {
			t.Fatal(cmp.Diff(after, string(got)))
		}
	}
}

func scrambled(random *rand.Rand, lines []string) string {
	var out strings.Builder
	for _, line := range lines {
		switch random.IntN(6) {
		case 0:
		case 1:
			fmt.Fprintf(&out, "new %d\n", random.IntN(5))
		default:
			out.WriteString(line)
		}
	}
	return out.String()
}

// More distinct lines than there are letters before the surrogates, and more than there are letters at all.
func TestManyLines(t *testing.T) {
	before := numbered(1, 70_000)
	after := strings.Replace(before, "line 65000\n", "changed\n", 1)
	if got := hunks(before, after); len(got) != 9 {
		t.Errorf("%d lines: %v", len(got), got[:min(len(got), 20)])
	}
}
