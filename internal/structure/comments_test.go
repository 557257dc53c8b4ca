package structure

import (
	"strings"
	"testing"
)

func TestProseOfComments(t *testing.T) {
	var lines []proseLine
	for _, f := range codeFiles(t) {
		for i, line := range f.lines() {
			if isComment(line) {
				lines = append(lines, proseLine{f.place(i + 1), line})
			}
		}
	}
	checkProse(t, "comments", lines)
}

// isComment reports whether a line holds a comment and nothing else.
func isComment(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "//") }
