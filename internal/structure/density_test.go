package structure

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// minComments is the share of comment lines among all lines of Go outside of tests, blank lines included.
const minComments = 0.11

// TestCommentDensity holds for the whole tree. The share of each directory is logged, lowest first: the places to begin.
func TestCommentDensity(t *testing.T) {
	type count struct {
		dir             string
		comments, lines int
	}
	whole := count{}
	dirs := map[string]*count{}
	for _, f := range codeFiles(t) {
		dir := filepath.ToSlash(filepath.Dir(f.path))
		if dirs[dir] == nil {
			dirs[dir] = &count{dir: dir}
		}
		for _, line := range f.lines() {
			for _, c := range []*count{&whole, dirs[dir]} {
				c.lines++
				if isComment(line) {
					c.comments++
				}
			}
		}
	}
	share := func(c *count) float64 { return float64(c.comments) / float64(c.lines) }
	var sorted []*count
	for _, c := range dirs {
		sorted = append(sorted, c)
	}
	slices.SortFunc(sorted, func(a, b *count) int { return strings.Compare(a.dir, b.dir) })
	slices.SortStableFunc(sorted, func(a, b *count) int { return int(1e6 * (share(a) - share(b))) })
	for _, c := range sorted {
		t.Logf("%5.1f %% of %5d lines  %s", 100*share(c), c.lines, c.dir)
	}
	if share(&whole) < minComments {
		t.Errorf("%.2f %% of the lines are comments, at least %.0f %% should be: explain mechanism and reason where a newcomer would stop",
			100*share(&whole), 100*minComments)
	}
}
