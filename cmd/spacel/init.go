package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"
)

const initDescription = `Writes an orbit's and an app's manifest with comments, a .gitignore, and a GitHub workflow that builds, checks,
comments on pull requests and deploys after a merge. Existing files are never overwritten: if one exists, nothing is
written.

   spacel init
   spacel init shop`

//go:embed starter
var starter embed.FS

// starterFiles maps the files that init writes to their embedded templates.
var starterFiles = []struct{ to, from string }{
	{"orbit.yaml", "starter/orbit.yaml"},
	{"app.yaml", "starter/app.yaml"},
	{".github/workflows/spacel.yml", "starter/workflow.yml"},
	{".gitignore", "starter/gitignore"},
}

// initCommand writes a first project. It reads nothing, so it also works before any manifest or credentials exist.
func initCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "init",
		Usage:       "write an orbit, an app and a CI workflow to start from",
		ArgsUsage:   "[DIR]",
		Description: initDescription,
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() > 1 {
				return exactly(ctx, 1, "at most one directory")
			}
			dir := "."
			if ctx.NArg() == 1 {
				dir = ctx.Args().First()
			}
			return writeStarter(c, ctx, dir)
		},
	})
}

// writeStarter writes the starter files into a directory. The app in them is named after the directory.
func writeStarter(c *console, ctx *cli.Context, dir string) error {
	app, err := appName(dir)
	if err != nil {
		return err
	}
	if err := nothingThere(dir); err != nil {
		return err
	}
	for _, f := range starterFiles {
		body, err := starter.ReadFile(f.from)
		if err != nil {
			return err
		}
		// Only the app's manifest has the placeholder. In orbit.yaml the word APP is part of a comment.
		text := strings.ReplaceAll(string(body), "APP", app)
		if f.from != "starter/app.yaml" {
			text = string(body)
		}
		if err := writeNew(filepath.Join(dir, f.to), text); err != nil {
			return err
		}
		if !ctx.Bool("quiet") {
			fmt.Fprintf(c.out, "wrote %s\n", filepath.Join(dir, f.to))
		}
	}
	if ctx.Bool("quiet") {
		return c.out.err
	}
	// The printed commands can be copied: they change into the directory first.
	there := ""
	if dir != "." {
		there = "cd " + dir + "\n   "
	}
	fmt.Fprintf(c.out, "\nnext:\n   %sspacel build --orbit orbit.yaml app.yaml --with-orbit\n", there)
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

// nothingThere returns an error if any of the files exists. All are checked before the first is written, so that init never
// leaves half of them.
func nothingThere(dir string) error {
	var there []string
	for _, f := range starterFiles {
		_, err := os.Lstat(filepath.Join(dir, f.to))
		if err == nil {
			there = append(there, filepath.Join(dir, f.to))
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if there == nil {
		return nil
	}
	return fmt.Errorf("spacel init: %s: already exists; nothing was written: name another directory, or move the file away",
		strings.Join(there, ", "))
}

// writeNew creates a file. O_EXCL makes it fail when the file appeared since nothingThere looked.
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
