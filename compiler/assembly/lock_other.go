//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package assembly

import (
	"errors"
	"os"
)

// tryLock has nothing to lock a directory with here.
func tryLock(*os.File) error { return errors.ErrUnsupported }
