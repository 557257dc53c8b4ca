package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/urfave/cli/v2"
)

var (
	block    = regexp.MustCompile("(?ms)^```(yaml|cue|json)\n(.*?)^```$")
	withName = regexp.MustCompile(`(?m)^\s*"?name"?:`)
)

// Every manifest in the README and the docs builds. Those of an orbit have a domain or bastions.
func TestDocumentedManifests(t *testing.T) {
	docs, _ := filepath.Glob("../../docs/*.md")
	found := 0
	for _, path := range append(docs, "../../README.md") {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range block.FindAllStringSubmatch(string(body), -1) {
			if withName.MatchString(m[2]) {
				found++
				vetted(t, path, m[1], m[2])
			}
		}
	}
	if found < 3 {
		t.Errorf("%d manifests found", found)
	}
}

var fileBlock = regexp.MustCompile("(?ms)^```txtar\n(.*?)^```$")

// Every example of several files works: the commands above its files succeed.
func TestDocumentedProjects(t *testing.T) {
	found := 0
	for path, body := range readDocs(t) {
		for _, m := range fileBlock.FindAllStringSubmatch(body, -1) {
			found++
			archive := txtar.Parse([]byte(m[1]))
			dir := t.TempDir()
			for _, f := range archive.Files {
				name := filepath.Join(dir, f.Name)
				if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, f.Data, 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			for line := range strings.Lines(string(archive.Comment)) {
				t.Run(strings.TrimSpace(line), func(t *testing.T) {
					t.Chdir(dir)
					var out bytes.Buffer
					if code := run(context.Background(), strings.Fields(line), strings.NewReader(""), &out, &out); code != 0 {
						t.Errorf("%s: exit code %d: %s", path, code, out.String())
					}
				})
			}
		}
	}
	if found < 2 {
		t.Errorf("%d projects found", found)
	}
}

func vetted(t *testing.T, doc, format, text string) {
	path := filepath.Join(t.TempDir(), "manifest."+format)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"spacel", "vet", "--orbit", "../../testdata/golden/example/orbit.cue", path}
	if strings.Contains(text, "bastion") || strings.Contains(text, "private_network") {
		args = []string{"spacel", "vet", "--orbit", path}
	}
	var out bytes.Buffer
	if code := run(context.Background(), args, strings.NewReader(""), &out, &out); code != 0 {
		t.Errorf("%s: a manifest in it does not build: %s\n%s", doc, out.String(), text)
	}
}

// The README's first manifest is the example that make demo builds.
func TestReadmeExample(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("../../testdata/golden/example/laika.yaml")
	if err != nil {
		t.Fatal(err)
	}
	first := block.FindStringSubmatch(string(readme))
	if want := "# laika.yaml\n" + string(example); first == nil || first[2] != want {
		t.Errorf("the README shows\n%q\nand the example is\n%q", first, want)
	}
}

// readDocs returns the docs and the Markdown files of the top directory, by path.
func readDocs(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	top, err := filepath.Glob("../../*.md") // README.md, CONTRIBUTING.md and the like
	if err != nil {
		t.Fatal(err)
	}
	docs := map[string]string{}
	for _, path := range append(paths, top...) {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		docs[filepath.Clean(path)] = string(body)
	}
	return docs
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile("(?m)^#+ (.*)$")
	noSlug  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors are a document's headings as GitHub links to them.
func anchors(body string) []string {
	var all []string
	for _, m := range heading.FindAllStringSubmatch(body, -1) {
		all = append(all, strings.ReplaceAll(noSlug.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return all
}

// Every link of the docs leads somewhere: to a file of the repository, and to a heading when it names one.
func TestDocumentedLinks(t *testing.T) {
	docs := readDocs(t)
	for path, body := range docs {
		for _, m := range link.FindAllStringSubmatch(body, -1) {
			file, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(file, "://") {
				continue
			}
			to := path
			if file != "" {
				to = filepath.Join(filepath.Dir(path), file)
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: the link %s: %v", path, m[1], err)
			}
			if anchor != "" && !slices.Contains(anchors(docs[to]), anchor) {
				t.Errorf("%s: the link %s: there is no such heading", path, m[1])
			}
		}
	}
}

// call is a command line in the docs, up to where it ends or a comment begins.
var call = regexp.MustCompile("(?m)(?:^ *(?:\\$ )?|[`|] ?)spacel ([a-z][^`|)\n]*?)(?:   |$|[`|)])")

// Every command in the docs is one, and takes the flags that it is given there.
func TestDocumentedCommands(t *testing.T) {
	found := 0
	for path, body := range readDocs(t) {
		for _, m := range call.FindAllStringSubmatch(body, -1) {
			found++
			if wrong := wrongCall(strings.Fields(m[1])); wrong != "" {
				t.Errorf("%s: spacel %s: %s", path, m[1], wrong)
			}
		}
	}
	if found < 50 {
		t.Errorf("%d commands found", found)
	}
}

// wrongCall says what the program would not know of a command line.
func wrongCall(words []string) string {
	commands, flags := newApp(newConsole(strings.NewReader(""), io.Discard, io.Discard)).Commands, []string(nil)
	for i, word := range words {
		if word == "--" {
			return ""
		}
		at := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(strings.TrimSuffix(word, ",")) })
		switch {
		case at >= 0:
			for _, f := range commands[at].Flags {
				flags = append(flags, f.Names()...)
			}
			commands = commands[at].Subcommands
		case i == 0:
			return "no command is called " + word
		case strings.HasPrefix(word, "--"):
			name, _, _ := strings.Cut(strings.Trim(word, "-,[]…"), "=")
			if !slices.Contains(flags, name) {
				return "it has no flag --" + name
			}
		}
	}
	return ""
}
