package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/graph"
	"github.com/pebble/spacel/compiler/review"
)

const graphDescription = `Draws an artifact directory: regions, zones, apps, load balancers, stores, bastions and NAT, and who can
connect to whom on which port. With two directories the changes from the first to the second are marked. It needs neither
network nor account.

   spacel graph build                                  as text, with the reach matrix
   spacel graph build --output html > orbit.html       one page for a browser, which works offline
   spacel graph ../base/build build --output mermaid   a picture of the changes for a comment on GitHub

The page has a picture of each region, the reach matrix, the rights, what is public, the changes and their lines in the manifests.
A first directory of two that does not exist counts as empty.`

// compareArtifacts compares two artifacts. The Markdown form, which is for comments, has a picture.
func compareArtifacts(ctx *cli.Context, old, now *assembly.Assembly) (*review.Review, error) {
	r, err := review.Compare(old, now)
	if err != nil || ctx.String("output") != "markdown" {
		return r, err
	}
	g, err := graph.Picture(old, now, r)
	if err != nil {
		return nil, err
	}
	r.Picture = g.Mermaid(review.MaxPicture)
	return r, nil
}

// graphCommand draws artifacts with package compiler/graph.
func graphCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "graph",
		Usage:       "draw what is deployed, and who can connect to whom",
		ArgsUsage:   "[DIR | OLD NEW]",
		Description: graphDescription,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "region", Usage: "only this `REGION`; may be given again"},
		},
		Action: func(ctx *cli.Context) error { return runGraph(c, ctx) },
	}, "text", "mermaid", "html")
}

// runGraph draws one directory, or the change from the first to the second.
func runGraph(c *console, ctx *cli.Context) error {
	var old *assembly.Assembly
	dir := ctx.Args().Get(1)
	if ctx.NArg() > 2 {
		return exactly(ctx, 2, "one artifact directory, or two")
	}
	if ctx.NArg() == 2 {
		before, err := readOrEmpty(c, ctx, ctx.Args().First())
		if err != nil {
			return err
		}
		defer before.Close()
		old = before.Only(inRegions(ctx.StringSlice("region")))
	} else {
		var err error
		if dir, err = c.artifactDirectory(ctx, whichDirectory); err != nil {
			return err
		}
	}
	all, err := assembly.Read(dir)
	if err != nil {
		return err
	}
	defer all.Close()
	g, err := graph.Draw(old, all.Only(inRegions(ctx.StringSlice("region"))))
	if err != nil {
		return err
	}
	return printGraph(c, ctx, g)
}

// printGraph prints the graph in the form of --output.
func printGraph(c *console, ctx *cli.Context, g *graph.Graph) error {
	switch ctx.String("output") {
	case "html":
		return g.HTML(c.out)
	case "mermaid":
		_, err := fmt.Fprint(c.out, g.Mermaid(graph.MaxMermaid))
		return err
	}
	_, err := fmt.Fprint(c.out, g.Text())
	return err
}

// readOrEmpty reads the first of two directories. In the pull request that brings the first build it does not exist, or is empty when a
// job has made it to unpack the base's build into. Then everything is new.
func readOrEmpty(c *console, ctx *cli.Context, dir string) (*assembly.Assembly, error) {
	note := "does not exist: it counts as empty, so everything is new"
	if files, err := os.ReadDir(dir); err == nil && len(files) == 0 {
		note = "is empty: everything is new"
	} else if !errors.Is(err, fs.ErrNotExist) {
		return assembly.Read(dir)
	}
	if !ctx.Bool("quiet") {
		fmt.Fprintf(c.stderr, "note: %s %s\n", printable(dir), note)
	}
	return assembly.Empty(), nil
}
