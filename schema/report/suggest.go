package report

import (
	"fmt"
	"slices"
	"strings"
)

// Suggest returns a hint such as "; did you mean replicas?" with the known name nearest to a misspelt one, "" if
// none is near. A third of the letters may differ.
func Suggest(misspelt string, known []string) string {
	best, nearest := "", 1+max(1, len(misspelt)/3)
	for _, name := range slices.Sorted(slices.Values(known)) {
		if d := distance(strings.ToLower(misspelt), strings.ToLower(name)); d < nearest {
			best, nearest = name, d
		}
	}
	if best == "" {
		best = startingWith(misspelt, known)
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", best)
}

// startingWith returns the known name that starts with a short form of at least four letters, "" if there is none,
// or more than one.
func startingWith(short string, known []string) string {
	found := ""
	for _, name := range known {
		if len(short) < 4 || !strings.HasPrefix(name, strings.ToLower(short)) {
			continue
		}
		if found != "" {
			return ""
		}
		found = name
	}
	return found
}

// distance returns the number of edits between two words: letters inserted, removed, replaced, or swapped with
// their neighbour (the optimal string alignment distance).
func distance(a, b string) int {
	var before, last []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := last[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			row[j] = min(replace, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
