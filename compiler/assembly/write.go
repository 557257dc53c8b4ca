package assembly

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"sync"

	"github.com/pebble/spacel/internal/jsontext"
)

// Writer writes an artifact directory. Files go to disk at once, into a temporary directory beside the target, so memory
// does not grow with the templates. Close moves the finished directory into place in one step. Several goroutines may
// use a Writer.
type Writer struct {
	*contents
	target string // absolute
	temp   *workspace
	made   sync.Map  // directories of the build so far
	once   sync.Once // ends the writer
}

// NewWriter starts a build of an orbit's artifacts into a directory, which it makes with its parents when there is none.
// It is an error, and nothing is touched, when the directory holds anything but an earlier build. What killed builds left
// beside the directory is removed.
func NewWriter(dir, orbit string) (*Writer, error) {
	target, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", dir, err)
	}
	if err := replaceable(dir, target); err != nil {
		return nil, err
	}
	temp, err := newWorkspace(target)
	if err != nil {
		return nil, fmt.Errorf("make a temporary directory beside %s: %w", dir, err)
	}
	return &Writer{contents: newContents(orbit), target: target, temp: temp}, nil
}

// Stack writes a stack's template. Origins is logical id → file:line:col.
func (w *Writer) Stack(stack Stack, template []byte, origins map[string]string) error {
	if err := w.addStack(stack, template, origins); err != nil {
		return err
	}
	return w.write(stack.Template, template)
}

// Asset writes a file that deploy will upload under its digest.
func (w *Writer) Asset(body []byte) (Asset, error) {
	asset, isNew := w.addAsset(body)
	if !isNew {
		return asset, nil
	}
	return asset, w.write(asset.Path, body)
}

// Close writes the manifest and the source map, and puts the new directory in the old one's place. When it fails, the old
// one is as it was.
func (w *Writer) Close() error {
	err := errors.New("the build was already closed")
	w.once.Do(func() { err = errors.Join(w.finish(), w.temp.remove()) })
	return err
}

// Abort throws the build away. After Close it does nothing.
func (w *Writer) Abort() error {
	var err error
	w.once.Do(func() { err = errors.Join(w.temp.remove(), w.temp.removeParents()) })
	return err
}

// finish writes the manifest last: a directory with a manifest is complete. It checks the target once more, because the
// build may have taken minutes.
func (w *Writer) finish() error {
	manifest := w.sorted()
	if problems := manifest.problems(); len(problems) > 0 {
		return &InvalidError{Dir: w.target, Problems: problems}
	}
	if err := w.encode(manifestFile, manifest); err != nil {
		return err
	}
	if err := w.encode(sourceMapFile, w.places); err != nil {
		return err
	}
	if err := replaceable(w.target, w.target); err != nil {
		return err
	}
	return w.temp.replace(w.target)
}

// encode writes one of the directory's own JSON files.
func (w *Writer) encode(name string, v any) error {
	return w.fill(name, func(file io.Writer) error {
		if err := jsontext.WriteIndent(file, v); err != nil {
			return fmt.Errorf("encode: %w", err)
		}
		return nil
	})
}

// write puts a file into the new directory.
func (w *Writer) write(name string, body []byte) error {
	return w.fill(name, func(file io.Writer) error {
		_, err := file.Write(body)
		return err
	})
}

// fill makes a file in the new directory. It does not wait for the disk: a file lost with the power is found by its digest.
func (w *Writer) fill(name string, with func(io.Writer) error) error {
	// An orbit has thousands of files in a few directories.
	if _, made := w.made.Load(path.Dir(name)); !made {
		if err := w.temp.fresh.MkdirAll(path.Dir(name), 0o777); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		w.made.Store(path.Dir(name), true)
	}
	file, err := w.temp.fresh.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := errors.Join(with(file), file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
