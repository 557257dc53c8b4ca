//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package assembly

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// errLocked means that the workspace belongs to a build that is still running.
var errLocked = errors.New("another process holds the lock")

// tryLock locks an open directory until it is closed or the process ends. The error is errors.ErrUnsupported where the
// file system has no locks for directories.
func tryLock(dir *os.File) error {
	err := unix.Flock(int(dir.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		return errLocked
	case err != nil:
		return fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
	}
	return nil
}
