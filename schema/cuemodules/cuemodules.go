// Package cuemodules reads the CUE modules that cue.mod/module.cue depends on. It uses no network: a module comes from
// cue.mod/spacel, where `spacel vendor --copy` puts it, or from the cache of the cue command. Either is used only if its digest
// is the one in cue.mod/spacel.sum, which is committed. So equal manifests see equal modules on every machine.
//
//	cuemodules.go   the modules of one main module
//	tree.go         the files of a module, and their digest
//	sum.go          cue.mod/spacel.sum
package cuemodules

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"cuelang.org/go/mod/modfile"
	"cuelang.org/go/mod/module"
)

// Names in the directory of the main module.
const (
	ModuleFile = "cue.mod/module.cue"
	CopyDir    = "cue.mod/spacel" // has a directory PATH@VERSION for each copied module
)

// OwnPath is the path of the module with the definitions of the manifest language. They always come from the binary.
const OwnPath = "github.com/pebble/spacel"

// Command is the command that makes a missing module available. Messages name it.
const Command = "spacel vendor"

// Version is a module at a version, such as acme.com/platform@v0.1.0.
type Version = module.Version

// Name returns a module's path without its major version, and its version: acme.com/platform@v0.1.0.
func Name(v Version) string { return v.BasePath() + "@" + v.Version() }

// Main is the main module, around a manifest. It may be used by several goroutines.
type Main struct {
	root fs.FS
	file *modfile.File
	sums Sums

	lock   sync.Mutex
	loaded map[Version]result
}

type result struct {
	module *Module
	err    error
}

// Module is a dependency whose digest was verified.
type Module struct {
	Version Version
	*Tree
	file *modfile.File
}

// Language returns the module's version of CUE, "" if its module.cue states none.
func (m *Module) Language() string {
	if m.file.Language == nil {
		return ""
	}
	return m.file.Language.Version
}

// FileError is a mistake in the main module's cue.mod/module.cue, for which CUE refuses the module.
type FileError struct{ Err error }

func (e *FileError) Error() string { return ModuleFile + ": " + e.Mistake() }

// Mistake is the mistake without the file's name.
func (e *FileError) Mistake() string {
	text, _, _ := strings.Cut(e.Err.Error(), "\n") // places follow on lines of their own
	return strings.TrimSuffix(strings.TrimPrefix(text, "invalid module file "+ModuleFile+": "), ":")
}

func (e *FileError) Unwrap() error { return e.Err }

// Open reads the main module's cue.mod/module.cue and cue.mod/spacel.sum. Root is the module's directory.
func Open(root fs.FS) (*Main, error) {
	text, err := fs.ReadFile(root, ModuleFile)
	if err != nil {
		return nil, err
	}
	file, err := modfile.Parse(text, ModuleFile)
	if err != nil {
		return nil, &FileError{err}
	}
	sums, err := readSums(root)
	return &Main{root: root, file: file, sums: sums, loaded: map[Version]result{}}, err
}

// Dependencies returns the modules that module.cue lists, sorted.
func (m *Main) Dependencies() []Version { return m.file.DepVersions() }

// Candidates returns the dependencies that may hold the package of an import path, those with the longest path first.
// from is the module with the import, nil for the main module: an import without a major version means the one that this
// module's own module.cue names.
func (m *Main) Candidates(importPath, major string, from *Module) ([]Version, error) {
	importing := m.file
	if from != nil {
		importing = from.file
	}
	var found []Version
	for _, v := range m.file.DepVersions() {
		base := v.BasePath()
		if importPath != base && !strings.HasPrefix(importPath, base+"/") {
			continue
		}
		wanted := major
		if wanted == "" {
			var err error
			if wanted, err = majorOf(importing, base); err != nil {
				return nil, err
			}
		}
		if wanted == "" || wanted == majorVersion(v) {
			found = append(found, v)
		}
	}
	slices.SortFunc(found, func(a, b Version) int { return len(b.BasePath()) - len(a.BasePath()) })
	return found, nil
}

// majorOf returns the major version by which a module.cue means a module when an import names none, "" if it does not list
// the module.
func majorOf(file *modfile.File, base string) (string, error) {
	if major, ok := file.DefaultMajorVersions()[base]; ok {
		return major, nil
	}
	var majors []string
	for _, v := range file.DepVersions() {
		if v.BasePath() == base {
			majors = append(majors, majorVersion(v))
		}
	}
	if len(majors) > 1 {
		return "", fmt.Errorf("%s is a dependency in the versions %s; write the version into the import, as in %q", base,
			strings.Join(majors, " and "), base+"@"+majors[0])
	}
	if len(majors) == 0 {
		return "", nil
	}
	return majors[0], nil
}

