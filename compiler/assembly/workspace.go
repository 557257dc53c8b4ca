package assembly

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// The parts of a workspace.
const (
	freshName = "new" // the build being written; after an exchange, the old one
	oldName   = "old" // the old build, between the two renames where there is no exchange
)

// workspace is the temporary directory beside a target, on the same file system, so that a rename can move the build
// into place. A lock marks it as in use. The kernel drops the locks of a dead process, so an unlocked workspace belongs
// to a build that was killed.
type workspace struct {
	dir    string
	lock   *os.File
	fresh  *os.Root
	parent []string // directories made for it, innermost first
}

// pattern is the prefix of the names of a target's workspaces.
func pattern(target string) string { return "." + filepath.Base(target) + ".spacel-" }

// newWorkspace makes a workspace and clears away those of killed builds.
func newWorkspace(target string) (*workspace, error) {
	made, err := makeParents(filepath.Dir(target))
	if err != nil {
		return nil, err
	}
	if err := sweep(target); err != nil {
		return nil, err
	}
	dir, lock, err := lockedDir(filepath.Dir(target), pattern(target))
	if err != nil {
		return nil, err
	}
	w := &workspace{dir: dir, lock: lock, parent: made}
	fresh := filepath.Join(dir, freshName)
	// MkdirTemp makes directories that only their owner may enter. The build is a directory inside, with the permissions of
	// the user's umask.
	if err := os.Mkdir(fresh, 0o777); err != nil {
		return nil, errors.Join(err, w.remove())
	}
	if w.fresh, err = os.OpenRoot(fresh); err != nil {
		return nil, errors.Join(err, w.remove())
	}
	return w, nil
}

// makeParents makes a directory with its parents and lists the ones it made, innermost first.
func makeParents(dir string) ([]string, error) {
	var missing []string
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(at); err == nil || at == filepath.Dir(at) {
			break
		}
		missing = append(missing, at)
	}
	return missing, os.MkdirAll(dir, 0o777)
}

// lockedDir makes a directory and locks it. Between the two a sweep may take it for a dead one's: then another is made.
func lockedDir(parent, prefix string) (string, *os.File, error) {
	for {
		dir, err := os.MkdirTemp(parent, prefix)
		if err != nil {
			return "", nil, err
		}
		lock, err := os.Open(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", nil, err
		}
		// A file system without locks is no reason to stop: there, nothing is swept.
		if err := tryLock(lock); (err == nil || errors.Is(err, errors.ErrUnsupported)) && sameFile(dir, lock) {
			return dir, lock, nil
		}
		lock.Close()
	}
}

// sameFile reports whether the path still leads to the open file. Another build's sweep may have removed the directory
// in between.
func sameFile(path string, file *os.File) bool {
	named, err := os.Lstat(path)
	if err != nil {
		return false
	}
	opened, err := file.Stat()
	return err == nil && os.SameFile(named, opened)
}

// sweep removes the workspaces whose builds are dead. A build that died between two renames is put back.
func sweep(target string) error {
	parent := filepath.Dir(target)
	entries, err := os.ReadDir(parent)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if prefix := pattern(target); e.IsDir() && len(e.Name()) > len(prefix) && e.Name()[:len(prefix)] == prefix {
			if err := sweepOne(target, filepath.Join(parent, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// sweepOne removes one workspace, if its build is dead.
func sweepOne(target, dir string) error {
	lock, err := os.Open(dir)
	if err != nil {
		return nil // gone, or another user's
	}
	defer lock.Close()
	if tryLock(lock) != nil {
		return nil // alive
	}
	if _, err := os.Lstat(target); errors.Is(err, fs.ErrNotExist) {
		err := os.Rename(filepath.Join(dir, oldName), target)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("restore the earlier build, which a killed build had moved away: %w", err)
		}
	}
	return os.RemoveAll(dir)
}

// replace puts the new directory in the target's place. The workspace is left with the old one.
func (w *workspace) replace(target string) error {
	w.fresh.Close() // Windows moves no open directory
	w.fresh = nil
	fresh := filepath.Join(w.dir, freshName)
	if _, err := os.Lstat(target); errors.Is(err, fs.ErrNotExist) {
		return os.Rename(fresh, target)
	}
	err := exchange(fresh, target)
	if errors.Is(err, errors.ErrUnsupported) {
		err = w.swap(fresh, target)
	}
	if errors.Is(err, syscall.EBUSY) || errors.Is(err, syscall.EXDEV) {
		return fmt.Errorf("%s is a mount point, which cannot be replaced: give a directory below it: %w", target, err)
	}
	return err
}

// swap replaces the target in two renames, where the file system cannot exchange two directories. After a kill between
// them, the next build's sweep moves the old build back.
func (w *workspace) swap(fresh, target string) error {
	old := filepath.Join(w.dir, oldName)
	if err := os.Rename(target, old); err != nil {
		return err
	}
	if err := os.Rename(fresh, target); err != nil {
		return errors.Join(err, os.Rename(old, target))
	}
	return nil
}

// remove deletes the workspace and its content, then drops the lock.
func (w *workspace) remove() error {
	if w.fresh != nil {
		w.fresh.Close()
	}
	err := os.RemoveAll(w.dir)
	w.lock.Close()
	if err != nil {
		return fmt.Errorf("remove the rest of the earlier build: %w", err)
	}
	return nil
}

// removeParents deletes the directories that were made for a build that came to nothing, unless they are in use by now.
func (w *workspace) removeParents() error {
	for _, dir := range w.parent {
		if err := os.Remove(dir); err != nil {
			return nil
		}
	}
	return nil
}
