// Package cuevendor loads the dependencies of a CUE module from a registry, for `spacel vendor`. It is the only package of
// schema with access to the network. Builds read its results through package cuemodules.
package cuevendor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"cuelang.org/go/mod/modconfig"
	"cuelang.org/go/mod/module"

	"github.com/pebble/spacel/schema/cuemodules"
)

// Result is a module which builds can use now.
type Result struct {
	Module string `json:"module"` // with its version
	Digest string `json:"digest"`
	Copy   string `json:"copy,omitempty"` // its directory in the main module
}

// Vendor makes the dependencies of the module in root available to builds. It loads each one into the cache of the cue command,
// unless it is there, and writes cue.mod/spacel.sum. With copies it also copies each one into cue.mod/spacel. The registry and
// the credentials are the cue command's (CUE_REGISTRY, cue login). The module skip is left out: the language's own, which
// spacel contains.
//
// An unexpected digest, other than the one in cue.mod/spacel.sum, is an error. No file is written then.
func Vendor(ctx context.Context, root, skip string, copies bool) ([]Result, error) {
	mainModule, err := cuemodules.Open(os.DirFS(root))
	if err != nil {
		return nil, err
	}
	registry, err := modconfig.NewRegistry(&modconfig.Config{ClientType: "spacel"})
	if err != nil {
		return nil, err
	}
	v := &vendoring{root: root, copies: copies, module: mainModule, registry: registry, sums: cuemodules.Sums{}}
	// All dependencies are tried, so a user sees all errors in one run.
	var failed []error
	for _, version := range mainModule.Dependencies() {
		if version.BasePath() == skip {
			continue
		}
		if err := v.load(ctx, version); err != nil {
			failed = append(failed, err)
		}
	}
	if err := errors.Join(failed...); err != nil {
		return nil, err
	}
	return v.results, v.write()
}

// vendoring is one run. It collects results in memory and writes files at its end.
type vendoring struct {
	root     string
	copies   bool
	module   *cuemodules.Main
	registry modconfig.CachedRegistry

	sums    cuemodules.Sums
	results []Result
	sources []string // the directory of each result
}

// load loads one dependency and checks it: its digest against cue.mod/spacel.sum, and its own dependencies against the main
// module's list.
func (v *vendoring) load(ctx context.Context, version cuemodules.Version) error {
	name := cuemodules.Name(version)
	location, err := v.registry.Fetch(ctx, version)
	if err != nil {
		return fmt.Errorf("load %s: %w", name, err)
	}
	// Dir is relative to the cache's file system. Only with the root on disk is it a path for error messages.
	dir := location.Dir
	if native, ok := location.FS.(module.OSRootFS); ok {
		dir = filepath.Join(native.OSRoot(), dir)
	}
	tree, err := cuemodules.ReadTree(os.DirFS(dir))
	if err != nil {
		return fmt.Errorf("%s: %s: %w", name, dir, err)
	}
	if want := v.module.Digest(version); want != "" && want != tree.Digest {
		return fmt.Errorf("%s differs from its digest in %s: if %s was changed, delete it and run this again; if the registry has another "+
			"content now and you trust it, delete the module's line in %s", name, cuemodules.SumFile, dir, cuemodules.SumFile)
	}
	file, err := v.registry.ModFile(ctx, version)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := v.module.Satisfies(version, file); err != nil {
		return err
	}
	v.sums[name] = tree.Digest
	v.results = append(v.results, Result{Module: name, Digest: tree.Digest})
	v.sources = append(v.sources, dir)
	return nil
}

// write writes the copies, and then the digests. An interruption between the two leaves the old digests, and a build
// reports copies that do not match them.
func (v *vendoring) write() error {
	if v.copies {
		if err := v.copyAll(); err != nil {
			return err
		}
	}
	return replaceFile(filepath.Join(v.root, filepath.FromSlash(cuemodules.SumFile)), []byte(v.sums.String()))
}

// copyAll replaces cue.mod/spacel by copies of the modules. They are written into a temporary directory beside it first. An
// interrupted run leaves the old directory in place.
func (v *vendoring) copyAll() error {
	target := filepath.Join(v.root, filepath.FromSlash(cuemodules.CopyDir))
	fresh, err := os.MkdirTemp(filepath.Dir(target), ".spacel-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(fresh)
	for i := range v.results {
		name := v.results[i].Module
		if err := copyTree(filepath.Join(fresh, filepath.FromSlash(name)), v.sources[i]); err != nil {
			return fmt.Errorf("copy %s: %w", name, err)
		}
		v.results[i].Copy = cuemodules.CopyDir + "/" + name
	}
	if err := os.RemoveAll(target); err != nil {
		return err
	}
	// MkdirTemp makes a directory for its owner only. Copies are committed and read by others.
	if err := os.Chmod(fresh, 0o755); err != nil {
		return err
	}
	return os.Rename(fresh, target)
}

// copyTree copies the files of a directory. The cache's directories are read-only, the copies are not: a team commits them, and
// git must be able to replace them.
func copyTree(to, from string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, below)
		if entry.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o644)
	})
}

// replaceFile writes a file as a whole, or not at all: a rename within one directory is atomic. A file with the same content is
// not touched, so its modification time stays.
func replaceFile(path string, data []byte) error {
	if old, err := os.ReadFile(path); err == nil && string(old) == string(data) {
		return nil
	}
	temporary := path + ".new"
	if err := os.WriteFile(temporary, data, 0o644); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// Root returns the root of the module around a directory: the nearest directory upwards with cue.mod/module.cue. A relative
// argument gives a relative path, so that messages show paths as the user types them.
func Root(dir string) (string, error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if info, err := os.Stat(start); err != nil || !info.IsDir() {
		return "", errors.Join(err, notDirectory(dir, err))
	}
	for at := start; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, filepath.FromSlash(cuemodules.ModuleFile))); err == nil {
			if relative, err := filepath.Rel(start, at); err == nil && !strings.HasPrefix(dir, "/") {
				return filepath.Join(dir, relative), nil
			}
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("%s: there is no %s in it or in the directories above; cue mod init makes one",
				dir, cuemodules.ModuleFile)
		}
	}
}

// notDirectory returns the error for a file in place of a directory, nil if there already is an error.
func notDirectory(dir string, err error) error {
	if err != nil {
		return nil
	}
	return fmt.Errorf("%s: must be the directory of a CUE module", dir)
}
