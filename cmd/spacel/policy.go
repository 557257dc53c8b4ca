package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/rights"
)

const policyDescription = `Prints the rights that a CI role needs to deploy an artifact directory, and the trust policy that lets one
environment of one GitHub repository assume it.
The rights of each resource type are those of AWS's CloudFormation schemas, for the types that the
directory has. ARNs have the orbit's account, regions and names wherever IAM knows them. It calls no AWS.

(Rules for manifests, written in CUE, are another thing: spacel vet --policy DIR.)

   spacel policy build --github example/shop > role.json                   the whole orbit, as a CloudFormation template
   spacel policy build --github example/shop --app shop                    a pipeline that deploys one app only
   spacel policy build --output json                                       policies and trust policy, as JSON
   aws cloudformation deploy --stack-name ci --template-file role.json --capabilities CAPABILITY_IAM`

// policyCommand prints what IAM must allow. Its name is that of IAM's policies; CUE rules are a flag of vet.
func policyCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "policy",
		Usage:       "print the IAM policies that deploying an artifact directory needs",
		ArgsUsage:   "[DIR]",
		Description: policyDescription,
		Flags: append([]cli.Flag{
			&cli.StringSliceFlag{Name: "app", Aliases: []string{"a"}, Usage: "for a pipeline of this `APP` only; may be given again"},
			&cli.BoolFlag{Name: "future-apps", Usage: "for every app of the orbit, also ones that it does not have yet",
				DisableDefaultText: true},
			&cli.BoolFlag{Name: "no-list", Usage: "without the right to list all stacks of the account, which destroy needs",
				DisableDefaultText: true},
			&cli.BoolFlag{Name: "no-drift", DisableDefaultText: true,
				Usage: "without the rights to detect drift, which status --drift and deploy --revert-drift need"},
			&cli.StringFlag{Name: "account", Usage: "for the account of these 12 `DIGITS`; else the orbit's"},
			&cli.StringFlag{Name: "github", Usage: "trust this `REPOSITORY`, OWNER/NAME"},
			&cli.StringFlag{Name: "environment", Usage: "trust jobs with this `ENVIRONMENT` of the repository; else the orbit's name"},
		}, uploadBucketFlags()...),
		Action: func(ctx *cli.Context) error { return runPolicy(c, ctx) },
	}, "cloudformation", "json")
}

// uploadBucketFlags are the flags of deploy that name buckets. Their regions do not matter for rights.
func uploadBucketFlags() []cli.Flag {
	return slices.DeleteFunc(bucketFlags(), func(f cli.Flag) bool { return strings.HasSuffix(f.Names()[0], "-region") })
}

// policyResult is the output of --output json.
type policyResult struct {
	Orbit    string            `json:"orbit"`
	Account  string            `json:"account,omitempty"`
	Policies []rights.Document `json:"policies"`
	Trust    rights.Trust      `json:"trust"`
	Unknown  []unknownType     `json:"unknown,omitempty"`
}

// unknownType is a resource whose rights spacel does not know.
type unknownType struct {
	Stack    string `json:"stack"`
	Resource string `json:"resource"`
	Type     string `json:"type"`
	From     string `json:"from,omitempty"`
}

// runPolicy reads the directory and prints the policies. Notes about them go to standard error.
func runPolicy(c *console, ctx *cli.Context) error {
	dir, err := c.artifactDirectory(ctx, whichDirectory)
	if err != nil {
		return err
	}
	// Reading verifies every digest, so the rights are those of what deploy would accept.
	a, err := assembly.Read(dir)
	if err != nil {
		return err
	}
	defer a.Close()
	request, trusted, err := policyRequest(ctx, a)
	if err != nil {
		return fmt.Errorf("%s: %w", ctx.Command.HelpName, err)
	}
	policies, err := rights.Make(a, request)
	if err != nil {
		return err
	}
	if n := len(policies.Documents); n > rights.MaxRaised {
		return fmt.Errorf("%s: these are %d managed policies, and a role can have %d: give --future-apps, which allows names by the "+
			"orbit's prefix, or --app, for a role of each app", ctx.Command.HelpName, n, rights.MaxRaised)
	}
	c.notePolicies(ctx, policies, request, trusted)
	if ctx.String("output") == "json" {
		out := policyResult{Orbit: a.Manifest.Orbit, Account: request.Account, Policies: policies.Documents,
			Trust: rights.TrustOf(request.Account, trusted)}
		for _, u := range policies.Unknown {
			out.Unknown = append(out.Unknown, unknownType{u.Stack.String(), u.ID, u.Type, u.From})
		}
		err = c.printJSON(out)
	} else {
		err = c.printJSON(rights.Template(policies, a.Manifest.Orbit, request.Account, roleName(a), trusted))
	}
	// The policies are printed all the same, since they are right for all other types. The exit code says: not enough.
	if err == nil && len(policies.Unknown) > 0 {
		return errNo
	}
	return err
}

