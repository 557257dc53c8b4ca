package main

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/language"
	"github.com/pebble/spacel/schema/project"
)

const initDescription = `Writes an orbit's and an app's manifest with comments: a project, for which no command needs an argument. ` +
	`Beside it come
a .gitignore, a .gitattributes, a GitHub workflow that builds, checks, comments on pull requests and deploys after a merge, and in
.spacel the JSON Schemas that the manifests' first lines name: an editor with a YAML language server completes and checks them.
Write those again after an update of spacel: spacel schema --json-schema app > .spacel/app.schema.json.

If the directory has an orbit, an app or a project file, nothing is written. A .gitignore or .gitattributes that exists gets one
more line. In a git repository the workflow goes to the repository's top directory, where GitHub looks for it, and works in the
project's directory. A workflow that exists stays as it is.

   spacel init
   spacel init shop`

//go:embed starter
var starter embed.FS

// The paths of the workflow and of the files for git.
const (
	workflowPath  = ".github/workflows/spacel.yml"
	gitIgnorePath = ".gitignore"
	gitAttributes = ".gitattributes"

	schemaDirectory = ".spacel" // of the JSON Schemas, which the first line of each manifest names for editors
)

// initCommand writes a project to start from. Its manifests build without a change.
func initCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "init",
		Usage:       "write an orbit, an app and a CI workflow to start from",
		ArgsUsage:   "[DIR]",
		Description: initDescription,
		Action: func(ctx *cli.Context) error {
			dir, err := directoryOrHere(ctx, "at most one directory")
			if err != nil {
				return err
			}
			return writeStarter(c, ctx, dir)
		},
	})
}

// writeStarter writes a project into a directory. The app in it is named after the directory. All checks come before the first
// file, so a refused directory stays empty.
func writeStarter(c *console, ctx *cli.Context, dir string) error {
	app, err := appName(dir)
	if err != nil {
		return err
	}
	if err := noProjectThere(dir); err != nil {
		return err
	}
	top, below, err := repositoryOf(dir)
	if err != nil {
		return err
	}
	s := starterWriter{console: c, quiet: ctx.Bool("quiet")}
	s.write("orbit.yaml", filepath.Join(dir, "orbit.yaml"))
	s.write("app.yaml", filepath.Join(dir, "app.yaml"), "APP", app)
	s.write("workflow.yml", filepath.Join(top, workflowPath), append(workflowPlaces(below), pinnedVersion()...)...)
	s.addLine("gitignore", filepath.Join(dir, gitIgnorePath))
	s.addLine("gitattributes", filepath.Join(dir, gitAttributes))
	for _, of := range []string{"orbit", "app"} {
		s.schema(filepath.Join(dir, schemaDirectory, of+".schema.json"), of)
	}
	if s.err != nil || s.quiet {
		return errors.Join(s.err, c.out.err)
	}
	there := ""
	if dir != "." {
		there = "cd " + dir + "\n   "
	}
	fmt.Fprintf(c.out, "\nnext:\n   %sspacel build\n", there)
	fmt.Fprintf(c.out, "   fill in SPACEL_VERSION and SPACEL_SHA256 in the workflow, from a release's SHA256SUMS\n")
	return c.out.err
}

// foreign matches the characters of a directory's name not allowed in an app's name.
var foreign = regexp.MustCompile(`[^a-z0-9]+`)

// appName makes an app's name of a directory's: lower case, dashes for other characters, at most 32. A name without any
// letter becomes "app".
func appName(dir string) (string, error) {
	whole, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	name := strings.Trim(foreign.ReplaceAllString(strings.ToLower(filepath.Base(whole)), "-"), "-0123456789")
	if name == "" {
		return "app", nil
	}
	return strings.TrimRight(name[:min(len(name), 32)], "-"), nil
}

// noProjectThere returns an error if the directory has an orbit, an app or a project file, in any format. A second one would
// make the project ambiguous.
func noProjectThere(dir string) error {
	var there []string
	for _, name := range project.Files(dir) {
		there = append(there, filepath.Join(dir, name))
	}
	if there == nil {
		return nil
	}
	return fmt.Errorf("spacel init: %s: already exists; nothing was written: name another directory, or move the file away",
		strings.Join(there, ", "))
}

