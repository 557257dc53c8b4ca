package structure

import (
	"go/scanner"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// elliptic matches a clause that stands for its subject instead of naming it: "what is in it" for "the stack's resources".
// Some good sentences match, too, so that a share of the lines may. Model codebases stay at 1 to 3 %.
var elliptic = regexp.MustCompile(`(?i)\b(what|who|whose|whom|those|that)\s+(is|are|has|have|it|they|was|a|an|the)\b`)

const maxElliptic = 0.04 // of comment lines, of docs' lines, of lines of messages

// proseLine is a line of text that people read.
type proseLine struct{ place, text string }

// checkProse reports every elliptic line when there are more than the share allows.
func checkProse(t *testing.T, kind string, lines []proseLine) {
	t.Helper()
	if len(lines) == 0 {
		t.Fatalf("no %s found: is this test looking at the right place?", kind)
	}
	found := slices.DeleteFunc(slices.Clone(lines), func(l proseLine) bool { return !elliptic.MatchString(l.text) })
	share := float64(len(found)) / float64(len(lines))
	t.Logf("%s: %d of %d lines are elliptic, %.1f %%", kind, len(found), len(lines), 100*share)
	if share <= maxElliptic {
		return
	}
	t.Errorf("%s: %.1f %% of the lines are elliptic, at most %.0f %% may be: name the subject in these", kind, 100*share, 100*maxElliptic)
	for _, l := range found {
		t.Errorf("%s: %s", l.place, strings.TrimSpace(l.text))
	}
}

// TestProseOfMessages reads all string literals of at least three words: errors, help, warnings. A literal over several
// lines counts line by line.
func TestProseOfMessages(t *testing.T) {
	var lines []proseLine
	for _, f := range codeFiles(t) {
		for line, text := range literals(t, f) {
			for i, part := range strings.Split(text, "\n") {
				if len(strings.Fields(part)) >= 3 {
					lines = append(lines, proseLine{f.place(line + i), part})
				}
			}
		}
	}
	slices.SortFunc(lines, func(a, b proseLine) int { return strings.Compare(a.place, b.place) })
	checkProse(t, "messages", lines)
}

// literals yields the string literals of a file, each with the line that it begins on.
func literals(t *testing.T, f file) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		set := token.NewFileSet()
		var s scanner.Scanner
		s.Init(set.AddFile(f.path, -1, len(f.text)), []byte(f.text), nil, 0)
		for {
			pos, tok, literal := s.Scan()
			if tok == token.EOF {
				return
			}
			if tok != token.STRING {
				continue
			}
			text, err := strconv.Unquote(literal)
			if err != nil {
				t.Errorf("%s: %v", set.Position(pos), err)
			}
			if !yield(set.Position(pos).Line, text) {
				return
			}
		}
	}
}

// TestProseOfDocs reads the pages that are written by hand: docs/reference.md is made from the definitions.
func TestProseOfDocs(t *testing.T) {
	pages, err := filepath.Glob(root + "/docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	var lines []proseLine
	for _, name := range append(pages, root+"/README.md") {
		if filepath.Base(name) == "reference.md" {
			continue
		}
		f := read(t, name)
		for i, line := range f.lines() {
			if strings.TrimSpace(line) != "" {
				lines = append(lines, proseLine{f.place(i + 1), line})
			}
		}
	}
	checkProse(t, "docs", lines)
}
