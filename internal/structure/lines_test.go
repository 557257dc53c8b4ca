package structure

import (
	"strings"
	"testing"
	"unicode/utf8"
)

const (
	maxColumns = 140
	tabWidth   = 4
)

func TestLineLength(t *testing.T) {
	for _, f := range goFiles(t) {
		for i, line := range f.lines() {
			if n := columns(line); n > maxColumns {
				t.Errorf("%s: %d columns, at most %d are allowed (a tab is %d)", f.place(i+1), n, maxColumns, tabWidth)
			}
		}
	}
}

// columns counts the columns of a line whose tabs all stand at its begin, as gofmt puts them.
func columns(line string) int {
	return utf8.RuneCountInString(line) + strings.Count(line, "\t")*(tabWidth-1)
}
