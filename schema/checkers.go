package schema

import (
	"sync"

	"github.com/pebble/spacel/schema/language"
)

// idle holds the checkers of earlier Loads. Compiling the definitions takes as long as checking a hundred
// manifests, so a process that loads often, such as spacel test, compiles them once for each worker. The garbage collector
// empties the pool: a build, which loads once, does not hold the definitions while it compiles templates.
var idle sync.Pool

// borrow returns an idle checker, or compiles one.
func borrow() (*language.Checker, error) {
	if c, ok := idle.Get().(*language.Checker); ok {
		return c, nil
	}
	return language.NewChecker(Definitions)
}

// giveBack makes a checker available to the next Load. A Load that ended with an error gives none back: an evaluation over
// the time limit may still use them.
func giveBack(c *language.Checker) { idle.Put(c) }
