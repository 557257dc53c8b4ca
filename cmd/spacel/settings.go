package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/deploy"
	"github.com/pebble/spacel/deploy/staging"
	"github.com/pebble/spacel/deploy/values"
)

// settingFlags are settings of the account, which an artifact does not have: buckets, keys, the image channel. Each has an
// environment variable, so that CI sets it once. The flag wins over the variable. See docs/deploy.md.
func settingFlags() []cli.Flag {
	return append(bucketFlags(),
		&cli.StringFlag{Name: "webhooks-pagerduty", EnvVars: []string{"WEBHOOKS_PAGERDUTY"},
			Usage: "send alarms to this `URL` whose PagerDuty endpoint names no service"},
		&cli.StringFlag{Name: "pagerduty-api-key", EnvVars: []string{pagerDutyKey},
			Usage: "find and make PagerDuty services with this `KEY`; better given in the environment, where other users cannot see it"},
		&cli.StringFlag{Name: "agent-channel", EnvVars: []string{"SPACEL_AGENT_CHANNEL"}, Value: "stable", Action: knownChannel,
			Usage: "take new images from this `CHANNEL`: stable is Debian's releases, latest its daily images"},
	)
}

// bucketFlags name the buckets for uploads.
func bucketFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "lambda-bucket", EnvVars: []string{"LAMBDA_BUCKET"},
			Usage: "put programs and assets into this S3 `BUCKET`; {region} in it stands for each stack's region; else spacel's own"},
		&cli.StringFlag{Name: "lambda-region", EnvVars: []string{"LAMBDA_REGION"},
			Usage: "the `REGION` of that bucket; looked up when not given"},
		&cli.StringFlag{Name: "template-bucket", EnvVars: []string{"TEMPLATE_BUCKET"},
			Usage: "put large templates into this S3 `BUCKET`; else into that of --lambda-bucket"},
		&cli.StringFlag{Name: "template-region", EnvVars: []string{"TEMPLATE_REGION"},
			Usage: "the `REGION` of that bucket; looked up when not given"},
	}
}

// knownChannel checks the channel. An empty variable counts as not set: CI systems define unset variables as empty.
func knownChannel(ctx *cli.Context, got string) error {
	if got == "" {
		return nil
	}
	return oneOf("--agent-channel", []string{"stable", "latest"})(ctx, got)
}

// pagerDutyKey is the environment variable with the key of PagerDuty's REST API. warnOfSecrets names it.
const pagerDutyKey = "PAGERDUTY_API_KEY"

// deployOptions reads the flags of deploy and redeploy, and checks the values unknown to the cli library.
func deployOptions(c *console, ctx *cli.Context) (deploy.Options, error) {
	upgrades := ctx.StringSlice("upgrade")
	for _, what := range upgrades {
		if !slices.Contains([]string{"agent", "image"}, what) {
			return deploy.Options{}, fmt.Errorf("--upgrade must be agent, image or both with a comma, got %q", what)
		}
	}
	for _, id := range ctx.StringSlice("allow-replace") {
		// A mistake here would be noticed only when the plan is ready, after minutes, so the form is checked first.
		if strings.Count(id, "/") != 2 {
			return deploy.Options{}, fmt.Errorf("--allow-replace must be region/stack/resource, as the plan says it, got %q", id)
		}
	}
	if err := cmp.Or(checkPace(ctx), checkVersion(ctx)); err != nil {
		return deploy.Options{}, err
	}
	return deploy.Options{
		Stacks: ctx.StringSlice("stack"), Apps: ctx.StringSlice("app"), Regions: ctx.StringSlice("region"),
		DryRun: ctx.Bool("dry-run"), Verify: ctx.Bool("verify"), AllowReplace: ctx.StringSlice("allow-replace"),
		IgnoreAlarms: ctx.StringSlice("ignore-alarm"), Unrecorded: ctx.Bool("no-record"),
		Concurrency: ctx.Int("concurrency"), Timeout: ctx.Duration("timeout"), Poll: c.poll, Patience: c.patience,
		Directory: ctx.Args().First(),
		Buckets:   buckets(c, ctx),
		Binaries:  c.programs,
		Values:    valueSettings(c, ctx, upgrades),
	}, nil
}

