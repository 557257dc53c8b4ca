// Package stride says how much of a long series of cases a test tries: with -short a part, else all. Only tests import it.
package stride

import "testing"

// Short is the distance between two cases that a test tries: n with the flag -short, else 1.
//
//	for i := 0; i < len(cases); i += stride.Short(5) { … }
func Short(n int) int {
	if testing.Short() {
		return n
	}
	return 1
}
