package assembly

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// buildFiles are the files a build writes.
var buildFiles = regexp.MustCompile(`^(manifest\.json|sourcemap\.json|assets/[0-9a-f]{64}|[a-z0-9-]+/[A-Za-z0-9-]+\.template\.json)$`)

// replaceable returns an error unless a build may replace the directory. It refuses anything but an earlier build, and
// an earlier build with other files in it, because the build would delete them. Dir is the path in the user's words,
// target the absolute path.
func replaceable(dir, target string) error {
	info, err := os.Lstat(target)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at %s: %w", dir, err)
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		return fmt.Errorf("%s is a symbolic link, which a build would replace: give the directory it points to", dir)
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a directory: choose another --out", dir)
	}
	if holdsWorkingDirectory(info) {
		return fmt.Errorf("%s is or holds the working directory, which a build would replace: choose a directory below it", dir)
	}
	return holdsOnlyBuildFiles(dir, target)
}

// holdsWorkingDirectory reports whether the target is the working directory or one of its parents. Replacing it would
// leave the user's shell in a deleted directory.
func holdsWorkingDirectory(target fs.FileInfo) bool {
	at, err := os.Getwd()
	if err != nil {
		return false
	}
	for {
		if info, err := os.Stat(at); err == nil && os.SameFile(info, target) {
			return true
		}
		parent := filepath.Dir(at)
		if parent == at {
			return false
		}
		at = parent
	}
}

// holdsOnlyBuildFiles returns an error if the directory holds files that no build writes.
func holdsOnlyBuildFiles(dir, target string) error {
	entries, err := os.ReadDir(target)
	if err != nil {
		return fmt.Errorf("look into %s: %w", dir, err)
	}
	if len(entries) == 0 {
		return nil
	}
	if !holdsManifest(target) {
		return fmt.Errorf("%s is not empty and no earlier build: nothing was touched: choose another --out, or empty it", dir)
	}
	strays, err := unknownFiles(target)
	if err != nil {
		return fmt.Errorf("look into %s: %w", dir, err)
	}
	if len(strays) > 0 {
		return fmt.Errorf("%s holds %s, which no build wrote and a build would delete: move it away, or choose another --out",
			dir, some(strays))
	}
	return nil
}

// unknownFiles lists files that no build writes, at most one more than a message shows.
func unknownFiles(target string) (strays []string, err error) {
	err = fs.WalkDir(os.DirFS(target), ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !e.IsDir() && (!e.Type().IsRegular() || !buildFiles.MatchString(name)):
			strays = append(strays, name)
		}
		if len(strays) > most {
			return fs.SkipAll
		}
		return nil
	})
	return strays, err
}

// most is how many names a message lists.
const most = 3

// holdsManifest reports whether manifest.json looks like a build's. Its JSON is not parsed: a manifest of another
// format, or one with conflict markers from a merge, must be replaceable by building again.
func holdsManifest(target string) bool {
	body, err := os.ReadFile(filepath.Join(target, manifestFile))
	if err != nil {
		return false
	}
	for _, field := range []string{`"format":`, `"orbit":`, `"stacks":`} {
		if !bytes.Contains(body, []byte(field)) {
			return false
		}
	}
	return true
}

// some joins the first names for a message.
func some(names []string) string {
	if len(names) > most {
		return strings.Join(names[:most], ", ") + " and more"
	}
	return strings.Join(names, ", ")
}
