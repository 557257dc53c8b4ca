package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/language"
	"github.com/pebble/spacel/schema/report"
)

// target is the orbit of a command line, in an AWS account. All commands that work on deployed stacks find it with
// findTarget or findDeployed.
type target struct {
	*cloud.Cloud
	Orbit     string
	Regions   []string // sorted; at least one
	selection selection
	artifact  *assembly.Assembly // of a command that was given a directory; nil where --orbit named the orbit
}

// close releases the artifact directory, if there is one.
func (t *target) close() {
	if t.artifact != nil {
		t.artifact.Close()
	}
}

// orbit is an orbit as the command line names it: by a manifest, an artifact directory or its bare name.
type orbit struct {
	name    string
	regions []string // sorted; nil: only the name is known
	owner   cloud.Owner
}

// accessFlags choose the credentials and the address for calls of AWS.
func accessFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "profile", Usage: "use the `PROFILE` of the AWS configuration; else AWS_PROFILE"},
		&cli.StringFlag{Name: "role-arn", Usage: "assume the role of this `ARN` for every call"},
		&cli.StringFlag{Name: "endpoint-url", Usage: "call this `URL` instead of AWS's own; else AWS_ENDPOINT_URL"},
	}
}

// targetFlags are the flags of all commands for a deployed orbit: its name, its regions and the access to AWS.
func targetFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "orbit", EnvVars: []string{"SPACEL_ORBIT"}, TakesFile: true,
			Usage: "the `ORBIT`: its manifest, an artifact directory (./build), or just its name; else the project's"},
		&cli.StringSliceFlag{Name: "region", Aliases: []string{"r"}, Usage: "work in this `REGION` of the orbit only; may be given again"},
	}, accessFlags()...)
}

// orbitFlag names an orbit where there is no directory.
func orbitFlag() cli.Flag {
	return &cli.StringFlag{Name: "orbit", EnvVars: []string{"SPACEL_ORBIT"}, TakesFile: true,
		Usage: "without a directory: the `ORBIT`, by its name or its manifest"}
}

// findTarget finds the orbit named by --orbit. A bare name tells nothing of its regions: those with a VPC of the orbit are
// looked up in the account.
func findTarget(c *console, ctx *cli.Context, does purpose) (*target, error) {
	o, err := orbitOfCommand(c, ctx)
	if err != nil {
		return nil, err
	}
	t := &target{selection: selection{regions: ctx.StringSlice("region")}}
	return t, t.locate(c, ctx, o, does, func(to *cloud.Cloud) ([]string, error) { return live.Regions(ctx.Context, to, o.name) })
}

// orbitOfCommand returns the orbit that --orbit or SPACEL_ORBIT names, or else the project's.
func orbitOfCommand(c *console, ctx *cli.Context) (orbit, error) {
	if what := ctx.String("orbit"); what != "" {
		return readOrbit(c, ctx.Context, what)
	}
	p, err := c.needProject(ctx, "which orbit? Give its manifest, an artifact directory or its name with --orbit or in SPACEL_ORBIT")
	if err != nil {
		return orbit{}, err
	}
	return orbitOfManifest(c, ctx.Context, p.Orbit)
}

