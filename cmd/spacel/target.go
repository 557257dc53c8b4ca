package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
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

// target is an orbit that runs: what the commands that operate one work on.
type target struct {
	*cloud.Cloud
	Orbit   string
	Regions []string // sorted; one at least
}

// accessFlags say with whose rights AWS is called.
func accessFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "profile", Usage: "use the `PROFILE` of the AWS configuration; else AWS_PROFILE"},
		&cli.StringFlag{Name: "role-arn", Usage: "assume the role of this `ARN` for every call"},
		&cli.StringFlag{Name: "endpoint-url", Usage: "call this `URL` instead of AWS's own; else AWS_ENDPOINT_URL"},
	}
}

// targetFlags name the orbit to operate.
func targetFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "orbit", EnvVars: []string{"SPACEL_ORBIT"}, TakesFile: true,
			Usage: "the `ORBIT`: its manifest, an artifact directory, or just its name"},
		&cli.StringSliceFlag{Name: "region", Aliases: []string{"r"}, Usage: "work in this `REGION` of the orbit only; may be given again"},
	}, accessFlags()...)
}

// connect reaches AWS as the flags say. A profile that wants an MFA code has it asked for on the terminal.
func (c *console) connect(ctx *cli.Context) (*cloud.Cloud, error) {
	access := cloud.Access{Profile: ctx.String("profile"), RoleARN: ctx.String("role-arn"), Endpoint: ctx.String("endpoint-url")}
	if c.asker.possible() {
		access.MFA = func() (string, error) { return c.asker.line(ctx.Context, "MFA code: ") }
	}
	return cloud.Connect(ctx.Context, access)
}

// target finds the orbit of the flags, and its regions: those of its manifest or directory, else those of the account in
// which it is deployed.
func (c *console) target(ctx *cli.Context) (target, error) {
	what := ctx.String("orbit")
	if what == "" {
		return target{}, fmt.Errorf("%s: which orbit? Say --orbit, its manifest, an artifact directory or its name; or set SPACEL_ORBIT", ctx.Command.HelpName)
	}
	to, err := c.connect(ctx)
	if err != nil {
		return target{}, err
	}
	name, regions, err := c.orbitOf(ctx.Context, what)
	if err != nil {
		return target{}, err
	}
	chosen := ctx.StringSlice("region")
	if regions == nil && len(chosen) == 0 {
		regions, err = live.Regions(ctx.Context, to, name)
		if err != nil {
			return target{}, err
		}
	}
	regions, err = chosenRegions(name, regions, chosen)
	return target{to, name, regions}, err
}

// orbitName is a name as the schema takes it: what is one and no file is taken for the name of a deployed orbit.
var orbitName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*$`)

// orbitOf gives an orbit's name, and its regions unless only the name is known.
func (c *console) orbitOf(ctx context.Context, what string) (name string, regions []string, err error) {
	info, err := os.Stat(what)
	switch {
	case what == "-" || err == nil && !info.IsDir():
		return c.orbitOfManifest(ctx, what)
	case err == nil && isArtifact(what):
		return orbitOfArtifact(what)
	case errors.Is(err, fs.ErrNotExist) && orbitName.MatchString(what):
		return what, nil, nil
	case err == nil:
		return "", nil, fmt.Errorf("--orbit %s: the directory holds no artifact: build one with spacel build --out %s", what, what)
	}
	return "", nil, fmt.Errorf("--orbit %s: there is no such file", what)
}

func isArtifact(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "manifest.json"))
	return err == nil
}

func (c *console) orbitOfManifest(ctx context.Context, file string) (string, []string, error) {
	report := &report.Report{}
	model, err := schema.Load(ctx, schema.Inputs{Orbit: relative(file), Stdin: c.stdin}, report)
	if err != nil {
		return "", nil, err
	}
	if model == nil {
		c.say(report, true)
		return "", nil, errNo
	}
	var regions []string
	for _, r := range model.Orbit.Regions {
		regions = append(regions, r.Region)
	}
	return model.Orbit.Name, regions, nil
}

func orbitOfArtifact(dir string) (string, []string, error) {
	a, err := assembly.Read(dir)
	if err != nil {
		return "", nil, err
	}
	defer a.Close()
	var regions []string
	for _, s := range a.Manifest.Stacks {
		regions = append(regions, s.Region)
	}
	slices.Sort(regions)
	return a.Manifest.Orbit, slices.Compact(regions), nil
}

// chosenRegions keeps the regions that were asked for.
func chosenRegions(orbit string, regions, chosen []string) ([]string, error) {
	if len(chosen) == 0 {
		return regions, nil
	}
	slices.Sort(chosen)
	chosen = slices.Compact(chosen)
	known, problem := regions, fmt.Sprintf("orbit %s is not there; it is in %s", orbit, strings.Join(regions, ", "))
	hint := func(string) string { return "" }
	if regions == nil {
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
