package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/project"
	"github.com/pebble/spacel/schema/report"
)

// orbitVariable names the orbit for every command without --orbit.
const orbitVariable = "SPACEL_ORBIT"

// accountForm matches the number of an AWS account.
var accountForm = regexp.MustCompile(`^[0-9]{12}$`)

// orbitName matches a valid name of an orbit. Where a name is allowed, a word that matches is a name even if a file or
// directory is called like it: ./prod is the directory.
var orbitName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*$`)

// findProject returns the project of the working directory, nil if there is none. Mistakes in the project file are printed in
// the form of --output, and the error is errNo.
func (c *console) findProject(ctx *cli.Context) (*project.Project, error) {
	found := &report.Report{}
	p, err := project.Find(schema.Definitions, found)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", ctx.Command.HelpName, err)
	case p == nil && found.Failed(false):
		return nil, c.finish(ctx, found, "", nil, errNo)
	}
	return p, nil
}

// needProject is findProject for a command that cannot do without. Missing describes the lack for the message: "which orbit?
// Name it with --orbit".
func (c *console) needProject(ctx *cli.Context, missing string) (*project.Project, error) {
	p, err := c.findProject(ctx)
	if p != nil || err != nil {
		return p, err
	}
	hint := "or write spacel.yaml here, or orbit.yaml and app.yaml; see " + ctx.Command.HelpName + " -h"
	if up := project.Above(); up != "" {
		hint = "or run it in the project's directory: cd " + up
	}
	return nil, fmt.Errorf("%s: %s, %s", ctx.Command.HelpName, missing, hint)
}

// projectOf is findProject for a command with an orbit from elsewhere. Then two orbit.* or app.* files are no mistake, as neither
// is needed.
func (c *console) projectOf(ctx *cli.Context) (*project.Project, error) {
	p, err := c.findProject(ctx)
	if _, several := errors.AsType[*project.AmbiguousError](err); several {
		return nil, nil
	}
	return p, err
}

// fillFrom completes a request by the project. Without --orbit and SPACEL_ORBIT the orbit is the project's. If also no app is
// given, the request is for the whole project: the orbit's own stacks and all apps.
func (r *request) fillFrom(c *console, ctx *cli.Context, orbit string) error {
	if orbit == "" {
		p, err := c.needProject(ctx, "which orbit? Name its manifest with --orbit or in SPACEL_ORBIT")
		if err != nil {
			return err
		}
		r.take(p)
		return nil
	}
	p, err := c.projectOf(ctx)
	if err != nil {
		return err
	}
	if r.orbit, err = c.orbitManifest(ctx, orbit, p); err != nil {
		return err
	}
	switch {
	case p == nil:
	case orbit == os.Getenv(orbitVariable) && filepath.Clean(r.orbit) == filepath.Clean(p.Orbit):
		r.take(p)
	default:
		r.out, r.policy = p.Out, p.Policy
	}
	return nil
}

// take puts the project's manifests and settings into a request. Apps that were given as arguments stay.
func (r *request) take(p *project.Project) {
	r.orbit, r.out, r.policy = relative(p.Orbit), p.Out, p.Policy
	if len(r.apps) > 0 {
		return
	}
	r.withOrbit, r.whole = true, true
	for _, app := range p.Manifests {
		r.apps = append(r.apps, relative(app))
	}
}

// orbitManifest returns the manifest of the orbit for a word. A bare name, as in SPACEL_ORBIT for commands that ask AWS, stands
// for the project's orbit of that name, or for a file such as production.yaml.
func (c *console) orbitManifest(ctx *cli.Context, what string, p *project.Project) (string, error) {
	if info, err := os.Stat(what); !orbitName.MatchString(what) || err == nil && info.Mode().IsRegular() {
		return relative(what), nil
	}
	other := ""
	if p != nil {
		name, err := nameOfOrbit(ctx.Context, p.Orbit)
		if err != nil {
			return "", err
		}
		if name == what || name == "" {
			return p.Orbit, nil
		}
		other = fmt.Sprintf(" (%s is of orbit %s)", p.Orbit, name)
	}
	if file := project.Named(what); file != "" {
		return file, nil
	}
	return "", fmt.Errorf("%s: %s is an orbit's name, and its manifest is needed here%s: give the file with --orbit", ctx.Command.HelpName,
		what, other)
}

// nameOfOrbit returns the name in an orbit's manifest, "" if the manifest has mistakes. The command that loads it reports
// them.
func nameOfOrbit(ctx context.Context, manifest string) (string, error) {
	model, err := schema.Load(ctx, schema.Inputs{Orbit: manifest}, &report.Report{})
	if model == nil || err != nil {
		return "", err
	}
	return model.Orbit.Name, nil
}

// whichDirectory is the question to a user who named no artifact directory, where there is no project.
const whichDirectory = "which artifact directory? Give the one that spacel build wrote"

// artifactDirectory returns the artifact directory of a command that takes at most one: its argument, or the project's. Missing
// is the question to a user who gave none, as in needProject.
func (c *console) artifactDirectory(ctx *cli.Context, missing string) (string, error) {
	if ctx.NArg() > 0 {
		return ctx.Args().First(), exactly(ctx, 1, "one artifact directory")
	}
	p, err := c.needProject(ctx, missing)
	if err != nil {
		return "", err
	}
	return p.Out, nil
}

// checkVariable refuses the project's directory when SPACEL_ORBIT names another orbit: one of the two must be a mistake.
func (c *console) checkVariable(ctx *cli.Context, directory, orbit string) error {
	what := os.Getenv(orbitVariable)
	if what == "" || ctx.NArg() > 0 {
		return nil
	}
	if named, err := readOrbit(c, ctx.Context, what); err == nil && named.name != orbit {
		return fmt.Errorf("%s: %s is of orbit %s, and %s says %s: give the directory as an argument, or unset the variable",
			ctx.Command.HelpName, directory, orbit, orbitVariable, what)
	}
	return nil
}
