package main

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/compiler"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// request holds the arguments and flags of a command that compiles manifests, completed by the project.
// It is read from the command line before anything else, so a missing --orbit costs no work.
type request struct {
	orbit     string
	apps      []string
	withOrbit bool
	whole     bool // all of the project: what is not part of it leaves the directory
	regions   []string
	strict    bool
	out       string   // the project's artifact directory; "" without a project
	policy    string   // the project's policies; "" if there are none
	policies  []string // directories of policies to check, of the command line and the project
}

// orbitManifestFlag returns --orbit. With fromEnv its default is SPACEL_ORBIT.
func orbitManifestFlag(fromEnv bool) cli.Flag {
	orbit := &cli.StringFlag{Name: "orbit", TakesFile: true,
		Usage: "the orbit's manifest: a `FILE` in JSON, YAML or CUE, a CUE package (./DIR or DIR:package), " +
			"FILE#path, or - for standard input; else the project's"}
	if fromEnv {
		orbit.EnvVars = []string{"SPACEL_ORBIT"}
	}
	return orbit
}

// manifestFlags returns the flags of the commands that compile. diff reads SPACEL_ORBIT itself, because there it counts only
// without a second directory.
func manifestFlags(orbitFromEnv bool) []cli.Flag {
	return []cli.Flag{
		orbitManifestFlag(orbitFromEnv),
		&cli.BoolFlag{Name: "with-orbit", Usage: "make the orbit's own stacks too when apps are named", DisableDefaultText: true},
		&cli.StringSliceFlag{Name: "region", Aliases: []string{"r"}, Usage: "make the stacks of this `REGION` only; may be given again"},
		&cli.BoolFlag{Name: "strict", Usage: "take warnings for errors", DisableDefaultText: true},
	}
}

// newRequest reads the flags into a request. What the command line leaves out comes from the project. Paths become relative,
// see relative.
func newRequest(c *console, ctx *cli.Context, orbit string, apps []string) (request, error) {
	r := request{withOrbit: ctx.Bool("with-orbit"), regions: ctx.StringSlice("region"), strict: ctx.Bool("strict")}
	for _, app := range apps {
		r.apps = append(r.apps, relative(app))
	}
	if err := r.fillFrom(c, ctx, orbit); err != nil {
		return r, err
	}
	r.policies = r.policiesOf(ctx)
	return r, nil
}

// relative shortens an absolute path below the working directory. Source maps name manifests by these paths, and equal
// manifests must give equal bytes on every machine. A path outside of the working directory stays absolute.
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

// scope selects the orbit's own stacks when no app is named or with --with-orbit. Named apps are always built.
func (r request) scope() compiler.Scope {
	return compiler.Scope{Orbit: r.withOrbit || len(r.apps) == 0, Regions: r.regions}
}

// compile loads the manifests and compiles them into a sink. The sink is opened only after loading succeeded, so that
// invalid manifests leave no temporary files. It returns the stacks by region and name. The error is errNo when the report
// has mistakes, or warnings with --strict.
func (r request) compile(ctx context.Context, c *console, found *report.Report,
	open func(model *schema.Model) (compiler.Sink, error)) ([]builtStack, error) {
	if r.strict {
		found.Strict()
	}
	in := schema.Inputs{Orbit: r.orbit, Apps: r.apps, Stdin: c.stdin, Regions: r.regions, Resolve: len(r.policies) > 0}
	model, err := schema.Load(ctx, in, found)
	if err != nil {
		return nil, err
	}
	if model == nil {
		return nil, errNo
	}
	if err := r.checkPolicies(model, found); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sink, err := open(model)
	if err != nil {
		return nil, err
	}
	// counter stands between compiler and sink: it notes each stack's name and size, and stops at an interrupt.
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

// policyFlag returns --policy.
func policyFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "policy", TakesFile: true,
		Usage: "hold the result against the CUE package policy in this `DIR`; may be given again"}
}

// policiesOf returns the directories of policies: those of --policy, and the project's. A command without the flag checks none.
func (r request) policiesOf(ctx *cli.Context) []string {
	if !slices.ContainsFunc(ctx.Command.Flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), "policy") }) {
		return nil
	}
	dirs := ctx.StringSlice("policy")
	if r.policy != "" {
		dirs = append(dirs, r.policy)
	}
	return dirs
}

// checkPolicies holds every region of the model against the policies. It reports violations, and mistakes in the policies.
func (r request) checkPolicies(model *schema.Model, found *report.Report) error {
	for _, dir := range r.policies {
		policies, err := schema.Policies(relative(dir), found)
		if err != nil {
			return err
		}
		if policies != nil {
			if err := policies.Check(model.Values(r.regions), found); err != nil {
				return err
			}
		}
	}
	if len(r.policies) > 0 && found.Failed(false) {
		return errNo
	}
	return nil
}

// within completes a message by the regions of --region, which may be the reason why there is no stack.
func within(regions []string) string {
	if len(regions) == 0 {
		return ""
	}
	return " in " + strings.Join(regions, " or ")
}

// inMemory compiles into memory, for a comparison. Assets that base has, too, are taken from it. Base may be nil.
func (r request) inMemory(ctx context.Context, c *console, found *report.Report, base *assembly.Assembly) (*assembly.Assembly, []builtStack,
	error) {
	var memory *assembly.InMemory
	stacks, err := r.compile(ctx, c, found, func(model *schema.Model) (compiler.Sink, error) {
		memory = assembly.NewInMemory(base, model.Orbit.Name)
		memory.From(originOf(model.Orbit))
		memory.Of(ownerOf(model.Orbit))
		return memory, nil
	})
	if err != nil {
		return nil, nil, err
	}
	built, err := memory.Assembly()
	return built, stacks, err
}

// originOf returns what a build of an orbit records of itself.
func originOf(orbit *schema.Orbit) assembly.Origin {
	return assembly.Origin{MadeBy: releaseVersion(), OrbitDigest: orbit.Digest}
}