// majorVersion returns v0 of acme.com/platform@v0.
func majorVersion(v Version) string {
	_, major, _ := strings.Cut(v.Path(), "@")
	return major
}

// Load returns a dependency after verifying its digest. Each one is read once.
func (m *Main) Load(v Version) (*Module, error) {
	m.lock.Lock()
	defer m.lock.Unlock()
	known, ok := m.loaded[v]
	if !ok {
		known.module, known.err = m.read(v)
		m.loaded[v] = known
	}
	return known.module, known.err
}

// read finds a dependency, and checks it.
func (m *Main) read(v Version) (*Module, error) {
	name := Name(v)
	if replaced(m.file, v) {
		return nil, fmt.Errorf("%s is replaced by replaceWith in %s, which spacel does not support: remove replaceWith", name, ModuleFile)
	}
	want, ok := m.sums[name]
	if !ok {
		return nil, fmt.Errorf("%s has no digest of %s; run %s and commit the file", SumFile, name, Command)
	}
	files, where, err := m.locate(v)
	if err != nil {
		return nil, err
	}
	tree, err := ReadTree(files)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", name, where, err)
	}
	if tree.Digest != want {
		return nil, fmt.Errorf("%s differs from its digest in %s: someone changed %s; delete that directory and run %s",
			name, SumFile, where, Command)
	}
	text, ok := tree.Files[ModuleFile]
	if !ok {
		return nil, fmt.Errorf("%s has no %s", name, ModuleFile)
	}
	file, err := modfile.ParseNonStrict(text, name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &Module{v, tree, file}, m.Satisfies(v, file)
}

// replaced reports whether module.cue replaces a dependency.
func replaced(file *modfile.File, v Version) bool {
	d := file.Deps[v.Path()]
	return d != nil && d.ReplaceWith != ""
}

// Satisfies returns an error if the main module.cue does not list what a dependency needs itself, in that version or a newer
// one. `cue mod tidy` lists it.
func (m *Main) Satisfies(v Version, file *modfile.File) error {
	for _, need := range file.DepVersions() {
		i := slices.IndexFunc(m.file.DepVersions(), func(have Version) bool { return have.Path() == need.Path() })
		switch {
		case i < 0:
			continue // an error only if one of its packages is imported
		case m.file.DepVersions()[i].Compare(need) < 0:
			return fmt.Errorf("%s needs %s, and %s has %s; run cue mod tidy, then %s", Name(v), Name(need), ModuleFile,
				m.file.DepVersions()[i].Version(), Command)
		}
	}
	return nil
}

// locate returns the files of a dependency, and where they are: its copy, which wins, or the cache.
func (m *Main) locate(v Version) (files fs.FS, where string, err error) {
	dir := path.Join(CopyDir, Name(v))
	if info, err := fs.Stat(m.root, dir); err == nil && info.IsDir() {
		files, err := fs.Sub(m.root, dir)
		return files, dir, err
	}
	where, err = CachePath(v)
	if err != nil {
		return nil, "", err
	}
	if info, err := os.Stat(where); err != nil || !info.IsDir() {
		return nil, "", fmt.Errorf("%s is neither in %s nor in the cache of the cue command; run %s", Name(v), CopyDir, Command)
	}
	if partial(v) {
		return nil, "", fmt.Errorf("%s is not complete in the cache of the cue command; run %s", Name(v), Command)
	}
	return os.DirFS(where), where, nil
}

// cacheDir returns the directory of CUE's module cache, as the cue command finds it.
func cacheDir() (string, error) {
	if dir := os.Getenv("CUE_CACHE_DIR"); dir != "" {
		return filepath.Join(dir, "mod"), nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache of the cue command: %w", err)
	}
	return filepath.Join(dir, "cue", "mod"), nil
}

// CachePath returns the directory of a module in the cache.
func CachePath(v Version) (string, error) {
	dir, err := cacheDir()
	if err != nil {
		return "", err
	}
	base, err := module.EscapePath(v.BasePath())
	if err != nil {
		return "", err
	}
	version, err := module.EscapeVersion(v.Version())
	return filepath.Join(dir, "extract", filepath.FromSlash(base)+"@"+version), err
}

// partial reports whether the cue command is still unpacking a module, or was interrupted while it did.
func partial(v Version) bool {
	dir, err := cacheDir()
	if err != nil {
		return false
	}
	base, wrong := module.EscapePath(v.BasePath())
	version, err := module.EscapeVersion(v.Version())
	if errors.Join(wrong, err) != nil {
		return false
	}
	_, err = os.Stat(filepath.Join(dir, "download", filepath.FromSlash(base), "@v", version+".partial"))
	return err == nil
}

// Digest returns the digest of a dependency in cue.mod/spacel.sum, "" if it has none.
func (m *Main) Digest(v Version) string { return m.sums[Name(v)] }
