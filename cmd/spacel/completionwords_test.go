package main

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// completed returns the words that the program prints for a command line.
func completed(t *testing.T, line string) []string {
	t.Helper()
	var out, stderr bytes.Buffer
	args := append([]string{"spacel"}, append(strings.Fields(line), completing)...)
	if code := run(context.Background(), args, strings.NewReader(""), &out, &stderr); code != exitYes || stderr.Len() > 0 {
		t.Fatalf("%s: %d %s", line, code, stderr.String())
	}
	return strings.Fields(out.String())
}

// Completion knows the values of flags, the project's regions and the names of its apps.
func TestCompletedWords(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv(currentWord, "")
	if regions := completed(t, "build --region"); !slices.Contains(regions, "eu-west-1") || len(regions) < 20 {
		t.Errorf("without a project: %v", regions)
	}
	if apps := completed(t, "logs"); len(apps) > 0 {
		t.Errorf("without a project: %v", apps)
	}
	for name, text := range map[string]string{
		"spacel.yaml": "orbit: prod.cue\nmanifests: [web.yaml, 'all.cue#apps', broken.yaml]\n",
		"prod.cue":    "name: \"prod\"\nregions: [\"us-west-2\", \"eu-central-1\"]\n",
		"web.yaml":    "name: web\n",
		"all.cue":     "apps: [N=string]: name: N\napps: {b: {}, a: {}}\n",
		"broken.yaml": "name: [\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for line, want := range map[string]string{
		"build --region":          "us-west-2 eu-central-1",
		"vet -r":                  "us-west-2 eu-central-1",
		"vet --region =":          "us-west-2 eu-central-1",
		"vet --output":            "text json github sarif",
		"eval web.yaml --output":  "cue json yaml",
		"deploy --upgrade":        "agent image agent,image",
		"schema --json-schema":    "orbit app",
		"logs":                    "a b web",
		"logs --docker":           "a b web",
		"instances --region eu-1": "a b web",
		"access grant ada":        "a b web",
		"access grant":            "",
		"instances web":           "",
		"vet --orbit":             "",
		"vet":                     "",
		"completion":              "bash zsh fish",
	} {
		if got := strings.Join(completed(t, line), " "); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

// A value that completion offers is one that the flag takes.
func TestCompletedValuesAreValid(t *testing.T) {
	seen := map[string]bool{}
	var check func(commands []*cli.Command)
	check = func(commands []*cli.Command) {
		for _, c := range commands {
			check(c.Subcommands)
			for _, f := range c.Flags {
				of, ok := f.(*cli.StringFlag)
				if !ok || of.Action == nil || of.Name == "region" {
					continue
				}
				for _, value := range valuesOf(f) {
					seen[of.Name] = true
					if err := of.Action(nil, value); err != nil {
						t.Errorf("%s: %v", c.Name, err)
					}
				}
			}
		}
	}
	check(newApp(newConsole(strings.NewReader(""), nil, nil)).Commands)
	for _, name := range []string{"output", "agent-channel", "json-schema"} {
		if !seen[name] {
			t.Errorf("--%s has no words", name)
		}
	}
}
