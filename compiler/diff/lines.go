package diff

import (
	"fmt"
	"strings"
)

// context is how many equal lines stand around a change.
const context = 3

// hunks compares two texts line by line: @@ lines, and lines with a blank, - or + before them.
func hunks(before, after string) []string {
	old, now := split(before), split(after)
	var out []string
	for _, group := range groups(align(old, now), len(old)) {
		out = append(out, group.lines(old, now)...)
	}
	return out
}

// split makes lines. A last line without a line's end says so, as a change of just that must show.
func split(text string) []string {
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	if last := len(lines) - 1; lines[last] == "" {
		return lines[:last]
	}
	lines[len(lines)-1] += `\ (no newline at the end)`
	return lines
}

// hunk is a run of gaps whose contexts touch.
type hunk []gap

// groups joins gaps so close to each other that their contexts would overlap, like diff -u.
func groups(gaps []gap, lines int) []hunk {
	var out []hunk
	for _, g := range gaps {
		if n := len(out); n > 0 && g.oldFrom-out[n-1][len(out[n-1])-1].oldTo <= 2*context {
			out[n-1] = append(out[n-1], g)
			continue
		}
		out = append(out, hunk{g})
	}
	return out
}

// lines writes the hunk: the @@ header, then context, removed and added lines.
func (h hunk) lines(old, now []string) []string {
	first, last := h[0], h[len(h)-1]
	// At the begin and at the end of the text there are fewer lines of context.
	before := min(context, first.oldFrom)
	after := min(context, len(old)-last.oldTo)
	out := []string{fmt.Sprintf("@@ -%s +%s @@",
		span(first.oldFrom-before, last.oldTo+after), span(first.newFrom-before, last.newTo+after))}
	at := first.oldFrom - before
	for _, g := range h {
		out = append(out, prefixed(" ", old[at:g.oldFrom])...)
		out = append(out, prefixed("-", old[g.oldFrom:g.oldTo])...)
		out = append(out, prefixed("+", now[g.newFrom:g.newTo])...)
		at = g.oldTo
	}
	return append(out, prefixed(" ", old[at:at+after])...)
}

// span is first line, count, as in a unified diff: an empty one names the line before it.
func span(from, to int) string {
	if from == to {
		return fmt.Sprintf("%d,0", from)
	}
	return fmt.Sprintf("%d,%d", from+1, to-from)
}

// prefixed puts the mark before every line.
func prefixed(mark string, lines []string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = mark + line
	}
	return out
}
