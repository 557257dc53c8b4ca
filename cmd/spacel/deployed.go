package main

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/status"
	"github.com/pebble/spacel/schema/report"
)

// deployed is what a command looks at: an orbit in an account, as a directory names it or whole.
type deployed struct {
	cloud    *cloud.Cloud
	orbit    string
	artifact *assembly.Assembly // nil when only the orbit was named
	regions  []string           // to look in
	wanted   wanted
}

func (d *deployed) close() {
	if d.artifact != nil {
		d.artifact.Close()
	}
}

// deployed finds what a command line with a directory or --orbit means.
func (c *console) deployed(ctx *cli.Context) (*deployed, error) {
	if err := oneOfDirectoryAndOrbit(ctx); err != nil {
		return nil, err
	}
	d := &deployed{wanted: wanted{ctx.StringSlice("stack"), ctx.StringSlice("app"), ctx.StringSlice("region")}}
	var err error
	if ctx.NArg() == 1 {
		if d.artifact, err = assembly.Read(ctx.Args().First()); err != nil {
			return nil, err
		}
		d.orbit, d.regions = d.artifact.Manifest.Orbit, regionsOf(d.artifact)
	} else if d.orbit, d.regions, err = c.orbitOf(ctx.Context, ctx.String("orbit")); err != nil {
		return nil, err
	}
	if err := d.find(c, ctx); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// find connects, and looks for the regions when nothing names them.
func (d *deployed) find(c *console, ctx *cli.Context) (err error) {
	if err := d.wanted.check(d.artifact); err != nil {
		return fmt.Errorf("%s: %w", ctx.Command.HelpName, err)
	}
	if d.cloud, err = c.connect(ctx); err != nil {
		return err
	}
	if d.regions == nil && len(d.wanted.regions) == 0 {
		d.regions, err = live.Enabled(ctx.Context, d.cloud)
		return err
	}
	d.regions, err = chosenRegions(d.orbit, d.regions, d.wanted.regions)
	return err
}

func oneOfDirectoryAndOrbit(ctx *cli.Context) error {
	name := ctx.Command.HelpName
	switch {
	case ctx.NArg() > 1:
		return exactly(ctx, 1, "one artifact directory")
	case ctx.NArg() == 1 && ctx.IsSet("orbit") && !fromEnvironment(ctx, "orbit", "SPACEL_ORBIT"):
		return fmt.Errorf("%s: give an artifact directory or --orbit, not both", name)
	case ctx.NArg() == 0 && ctx.String("orbit") == "":
		return fmt.Errorf("%s: of what? Give an artifact directory, or --orbit; see %s -h", name, name)
	}
	return nil
}

func regionsOf(a *assembly.Assembly) []string {
	var regions []string
	for _, s := range a.Manifest.Stacks {
		regions = append(regions, s.Region)
	}
	slices.Sort(regions)
	return slices.Compact(regions)
}

// wanted are the stacks that --stack, --app and --region choose together; an empty list chooses all.
type wanted struct{ stacks, apps, regions []string }

func (w wanted) has(ref assembly.StackRef, app string) bool {
	return (len(w.stacks) == 0 || slices.Contains(w.stacks, ref.Name) || slices.Contains(w.stacks, ref.String())) &&
		(len(w.apps) == 0 || app != "" && slices.Contains(w.apps, app)) &&
		(len(w.regions) == 0 || slices.Contains(w.regions, ref.Region))
}

// check finds misspelt names, where a directory says which there are.
func (w wanted) check(a *assembly.Assembly) error {
	if a == nil {
		return nil
	}
	var stacks, apps, regions []string
	for _, s := range a.Manifest.Stacks {
		stacks, apps, regions = append(stacks, s.Name, s.Ref().String()), append(apps, s.App), append(regions, s.Region)
	}
	for _, list := range []struct {
		flag        string
		want, there []string
	}{{"--stack", w.stacks, stacks}, {"--app", w.apps, apps}, {"--region", w.regions, regions}} {
		for _, name := range list.want {
			if !slices.Contains(list.there, name) {
				return fmt.Errorf("%s %s: the directory has none%s", list.flag, name, report.Suggest(name, list.there))
			}
		}
	}
	return nil
}

// orbitFlag names an orbit where there is no directory.
func orbitFlag() cli.Flag {
	return &cli.StringFlag{Name: "orbit", EnvVars: []string{"SPACEL_ORBIT"}, TakesFile: true,
		Usage: "without a directory: the `ORBIT`, by its name or its manifest"}
}

// endpoints prints where a stack is reached.
func (c *console) endpoints(ref assembly.StackRef, outputs map[string]string) {
	for _, e := range status.Endpoints(outputs) {
		fmt.Fprintf(c.out, "%s  %s\n", ref, printable(e.Address))
	}
}
