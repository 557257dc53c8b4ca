//go:build !linux

package assembly

import "errors"

// exchange has no system call here.
func exchange(_, _ string) error { return errors.ErrUnsupported }
