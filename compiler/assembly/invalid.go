package assembly

import "strings"

// InvalidError lists the problems of an artifact directory. Each names a file or a field, and how to fix it.
type InvalidError struct {
	Dir      string
	Problems []string // one or more
}

// Error writes one problem per line, below the directory.
func (e *InvalidError) Error() string {
	return e.Dir + " is not a valid artifact directory:\n  " + strings.Join(e.Problems, "\n  ")
}
