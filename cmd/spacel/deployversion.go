package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
)

// maxVersion is the length of document.VersionPattern.
const maxVersion = 128

var (
	validVersion = regexp.MustCompile(`^(?:` + document.VersionPattern + `)$`)
	notInVersion = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)
)

// checkVersion checks --version by the pattern of the templates' parameter. CloudFormation would refuse the change set, after the
// orbit's stacks were deployed.
func checkVersion(ctx *cli.Context) error {
	version := ctx.String("version")
	switch {
	case !ctx.IsSet("version") || validVersion.MatchString(version):
		return nil
	case version == "":
		return fmt.Errorf("--version is empty: leave it out to keep the deployed version")
	}
	hint := ""
	if other := strings.TrimLeft(notInVersion.ReplaceAllString(version, "-"), ".-"); other != "" {
		hint = ", such as " + other[:min(len(other), maxVersion)]
	}
	return fmt.Errorf("--version becomes an image's tag: it must be at most %d letters, digits, _ . and -, "+
		"and not begin with . or -, got %q%s", maxVersion, version, hint)
}

// checkTaken reports a --version that no stack of the directory takes: the images of its apps have tags, and no unit has __VERSION__.
// The deployment would end well, and nothing would have been released.
func checkTaken(ctx *cli.Context, a *assembly.Assembly) error {
	if !ctx.IsSet("version") {
		return nil
	}
	for _, s := range a.Manifest.Stacks {
		if _, takes := s.Parameters[document.ParameterVersion]; takes {
			return nil
		}
	}
	return fmt.Errorf("%s: --version %s: no app in the directory takes a version, because every image has a tag and no unit has "+
		"__VERSION__: write the new tag into the manifest and build", ctx.Command.HelpName, ctx.String("version"))
}
