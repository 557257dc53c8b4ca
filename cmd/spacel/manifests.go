package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/compiler"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// request is what a command line asks to compile.
type request struct {
	orbit     string
	apps      []string
	withOrbit bool
	regions   []string
	strict    bool
}

// manifestFlags are the flags of the commands that compile. The orbit comes from the environment too, where that is asked
// for.
func manifestFlags(orbitFromEnv bool) []cli.Flag {
	orbit := &cli.StringFlag{Name: "orbit", Usage: "the orbit's manifest, a `FILE` in JSON, YAML or CUE, or - for standard input",
		TakesFile: true}
	if orbitFromEnv {
		orbit.EnvVars = []string{"SPACEL_ORBIT"}
	}
	return []cli.Flag{
		orbit,
		&cli.BoolFlag{Name: "with-orbit", Usage: "make the orbit's own stacks too when apps are named", DisableDefaultText: true},
		&cli.StringSliceFlag{Name: "region", Aliases: []string{"r"}, Usage: "make the stacks of this `REGION` only; may be given again"},
		&cli.BoolFlag{Name: "strict", Usage: "take warnings for errors", DisableDefaultText: true},
	}
}

func newRequest(ctx *cli.Context, orbit string, apps []string) (request, error) {
	if orbit == "" {
		return request{}, fmt.Errorf("%s: which orbit? Name its manifest with --orbit, or in SPACEL_ORBIT", ctx.Command.HelpName)
	}
	r := request{
		orbit: relative(orbit), withOrbit: ctx.Bool("with-orbit"), regions: ctx.StringSlice("region"), strict: ctx.Bool("strict"),
	}
	for _, app := range apps {
		r.apps = append(r.apps, relative(app))
	}
	return r, nil
}

// relative is a path below the working directory as seen from there: source maps and messages hold no machine's paths.
func relative(path string) string {
	if !filepath.IsAbs(path) {
		return filepath.ToSlash(path)
	}
	here, err := filepath.Abs(".")
	if err != nil {
		return path
	}
	short, err := filepath.Rel(here, path)
	if err != nil || !filepath.IsLocal(short) {
		return path
	}
	return filepath.ToSlash(short)
}

// scope is the orbit's stacks, or those of the apps, or both.
func (r request) scope() compiler.Scope {
	return compiler.Scope{Orbit: r.withOrbit || len(r.apps) == 0, Regions: r.regions}
}

// compile hands what the manifests give to a sink, which is opened when they are sound. It returns what was made. The
// error is errNo when the manifests have mistakes: the report says which.
func (r request) compile(ctx context.Context, c *console, found *report.Report,
	open func(orbit string) (compiler.Sink, error)) ([]builtStack, error) {
	model, err := schema.Load(ctx, schema.Inputs{Orbit: r.orbit, Apps: r.apps, Stdin: c.stdin, Regions: r.regions}, found)
	if err != nil {
		return nil, err
	}
	if model == nil {
		return nil, errNo
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sink, err := open(model.Orbit.Name)
	if err != nil {
		return nil, err
	}
	counted := &counter{sink: sink, ctx: ctx}
	if err := compiler.Compile(model, r.scope(), found, counted); err != nil {
		return nil, err
	}
	if len(counted.stacks) == 0 && !found.Failed(r.strict) {
		found.Errorf(report.Pos{}, "these manifests give no stack%s", within(r.regions))
	}
	if found.Failed(r.strict) {
		return nil, errNo
	}
	return counted.sorted(), nil
}

func within(regions []string) string {
	if len(regions) == 0 {
		return ""
	}
	return " in " + strings.Join(regions, " or ")
}

// inMemory compiles without writing, beside a base to compare with, which may be nil.
func (r request) inMemory(ctx context.Context, c *console, found *report.Report, base *assembly.Assembly) (*assembly.Assembly, []builtStack,
	error) {
	var memory *assembly.InMemory
	stacks, err := r.compile(ctx, c, found, func(orbit string) (compiler.Sink, error) {
		memory = assembly.NewInMemory(base, orbit)
		return memory, nil
	})
	if err != nil {
		return nil, nil, err
	}
	built, err := memory.Assembly()
	return built, stacks, err
}
