package assembly

import (
	"fmt"
	"io/fs"
	"sync"

	"github.com/pebble/spacel/internal/jsontext"
)

// InMemory takes what a build makes without writing it, to be compared with a directory. A file that the directory holds as
// well is not kept, so memory grows with what differs.
type InMemory struct {
	*contents
	base *Assembly // may be nil

	kept   sync.Mutex
	bodies map[string][]byte // by path
	same   map[string]file   // what the base has, by path
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

func (m *InMemory) keep(name, digest string, body []byte) {
	if m.same[name].digest == digest {
		return
	}
	m.kept.Lock()
	defer m.kept.Unlock()
	m.bodies[name] = body
}

// Assembly is the finished build. Files that the base has too are read from there: close the base after it.
func (m *InMemory) Assembly() (*Assembly, error) {
	manifest := m.sorted()
	if problems := manifest.problems(); len(problems) > 0 {
		return nil, fmt.Errorf("the build is not sound: %w", &InvalidError{Dir: "the build", Problems: problems})
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

func (m *InMemory) read(name string) ([]byte, error) {
	if body, ok := m.bodies[name]; ok {
		return body, nil
	}
	if m.base == nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return m.base.files.read(name)
}
