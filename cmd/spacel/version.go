package main

import (
	"cmp"
	"fmt"
	"regexp"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/compiler/assembly"
)

// release is set by the linker for a release: -X main.release=v1.2.3.
var release string

const versionDescription = `   spacel version
   spacel version --output json`

// build is the output of --output json.
type build struct {
	Version string `json:"version"` // devel when not a release
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
	Format  int    `json:"format"` // of the artifact directories it reads and writes
}

// versionCommand prints the version, and with JSON the format of artifact directories that this program reads and writes.
func versionCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "version",
		Usage:       "print the version",
		Description: versionDescription,
		Action: func(ctx *cli.Context) error {
			if err := exactly(ctx, 0, "no arguments"); err != nil {
				return err
			}
			b := build{version(), runtime.Version(), runtime.GOOS, runtime.GOARCH, assembly.Format}
			if ctx.String("output") == "json" {
				return c.printJSON(b)
			}
			_, err := fmt.Fprintf(c.out, "spacel %s (%s, %s/%s)\n", b.Version, b.Go, b.OS, b.Arch)
			return err
		},
	}, "text", "json")
}

// version returns the release's version, else the module's for a program made by go install, else devel.
func version() string {
	// Go writes "(devel)" for a program built from a checkout.
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "(devel)" {
		return cmp.Or(release, info.Main.Version, "devel")
	}
	return cmp.Or(release, "devel")
}

// releaseForm matches the versions of releases. Go makes versions of commits for other programs: v0.0.0-20261101120000-abcdef123456.
var releaseForm = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+(-(alpha|beta|rc)[.0-9]*)?$`)

// releaseVersion returns the version if this program is a release, else "".
func releaseVersion() string {
	if v := version(); releaseForm.MatchString(v) {
		return v
	}
	return ""
}
