package schema

import (
	"sync"

	"github.com/pebble/spacel/schema/language"
)

// idle holds checkers that a Load has finished with. Compiling the definitions takes as long as checking a hundred
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

// giveBack makes a checker available to the next Load. The checkers of a Load that ended with an error are not given back: an
// evaluation that took too long may still use them.
func giveBack(c *language.Checker) { idle.Put(c) }