// findDeployed finds the orbit of a command that takes an artifact directory or --orbit. The caller closes the target.
// With a bare name all enabled regions of the account are searched, because stacks may be left in a region removed from the
// orbit.
func findDeployed(c *console, ctx *cli.Context, does purpose) (*target, error) {
	if err := oneOfDirectoryAndOrbit(ctx); err != nil {
		return nil, err
	}
	t := &target{selection: selectionOf(ctx)}
	o, err := t.open(c, ctx)
	if err == nil {
		err = t.locate(c, ctx, o, does, func(to *cloud.Cloud) ([]string, error) { return live.Enabled(ctx.Context, to) })
	}
	if err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

// open reads the artifact directory, or without one the orbit that --orbit names. Without either, the directory is the
// project's.
func (t *target) open(c *console, ctx *cli.Context) (o orbit, err error) {
	if ctx.NArg() == 0 && ctx.String("orbit") != "" {
		return readOrbit(c, ctx.Context, ctx.String("orbit"))
	}
	dir, err := c.artifactDirectory(ctx, "of what? Give an artifact directory or --orbit")
	if err != nil {
		return orbit{}, err
	}
	if t.artifact, err = assembly.Read(dir); err != nil {
		return orbit{}, err
	}
	if err := c.checkVariable(ctx, dir, t.artifact.Manifest.Orbit); err != nil {
		return orbit{}, err
	}
	if err := t.selection.check(t.artifact); err != nil {
		return orbit{}, fmt.Errorf("%s: %w", ctx.Command.HelpName, err)
	}
	return orbitOfArtifact(t.artifact, dir), nil
}

// locate connects to AWS and finds the regions: --region narrows those of the manifest or the directory. Where only the
// orbit's name is known and --region is not given, search finds them.
func (t *target) locate(c *console, ctx *cli.Context, o orbit, does purpose, search func(*cloud.Cloud) ([]string, error)) (err error) {
	t.Orbit = o.name
	if t.Cloud, err = c.connect(ctx, o, does); err != nil {
		return err
	}
	// Searching takes a call to every enabled region, so it is the last resort.
	if o.regions == nil && len(t.selection.regions) == 0 {
		t.Regions, err = search(t.Cloud)
		return err
	}
	t.Regions, err = chosenRegions(o, t.selection.regions)
	return err
}

// oneOfDirectoryAndOrbit checks that a directory and --orbit are not both given. SPACEL_ORBIT beside a directory is ignored: it
// is set for whole sessions.
func oneOfDirectoryAndOrbit(ctx *cli.Context) error {
	name := ctx.Command.HelpName
	switch {
	case ctx.NArg() > 1:
		return exactly(ctx, 1, "one artifact directory")
	case ctx.NArg() == 1 && ctx.IsSet("orbit") && !fromEnvironment(ctx, "orbit", "SPACEL_ORBIT"):
		return fmt.Errorf("%s: give an artifact directory or --orbit, not both", name)
	}
	return nil
}

// readOrbit finds out which orbit a word means: an orbit's name, a manifest's file or - for standard input, an artifact
// directory, or a directory with a CUE package. A word without slash, dot and colon is a name.
func readOrbit(c *console, ctx context.Context, what string) (orbit, error) {
	if orbitName.MatchString(what) {
		return orbit{name: what, owner: c.ownerInProject(ctx, what)}, nil
	}
	info, err := os.Stat(what)
	switch {
	case what == "-" || err == nil && !info.IsDir() || err != nil && strings.ContainsAny(what, ":#"):
		return orbitOfManifest(c, ctx, what)
	case err == nil && !isArtifact(what) && holdsCUE(what):
		return orbitOfManifest(c, ctx, what)
	case err == nil && isArtifact(what):
		a, err := assembly.Read(what)
		if err != nil {
			return orbit{}, err
		}
		defer a.Close()
		return orbitOfArtifact(a, what), nil
	case err == nil:
		return orbit{}, fmt.Errorf(
			"--orbit %s: the directory holds neither an artifact nor a CUE package: build one with spacel build --out %s", what, what)
	}
	return orbit{}, fmt.Errorf("--orbit %s: there is no such file", what)
}

// holdsCUE reports whether a directory has CUE files: it is read as a package.
func holdsCUE(dir string) bool {
	files, err := filepath.Glob(filepath.Join(dir, "*.cue"))
	return err == nil && len(files) > 0
}

// isArtifact reports whether a directory holds an artifact: its manifest.json names the stacks. The content is checked when it is
// read.
func isArtifact(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "manifest.json"))
	return err == nil
}

// orbitOfManifest reads the name and regions from an orbit's manifest. Mistakes in it are printed.
func orbitOfManifest(c *console, ctx context.Context, file string) (orbit, error) {
	found := &report.Report{}
	model, err := schema.Load(ctx, schema.Inputs{Orbit: relative(file), Stdin: c.stdin}, found)
	if err != nil {
		return orbit{}, err
	}
	if model == nil {
		printProblems(c.stderr, found, true)
		return orbit{}, errNo
	}
	return orbitOfModel(model.Orbit), nil
}

// orbitOfModel returns the orbit of a model.
func orbitOfModel(from *schema.Orbit) orbit {
	o := orbit{name: from.Name, owner: ownerInManifest(from)}
	for _, r := range from.Regions {
		o.regions = append(o.regions, r.Region)
	}
	return o
}

// orbitOfArtifact returns the orbit of a directory, with the regions of its stacks. A directory of one app knows only the
// app's regions.
func orbitOfArtifact(a *assembly.Assembly, dir string) orbit {
	o := orbit{name: a.Manifest.Orbit, owner: ownerInArtifact(a, dir)}
	for _, s := range a.Manifest.Stacks {
		o.regions = append(o.regions, s.Region)
	}
	// One region appears once for each of its stacks.
	slices.Sort(o.regions)
	o.regions = slices.Compact(o.regions)
	return o
}

// chosenRegions keeps the regions that --region names, or all without it.
func chosenRegions(o orbit, chosen []string) ([]string, error) {
	if len(chosen) == 0 {
		return o.regions, nil
	}
	slices.Sort(chosen)
	chosen = slices.Compact(chosen)
	// An orbit given by its name alone has no list of regions. Then every region of AWS is allowed.
	known, problem := o.regions, fmt.Sprintf("orbit %s is not there; it is in %s", o.name, strings.Join(o.regions, ", "))
	hint := func(string) string { return "" }
	if known == nil {
		var err error
		if known, err = language.RegionNames(schema.Definitions); err != nil {
			return nil, err
		}
		problem, hint = "AWS has no region of this name", func(region string) string { return report.Suggest(region, known) }
	}
	for _, region := range chosen {
		if !slices.Contains(known, region) {
			return nil, fmt.Errorf("--region %s: %s%s", region, problem, hint(region))
		}
	}
	return chosen, nil
}