// policyRequest reads the flags.
func policyRequest(ctx *cli.Context, a *assembly.Assembly) (rights.Request, rights.Repository, error) {
	r := rights.Request{Apps: ctx.StringSlice("app"), FutureApps: ctx.Bool("future-apps"), NoList: ctx.Bool("no-list"),
		NoDrift: ctx.Bool("no-drift"), Account: ctx.String("account")}
	for _, flag := range []string{"lambda-bucket", "template-bucket"} {
		if bucket := ctx.String(flag); bucket != "" && !slices.Contains(r.Buckets, bucket) {
			r.Buckets = append(r.Buckets, bucket)
		}
	}
	trusted := rights.Repository{Name: ctx.String("github"), Environment: ctx.String("environment")}
	// The generated workflow calls its environment like the orbit.
	if trusted.Environment == "" {
		trusted.Environment = a.Manifest.Orbit
	}
	own := a.Manifest.Account
	switch {
	case r.Account != "" && !accountForm.MatchString(r.Account):
		return r, trusted, fmt.Errorf("--account must be 12 digits, got %q", r.Account)
	case r.Account != "" && own != "" && r.Account != own:
		return r, trusted, fmt.Errorf("--account %s: the orbit %s is in account %s", r.Account, a.Manifest.Orbit, own)
	case len(r.Apps) > 0 && r.FutureApps:
		return r, trusted, fmt.Errorf("give --app or --future-apps, not both")
	}
	if r.Account == "" {
		r.Account = own
	}
	return r, trusted, cmp.Or(trusted.Check(), checkApps(r.Apps, a))
}

// checkApps reports an app missing from the directory.
func checkApps(chosen []string, a *assembly.Assembly) error {
	var known []string
	for _, s := range a.Manifest.Stacks {
		if s.App != "" && !slices.Contains(known, s.App) {
			known = append(known, s.App)
		}
	}
	for _, app := range chosen {
		if !slices.Contains(known, app) {
			return fmt.Errorf("--app %s: the directory has no such app; it has %s", app, strings.Join(known, ", "))
		}
	}
	return nil
}

// roleName returns the name of the orbit's role with its path, so that the template makes the role for commands to assume. Without a
// role CloudFormation makes a name up.
func roleName(a *assembly.Assembly) string {
	_, name, _ := strings.Cut(a.Manifest.Role, ":role/")
	return name
}

// notePolicies tells the reader the remaining steps.
func (c *console) notePolicies(ctx *cli.Context, p *rights.Policies, r rights.Request, trusted rights.Repository) {
	for _, u := range p.Unknown {
		fmt.Fprintf(c.stderr, "%s: %s is of type %s, whose rights are not known: add them to the role by hand\n", u.From, u.ID, u.Type)
	}
	if ctx.Bool("quiet") {
		return
	}
	note := func(format string, args ...any) { fmt.Fprintf(c.stderr, "note: "+format+"\n", args...) }
	if n := len(p.Documents); n > rights.MaxAttached {
		note("these are %d managed policies, and a role may have %d: ask AWS for more, up to %d, give --future-apps, or use a role "+
			"for each app", n, rights.MaxAttached, rights.MaxRaised)
	}
	if r.Account == "" && ctx.String("output") == "json" {
		note("the orbit has no account, so the ARNs allow any: write account into its manifest, or give --account")
	}
	if trusted.Name == "" && ctx.String("output") == "json" {
		note("the trust policy has OWNER/NAME in place of a repository: give --github")
	}
	if r.FutureApps {
		note("names that begin with an orbit's name and a hyphen may be another orbit's, such as prod-eu's for prod: use an account for " +
			"each")
	}
}
