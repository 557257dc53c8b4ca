package assembly

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/pebble/spacel/internal/hexdigest"
	"github.com/pebble/spacel/internal/jsontext"
)

// Assembly is an artifact directory whose manifest was read and whose digests were verified. Templates and assets are
// loaded when asked for, and verified again.
type Assembly struct {
	Manifest Manifest

	dir   string
	files files
}

// files is where an assembly's files are.
type files interface {
	read(name string) ([]byte, error)
	io.Closer
}

// Read opens an artifact directory and checks all of it: the manifest strictly, each file's digest, and that there is
// nothing else. An *InvalidError lists wrong content. Any other error comes from the file system.
func Read(dir string) (*Assembly, error) {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missingError(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	a := &Assembly{dir: dir, files: directory{root}}
	if err := a.load(root); err != nil {
		root.Close()
		return nil, err
	}
	return a, nil
}

// missingError is fs.ErrNotExist of an artifact directory.
type missingError string

// Error names the command that makes the directory.
func (e missingError) Error() string {
	return string(e) + ": there is no such directory: make it with spacel build --out " + string(e)
}

// Is makes errors.Is(err, fs.ErrNotExist) true, although the message does not repeat the words of the system call.
func (missingError) Is(target error) bool { return target == fs.ErrNotExist }

// Close lets go of the directory.
func (a *Assembly) Close() error { return a.files.Close() }

// Stack is the entry of a stack.
func (a *Assembly) Stack(ref StackRef) (Stack, bool) {
	i, found := slices.BinarySearchFunc(a.Manifest.Stacks, ref, func(s Stack, r StackRef) int { return s.Ref().Compare(r) })
	if !found {
		return Stack{}, false
	}
	return a.Manifest.Stacks[i], true
}

// Only is the assembly with just some of its stacks. Closing either closes both.
func (a *Assembly) Only(wanted func(Stack) bool) *Assembly {
	some := *a
	some.Manifest.Stacks = slices.DeleteFunc(slices.Clone(a.Manifest.Stacks), func(s Stack) bool { return !wanted(s) })
	return &some
}

// Template is a stack's template.
func (a *Assembly) Template(ref StackRef) ([]byte, error) {
	stack, ok := a.Stack(ref)
	if !ok {
		return nil, fmt.Errorf("%s: no stack %s", a.dir, ref)
	}
	return a.verified(stack.Template, stack.Digest)
}

// Asset is the asset of a digest.
func (a *Assembly) Asset(digest string) ([]byte, error) {
	if !digestForm.MatchString(digest) {
		return nil, fmt.Errorf("%s: no asset %q", a.dir, digest)
	}
	return a.verified(assetPath(digest), digest)
}

// SourceMap says where in the manifests each resource comes from. It is empty when the directory has none.
func (a *Assembly) SourceMap() (SourceMap, error) {
	places := SourceMap{}
	body, err := a.files.read(sourceMapFile)
	if errors.Is(err, fs.ErrNotExist) {
		return places, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s/%s: %w", a.dir, sourceMapFile, err)
	}
	if problem := decodeStrictly(body, &places); problem != "" {
		return nil, a.invalid(sourceMapFile + ": " + problem)
	}
	return places, nil
}

// invalid wraps problems into the error that callers test for with errors.As.
func (a *Assembly) invalid(problems ...string) error {
	return &InvalidError{Dir: a.dir, Problems: problems}
}

// verified reads a file that must have a digest.
func (a *Assembly) verified(name, digest string) ([]byte, error) {
	body, err := a.files.read(name)
	if err != nil {
		return nil, fmt.Errorf("read %s/%s: %w", a.dir, name, err)
	}
	if got := hexdigest.SHA256(body); got != digest {
		return nil, a.invalid(changed(name, digest, got, body))
	}
	return body, nil
}

// lineEnds is the problem of a file that git converted (core.autocrlf).
const lineEnds = "its line endings became CRLF: keep git from converting them, with the line \"build/** -text\" in .gitattributes, " +
	"and check it out again"

// changed explains a digest mismatch. Git on Windows may convert line ends on checkout (core.autocrlf), which changes
// the digest of every template. That case is detected by undoing the conversion, because restoring the file would not
// help.
func changed(name, want, got string, body []byte) string {
	if crlf := []byte("\r\n"); bytes.Contains(body, crlf) && hexdigest.SHA256(bytes.ReplaceAll(body, crlf, []byte("\n"))) == want {
		return name + ": " + lineEnds
	}
	return fmt.Sprintf("%s: is not what was built (sha256 %.12s…, manifest.json says %.12s…): run spacel build again, or restore it",
		name, got, want)
}

// decodeStrictly decodes manifest.json or sourcemap.json, and returns the problem or "". The bytes must equal their own
// re-encoding: encoding/json alone accepts duplicate keys and keys in another letter case, so a reviewer could read one
// value while deploy uses another.
func decodeStrictly(body []byte, into any) string {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err.Error() + ": run spacel build again, or restore it"
	}
	again, err := jsontext.Indent(into)
	if err == nil && bytes.Equal(again, bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n"))) && !bytes.Equal(again, body) {
		return lineEnds
	}
	if err != nil || !bytes.Equal(again, body) {
		return "was edited or reformatted: run spacel build again, or restore it"
	}
	return ""
}

// directory is an artifact directory on disk. A root lets no path lead out of it.
type directory struct{ *os.Root }

// read implements files.
func (d directory) read(name string) ([]byte, error) { return d.ReadFile(name) }
