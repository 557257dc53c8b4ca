// Package project finds the manifests of a project, for commands without arguments. Either a project file names them, or they have
// the usual names.
//
//	project.go   finds a project in a directory
//	file.go      reads a project file
package project

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pebble/spacel/schema/report"
)

// Project is a set of manifests: an orbit's and those of all its apps. Paths are relative to the working directory.
type Project struct {
	File      string   // the project file; "" when the manifests were found by their names
	Orbit     string   // a path in one of the forms that --orbit takes
	Manifests []string // of the apps
	Out       string   // the artifact directory
	Policy    string   // "" if there is none
}

// DefaultOut is the artifact directory of a project that names none.
const DefaultOut = "build"

// The file names that make a project, each with one of the extensions.
const (
	fileName  = "spacel"
	orbitName = "orbit"
	appName   = "app"
)

// extensions are those of manifests. Each format can hold a project file, too.
var extensions = []string{".yaml", ".yml", ".json", ".cue"}

// AmbiguousError is the error for two files of which only one can be meant, such as orbit.yaml and orbit.cue.
type AmbiguousError struct {
	Files []string // sorted
	What  string   // the role of the file: the orbit's manifest
	Fix   string
}

// Error names the files and the fix in one line.
func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%s: only one can be %s: %s", strings.Join(e.Files, " and "), e.What, e.Fix)
}

// Find returns the project of the working directory, nil if there is none. A project file comes before manifests with the usual
// names, orbit.* and app.*. Parent directories are not searched: source maps name manifests relative to the working
// directory, so the same build from two directories would differ.
//
// Mistakes in a project file go to the report, and the project is nil. definitions are those of the language, which a .cue
// file may import.
func Find(definitions fs.FS, r *report.Report) (*Project, error) {
	file, err := theOnly(fileName, "the project file", "remove the other")
	if err != nil {
		return nil, err
	}
	if file != "" {
		return readFile(file, definitions, r)
	}
	orbit, err := theOnly(orbitName, "the orbit's manifest", "name it with --orbit, or in a project file (spacel.yaml)")
	if orbit == "" || err != nil {
		return nil, err
	}
	p := &Project{Orbit: orbit, Out: DefaultOut}
	app, err := theOnly(appName, "the app's manifest", "name the apps as arguments, or in a project file (spacel.yaml)")
	if app != "" {
		p.Manifests = []string{app}
	}
	return p, err
}

// theOnly returns the file of a name with one of the extensions, "" if there is none. Two are an error that names both.
func theOnly(name, what, fix string) (string, error) {
	found := candidates(".", name)
	switch len(found) {
	case 0:
		return "", nil
	case 1:
		return found[0], nil
	}
	return "", &AmbiguousError{Files: found, What: what, Fix: fix}
}

// candidates returns the files of a name in a directory, by their names alone.
func candidates(dir, name string) []string {
	var found []string
	for _, extension := range extensions {
		info, err := os.Stat(filepath.Join(dir, name+extension))
		if err == nil && !info.IsDir() {
			found = append(found, name+extension)
		}
	}
	return found
}

// Files returns the files of a directory that would make it a project.
func Files(dir string) []string {
	var found []string
	for _, name := range []string{orbitName, appName, fileName} {
		found = append(found, candidates(dir, name)...)
	}
	return found
}

// Above returns the nearest parent directory that holds a project, relative to the working directory: .. or ../.. and so on; ""
// if there is none. It only serves messages.
func Above() string {
	here, err := filepath.Abs(".")
	if err != nil {
		return ""
	}
	for up := ".."; filepath.Dir(here) != here; up += "/.." {
		here = filepath.Dir(here)
		if len(candidates(here, fileName)) > 0 || len(candidates(here, orbitName)) > 0 {
			return up
		}
	}
	return ""
}

// Named returns the manifest in the working directory with an orbit's name as its file name, such as production.yaml; "" if there
// is none or more than one.
func Named(orbit string) string {
	if found := candidates(".", orbit); len(found) == 1 {
		return found[0]
	}
	return ""
}
