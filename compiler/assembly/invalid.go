package assembly

import "strings"

// InvalidError says what is wrong with an artifact directory: each problem names a file or a field and how to mend it.
type InvalidError struct {
	Dir      string
	Problems []string // one or more
}

func (e *InvalidError) Error() string {
	return e.Dir + " is not a sound artifact directory:\n  " + strings.Join(e.Problems, "\n  ")
}
