package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/internal/jsontext"
	"github.com/pebble/spacel/schema/cuemodules"
	"github.com/pebble/spacel/schema/cuevendor"
)

const vendorDescription = `Loads the modules in deps of cue.mod/module.cue from their registry into the cache of the cue command, and writes
the digest of each into cue.mod/spacel.sum. Commit that file: a build has no network, and reads a module only if it has this
digest. DIR is in the module, by default the working directory. CUE_REGISTRY and CUE_CACHE_DIR mean what they mean to the
cue command.

With --copy the modules are copied into cue.mod/spacel, too. Commit the directory, and builds need no cache.

   cue mod get acme.com/platform@v0.1.0 && cue mod tidy && spacel vendor
   spacel vendor --copy infra`

// vendorCommand is the only command besides deploy's that may use the network for a manifest's sake. A build then works offline,
// and uses only modules with a digest under review.
func vendorCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "vendor",
		Usage:       "load the CUE modules that manifests import",
		ArgsUsage:   "[DIR]",
		Description: vendorDescription,
		Flags: []cli.Flag{&cli.BoolFlag{
			Name: "copy", Usage: "copy the modules into cue.mod/spacel, too", DisableDefaultText: true,
		}},
		Action: func(ctx *cli.Context) error {
			dir, err := directoryOrHere(ctx, "the directory of a CUE module")
			if err != nil {
				return err
			}
			return runVendor(c, ctx, dir)
		},
	}, "text", "json")
}

// runVendor loads the modules and prints a line for each: its name with the version, and its digest.
func runVendor(c *console, ctx *cli.Context, dir string) error {
	root, err := cuevendor.Root(dir)
	if err != nil {
		return fmt.Errorf("spacel vendor: %w", err)
	}
	modules, err := cuevendor.Vendor(ctx.Context, root, cuemodules.OwnPath, ctx.Bool("copy"))
	if err != nil {
		return fmt.Errorf("spacel vendor: %w", err)
	}
	if ctx.String("output") == "json" {
		// The copy makes an empty list [] in JSON. A nil slice would print null.
		text, err := jsontext.Indent(map[string]any{"modules": append([]cuevendor.Result{}, modules...)})
		if err != nil {
			return err
		}
		_, err = c.out.Write(text)
		return err
	}
	if ctx.Bool("quiet") {
		return nil
	}
	for _, m := range modules {
		fmt.Fprintln(c.out, m.Module, m.Digest)
	}
	if len(modules) == 0 {
		fmt.Fprintf(c.out, "%s lists no dependency that has to be loaded\n", cuemodules.ModuleFile)
	}
	return c.out.err
}
