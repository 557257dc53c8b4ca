package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"

	"github.com/pebble/spacel/agent/document"
)

// writeNamed writes a file whose name comes from the document, with the mode and the user in like, or else the given mode and the
// agent's own user, root. A name that leads out of the directory is an error.
func (m Machine) writeNamed(directory, name string, data []byte, like document.Content, mode fs.FileMode) error {
	if !fs.ValidPath(name) || name == "." {
		return fmt.Errorf("the name leaves /%s", directory)
	}
	if like.Mode != "" {
		bits, err := strconv.ParseUint(like.Mode, 8, 32)
		if err != nil || bits > 0o777 {
			return fmt.Errorf("the mode %s is not octal, 0 to 0777", like.Mode)
		}
		mode = fs.FileMode(bits)
	}
	user := unchanged
	if like.User != "" {
		number, err := strconv.ParseUint(like.User, 10, 32)
		if err != nil {
			return fmt.Errorf("the user %s is not a user's number", like.User)
		}
		user = int(number)
	}
	return m.writeBelow(directory, name, data, mode, user)
}

// unchanged is the user or group for chown(2) that leaves the file's own.
const unchanged = -1

// readFile reads a file of the agent's own.
func (m Machine) readFile(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(m.Root, name))
}

// writeFile writes a file of the agent's own.
func (m Machine) writeFile(name string, data []byte, mode fs.FileMode) error {
	return m.writeBelow(path.Dir(name), path.Base(name), data, mode, unchanged)
}

// writeBelow writes a whole file or none, and follows no symbolic link out of the directory. It writes a new file beside
// the old one and renames it, so a crash leaves one of the two.
func (m Machine) writeBelow(directory, name string, data []byte, mode fs.FileMode, user int) error {
	top := filepath.Join(m.Root, directory)
	if err := os.MkdirAll(top, 0o755); err != nil {
		return err
	}
	// os.Root follows symbolic links only inside of the directory, so a link in it cannot lead to /etc.
	root, err := os.OpenRoot(top)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	fresh := path.Join(path.Dir(name), "."+path.Base(name)+".new")
	if err := create(root, fresh, data, mode, user); err != nil {
		return errors.Join(err, root.RemoveAll(fresh))
	}
	return root.Rename(fresh, name)
}

// create makes a file. It replaces a file left by an interrupted boot.
func create(root *os.Root, name string, data []byte, mode fs.FileMode, user int) error {
	if err := root.RemoveAll(name); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	// The file is private until its content is complete, and on disk before it is renamed.
	return errors.Join(err, f.Chown(user, unchanged), f.Chmod(mode), f.Sync(), f.Close())
}

// removeFile removes a file of the agent's own, if it is there.
func (m Machine) removeFile(name string) error {
	err := os.Remove(filepath.Join(m.Root, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