// repositoryOf returns the top directory of the git repository around a directory, and the way from there to the directory. Without
// a repository both are the directory itself. Git keeps its data in .git, which is a file in worktrees and submodules.
func repositoryOf(dir string) (top, below string, err error) {
	whole, err := filepath.Abs(dir)
	if err != nil {
		return "", "", err
	}
	for up := whole; ; up = filepath.Dir(up) {
		if _, err := os.Lstat(filepath.Join(up, ".git")); err == nil {
			below, err := filepath.Rel(up, whole)
			if err != nil || below == "." {
				return dir, "", err
			}
			top, err := filepath.Rel(workingDirectory(), up)
			return cmp.Or(top, up), filepath.ToSlash(below), err
		}
		if filepath.Dir(up) == up {
			return dir, "", nil
		}
	}
}

// workingDirectory returns the absolute path of the working directory, "." if the system does not tell.
func workingDirectory() string {
	here, err := filepath.Abs(".")
	if err != nil {
		return "."
	}
	return here
}

// workflowPlaces returns the replacements that let the workflow work in a directory below the repository's top. GitHub reads
// workflows from the top only.
func workflowPlaces(below string) []string {
	if below == "" {
		return []string{"# WORKING_DIRECTORY\n", "", "BELOW/", ""}
	}
	return []string{"# WORKING_DIRECTORY\n", fmt.Sprintf("defaults: {run: {working-directory: %q}}\n\n", below), "BELOW", below}
}

// pinnedVersion returns the replacements that pin the workflow to this release. A program that is no release leaves the version to be
// filled in. The digest is always filled in by hand: it is that of the release's archive, which no program knows.
func pinnedVersion() []string { return []string{`"VERSION"`, fmt.Sprintf("%q", releaseVersion())} }

// starterWriter writes files until the first error.
type starterWriter struct {
	*console
	quiet bool
	err   error
}

// say prints what happened to a file.
func (s *starterWriter) say(what, name string) {
	if s.err == nil && !s.quiet {
		fmt.Fprintf(s.out, "%s %s\n", what, name)
	}
}

// write writes a file from its embedded template. replace holds pairs of old and new text. A file that exists is kept.
func (s *starterWriter) write(from, to string, replace ...string) {
	if s.err != nil {
		return
	}
	body, err := starter.ReadFile("starter/" + from)
	if err == nil {
		err = writeNew(to, strings.NewReplacer(replace...).Replace(string(body)))
	}
	if errors.Is(err, fs.ErrExist) {
		s.say("kept", to+", which exists")
		return
	}
	s.err = err
	s.say("wrote", to)
}

// schema writes the JSON Schema of a kind of manifest. It belongs to this version of spacel, so an older one is replaced.
func (s *starterWriter) schema(to, of string) {
	if s.err != nil {
		return
	}
	text, err := language.JSONSchema(schema.Definitions, schema.Examples, of)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o755)
	}
	if err == nil {
		err = os.WriteFile(to, text, 0o644)
	}
	s.err = err
	s.say("wrote", to)
}

// addLine writes a file for git from its embedded template, or adds the template's last line to one that exists and lacks it. CRLF
// counts as a line break, so a file from Windows does not get the line twice.
func (s *starterWriter) addLine(from, name string) {
	old, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		s.write(from, name)
		return
	}
	body, templateErr := starter.ReadFile("starter/" + from)
	if s.err = errors.Join(s.err, err, templateErr); s.err != nil {
		return
	}
	lines := strings.Split(strings.TrimSpace(string(body)), "\n")
	line, text := lines[len(lines)-1], string(old)
	if slices.Contains(strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), line) {
		s.say("kept", name)
		return
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	s.err = os.WriteFile(name, []byte(text+line+"\n"), 0o644)
	s.say("added a line to", name)
}

// writeNew creates a file. O_EXCL makes it fail when the file exists.
func writeNew(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}
