package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/status"
	"github.com/pebble/spacel/schema/report"
)

// selectionFlags choose among the stacks of a directory or an orbit.
func selectionFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "stack", Usage: "only the `STACK` of this name, or region/name; may be given again"},
		&cli.StringSliceFlag{Name: "app", Usage: "only the stacks of this `APP`; may be given again"},
		&cli.StringSliceFlag{Name: "region", Aliases: []string{"r"}, Usage: "only the stacks in this `REGION`; may be given again"},
	}
}

// selection is the stacks that --stack, --app and --region choose together. An empty list chooses all.
type selection struct{ stacks, apps, regions []string }

// selectionOf reads the three flags.
func selectionOf(ctx *cli.Context) selection {
	return selection{ctx.StringSlice("stack"), ctx.StringSlice("app"), ctx.StringSlice("region")}
}

// has reports whether the selection includes a stack. The app is empty for a stack of the orbit itself.
func (s selection) has(ref assembly.StackRef, app string) bool {
	return (len(s.stacks) == 0 || slices.Contains(s.stacks, ref.Name) || slices.Contains(s.stacks, ref.String())) &&
		(len(s.apps) == 0 || app != "" && slices.Contains(s.apps, app)) &&
		(len(s.regions) == 0 || slices.Contains(s.regions, ref.Region))
}

// check returns an error for a name missing in the artifact directory. Most often it is misspelt.
func (s selection) check(a *assembly.Assembly) error {
	var stacks, apps, regions []string
	for _, stack := range a.Manifest.Stacks {
		stacks = append(stacks, stack.Name, stack.Ref().String())
		apps, regions = append(apps, stack.App), append(regions, stack.Region)
	}
	for _, list := range []struct {
		flag        string
		want, there []string
	}{{"--stack", s.stacks, stacks}, {"--app", s.apps, apps}, {"--region", s.regions, regions}} {
		for _, name := range list.want {
			if !slices.Contains(list.there, name) {
				return fmt.Errorf("%s %s: the directory has none%s", list.flag, name, report.Suggest(name, list.there))
			}
		}
	}
	return nil
}

// printEndpoints prints the addresses at which a stack's app is reached.
func printEndpoints(w io.Writer, ref assembly.StackRef, outputs map[string]string) {
	for _, e := range status.Endpoints(outputs) {
		fmt.Fprintf(w, "%s  %s\n", ref, printable(e.Address))
	}
}
