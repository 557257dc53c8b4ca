package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/project"
	"github.com/pebble/spacel/schema/report"
)

// purpose says whether a command changes something in the account. Only such commands assume the orbit's role.
type purpose bool

const (
	toRead   purpose = false
	toChange purpose = true
)

// connect returns clients for AWS by the flags of accessFlags. For an orbit with an account, the account of the credentials is checked
// by the first call, and a command that changes something continues with the orbit's role. This is the only place where either is done.
// A profile with an MFA device asks for the code on the terminal.
func (c *console) connect(ctx *cli.Context, o orbit, does purpose) (*cloud.Cloud, error) {
	access := cloud.Access{Profile: ctx.String("profile"), RoleARN: ctx.String("role-arn"), Endpoint: ctx.String("endpoint-url"),
		Waiting: c.tellOfWaiting, Timing: c.timing}
	// Without a terminal MFA stays nil, and the SDK asks for a code in its error.
	if c.prompter.possible() {
		access.MFA = func() (string, error) { return c.prompter.line(ctx.Context, "MFA code: ") }
	}
	to, err := cloud.Connect(ctx.Context, access)
	if err != nil {
		return nil, err
	}
	in := to.Default().Name
	if len(o.regions) > 0 {
		in = o.regions[0] // a firewall or policy may block the others
	}
	entered, err := to.Enter(ctx.Context, in, o.owner, bool(does))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ctx.Command.HelpName, err)
	}
	// Reading takes seconds. A change may take as long as its slowest resource, and an interrupted one leaves CloudFormation working.
	if does == toChange {
		c.warnOfExpiry(ctx.Context, to, access)
	}
	return entered, nil
}

// shortLife is a common time of a deployment: a database alone takes a quarter of an hour.
const shortLife = 30 * time.Minute

// warnOfExpiry warns of credentials that end soon. Where the SDK does not know the end, tools such as aws-vault and aws configure
// export-credentials say it in a variable beside the keys.
//
// The end is kept for the comparison with the time of a release in waves.
func (c *console) warnOfExpiry(ctx context.Context, to *cloud.Cloud, access cloud.Access) {
	end, known := to.Expires(ctx)
	if given, err := time.Parse(time.RFC3339, os.Getenv("AWS_CREDENTIAL_EXPIRATION")); !known && err == nil && access.Profile == "" {
		end, known = given, os.Getenv("AWS_ACCESS_KEY_ID") != ""
	}
	if known {
		c.session.End = end
	}
	c.session.Unknown = !known && access.Profile == "" && os.Getenv("AWS_SESSION_TOKEN") != "" && os.Getenv("AWS_ACCESS_KEY_ID") != ""
	if left := time.Until(end); known && left < shortLife {
		fmt.Fprintf(c.stderr, "warning: these AWS credentials are valid for %s more, until %s: a command that takes longer stops in the "+
			"middle. Log in again before it\n", max(left, 0).Round(time.Minute), end.Local().Format("15:04"))
	}
}

// ownerOf returns the account and the role for a build's manifest.json.
func ownerOf(o *schema.Orbit) assembly.Owner { return assembly.Owner{Account: o.Account, Role: o.Role} }

// ownerInManifest returns the owner in an orbit's manifest, with the place of the account. An account that only the role's ARN says has
// the role's place.
func ownerInManifest(o *schema.Orbit) cloud.Owner {
	field := "account"
	if !o.Written(field) {
		field = "role"
	}
	at := o.At(field)
	at.Path = ""
	return cloud.Owner{Orbit: o.Name, Account: o.Account, Role: o.Role, At: at.String()}
}

// ownerInArtifact returns the owner in a directory's manifest.json.
func ownerInArtifact(a *assembly.Assembly, dir string) cloud.Owner {
	m := a.Manifest
	return cloud.Owner{Orbit: m.Orbit, Account: m.Account, Role: m.Role, At: filepath.Join(dir, "manifest.json")}
}

// ownerInProject returns the owner of an orbit given by its name alone, from a manifest here: the project's, or one
// with the orbit's name. Without a valid manifest of that orbit the owner is unknown.
func (c *console) ownerInProject(ctx context.Context, name string) cloud.Owner {
	var files []string
	if p, err := project.Find(schema.Definitions, &report.Report{}); err == nil && p != nil {
		files = append(files, p.Orbit)
	}
	if file := project.Named(name); file != "" {
		files = append(files, file)
	}
	// A manifest with mistakes says nothing here: the command that builds it reports them.
	for _, file := range files {
		model, err := schema.Load(ctx, schema.Inputs{Orbit: relative(file)}, &report.Report{})
		if err == nil && model != nil && model.Orbit.Name == name {
			return ownerInManifest(model.Orbit)
		}
	}
	return cloud.Owner{}
}
