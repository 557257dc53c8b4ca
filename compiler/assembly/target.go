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

// replaceable refuses a directory that a build would destroy: anything that is not an earlier build, or that holds
// another's files beside one. Dir is the directory as the user knows it.
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
		return fmt.Errorf("%s holds %s, which no build wrote and a build would delete: move it away, or choose another --out", dir,
			some(strays))
	}
	return nil
}

// unknownFiles lists what in a directory is not of our making, as far as a message needs it.
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

// holdsManifest says whether a manifest of a build is there: of whatever format, and also one that a merge left in conflict,
// which building again is to mend.
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

func some(names []string) string {
	if len(names) > most {
		return strings.Join(names[:most], ", ") + " and more"
	}
	return strings.Join(names, ", ")
}
