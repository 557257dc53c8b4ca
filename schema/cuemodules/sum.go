package cuemodules

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// SumFile holds the digest of each dependency: a line NAME@VERSION DIGEST for each, sorted.
const SumFile = "cue.mod/spacel.sum"

// Sums holds digests by the name of the module with its version.
type Sums map[string]string

var sumLine = regexp.MustCompile(`^(\S+@v\S+) (h1:[A-Za-z0-9+/]{43}=)$`)

// readSums reads cue.mod/spacel.sum. Without the file there is no digest.
func readSums(root fs.FS) (Sums, error) {
	text, err := fs.ReadFile(root, SumFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	sums := Sums{}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		if line = strings.TrimRight(line, "\r\n"); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		m := sumLine.FindStringSubmatch(line)
		switch {
		case m == nil:
			return nil, fmt.Errorf("%s:%d: must be NAME@VERSION h1:DIGEST; delete the file and run %s", SumFile, n, Command)
		case sums[m[1]] != "" && sums[m[1]] != m[2]:
			return nil, fmt.Errorf("%s:%d: a second digest of %s; delete the wrong line", SumFile, n, m[1])
		}
		sums[m[1]] = m[2]
	}
	return sums, nil
}

// String returns the content of cue.mod/spacel.sum.
func (s Sums) String() string {
	var b strings.Builder
	b.WriteString("# Digests of the modules in module.cue, written by " + Command + ". Commit this file.\n")
	for _, name := range slices.Sorted(maps.Keys(s)) {
		b.WriteString(name + " " + s[name] + "\n")
	}
	return b.String()
}