// checkPace checks --concurrency and --timeout.
func checkPace(ctx *cli.Context) error {
	if n := ctx.Int("concurrency"); ctx.IsSet("concurrency") && n < 1 {
		return fmt.Errorf("--concurrency must be at least 1, got %d", n)
	}
	if d := ctx.Duration("timeout"); ctx.IsSet("timeout") && d <= 0 {
		return fmt.Errorf("--timeout must be a duration such as 45m, got %s", d)
	}
	return nil
}

// buckets returns the buckets of the flags. Without a bucket of the user's, spacel has one of its own in each region.
func buckets(c *console, ctx *cli.Context) staging.Buckets {
	b := staging.Buckets{
		Asset: ctx.String("lambda-bucket"), AssetRegion: ctx.String("lambda-region"),
		Template: ctx.String("template-bucket"), TemplateRegion: ctx.String("template-region"),
		Own: true,
	}
	if !ctx.Bool("dry-run") {
		b.Make = func(asking context.Context, name string) error { return agreeToBucket(asking, c, ctx, name) }
	}
	return b
}

// agreeToBucket asks whether to make a bucket. --yes is no answer: it is about stacks, and a bucket is none.
func agreeToBucket(asking context.Context, c *console, ctx *cli.Context, name string) error {
	if ctx.Bool("make-buckets") {
		return nil
	}
	yes, err := c.prompter.yes(asking, "make "+name+"?")
	switch {
	case errors.Is(err, errNoTerminal):
		return fmt.Errorf("there is no S3 bucket to upload to: give --make-buckets to make %s, or name another with --lambda-bucket", name)
	case err == nil && !yes:
		return fmt.Errorf("%s is needed for uploads: %w", name, deploy.ErrDeclined)
	}
	return err
}

// valueSettings returns the settings from which values of parameters are made. Without a terminal there is no Ask, and a
// missing secret is an error.
func valueSettings(c *console, ctx *cli.Context, upgrades []string) values.Settings {
	s := values.Settings{
		Version: ctx.String("version"), Force: ctx.Bool("force"),
		UpgradeAgent: slices.Contains(upgrades, "agent"), UpgradeImage: slices.Contains(upgrades, "image"),
		Channel: ctx.String("agent-channel"), WebhooksPagerDuty: ctx.String("webhooks-pagerduty"),
		PagerDutyKey: ctx.String("pagerduty-api-key"),
		Environment:  os.LookupEnv, DryRun: ctx.Bool("dry-run"),
	}
	if c.prompter.possible() {
		s.Ask = func(ctx context.Context, what string) (string, error) { return c.prompter.secret(ctx, what+": ") }
	}
	return s
}

// warnOfSecrets warns about a secret in a flag: other users of the machine see command lines, in ps or /proc.
func warnOfSecrets(c *console, ctx *cli.Context) {
	for _, s := range []struct{ flag, variable, what string }{
		{"pagerduty-api-key", pagerDutyKey, "the key"},
		{"webhooks-pagerduty", "WEBHOOKS_PAGERDUTY", "the address, which is a secret,"},
	} {
		if ctx.String(s.flag) != "" && !fromEnvironment(ctx, s.flag, s.variable) {
			fmt.Fprintf(c.stderr, "warning: --%s shows %s to every user of this machine while spacel runs: set %s instead\n", s.flag,
				s.what, s.variable)
		}
	}
}

// fromEnvironment reports whether a flag has its variable's value. The cli library does not tell the two apart: IsSet is true
// for both.
func fromEnvironment(ctx *cli.Context, flag, variable string) bool {
	// A flag that repeats the variable's value is treated as the variable: its secret is in the environment anyway.
	return ctx.String(flag) == os.Getenv(variable)
}
