package assembly

import (
	"fmt"
	"io/fs"
	"sync"

	"github.com/pebble/spacel/internal/jsontext"
)

// InMemory is a Sink that writes no files. `spacel diff` and `build --check` use it to compare a build with an existing
// directory. A file with the same digest in that directory (the base) is not kept, so memory grows only with the
// differences.
type InMemory struct {
	*contents
	base *Assembly // may be nil

	kept   sync.Mutex
	bodies map[string][]byte // by path
	same   map[string]file   // the files of the base, by path
}

// NewInMemory starts a build of an orbit's artifacts beside a base, which may be nil.
func NewInMemory(base *Assembly, orbit string) *InMemory {
	m := &InMemory{contents: newContents(orbit), base: base, bodies: map[string][]byte{}}
	if base == nil {
		return m
	}
	m.same = base.expectedFiles()
	return m
}

// Empty returns the artifacts of nothing: of no orbit, and without stacks. A directory that was never built is compared as this.
func Empty() *Assembly {
	m := NewInMemory(nil, "")
	return &Assembly{Manifest: *m.sorted(), files: m}
}

// Stack takes a stack's template. Origins is logical id → file:line:col.
func (m *InMemory) Stack(stack Stack, template []byte, origins map[string]string) error {
	if err := m.addStack(stack, template, origins); err != nil {
		return err
	}
	m.keep(stack.Template, stack.Digest, template)
	return nil
}

// Asset takes what deploy would upload.
func (m *InMemory) Asset(body []byte) (Asset, error) {
	asset, isNew := m.addAsset(body)
	if isNew {
		m.keep(asset.Path, asset.Digest, body)
	}
	return asset, nil
}

// keep stores a file unless the base has the same content at the same path.
func (m *InMemory) keep(name, digest string, body []byte) {
	if m.same[name].digest == digest {
		return
	}
	m.kept.Lock()
	defer m.kept.Unlock()
	m.bodies[name] = body
}

// Assembly returns the finished build. Unchanged files are read from the base, so close the base only after the assembly
// is no longer needed.
func (m *InMemory) Assembly() (*Assembly, error) {
	manifest := m.sorted()
	if problems := manifest.problems(); len(problems) > 0 {
		return nil, fmt.Errorf("the build is invalid: %w", &InvalidError{Dir: "the build", Problems: problems})
	}
	places, err := jsontext.Indent(m.places)
	if err != nil {
		return nil, err
	}
	m.bodies[sourceMapFile] = places
	return &Assembly{Manifest: *manifest, files: m}, nil
}

// Close lets go of the build.
func (m *InMemory) Close() error { return nil }

// read implements files: first the new build, then the base.
func (m *InMemory) read(name string) ([]byte, error) {
	if body, ok := m.bodies[name]; ok {
		return body, nil
	}
	if m.base == nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return m.base.files.read(name)
}
