package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/agent/secrets"
	"github.com/pebble/spacel/deploy/appkey"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

const secretDescription = `A secret stands in the app's manifest as an encrypted payload that only the app's instances can open, with the app's KMS key
of their region, alias/<orbit>-<app>. It is bound to its place: as another variable, in another app or another orbit it does
not open.

   spacel secret encrypt laika.yaml --orbit production.yaml --key DB_PASSWORD --modify
   spacel secret decrypt laika.yaml --orbit production.yaml --key DB_PASSWORD
   spacel secret rotate laika.yaml --orbit production.yaml`

func secretCommand(c *console) *cli.Command {
	return group(&cli.Command{
		Name:        "secret",
		Usage:       "encrypt, read and rotate an app's secrets",
		Description: secretDescription,
		Subcommands: []*cli.Command{encryptCommand(c), decryptCommand(c), rotateCommand(c)},
	})
}

// secretFlags are those of all three.
func secretFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "orbit", EnvVars: []string{"SPACEL_ORBIT"}, TakesFile: true, Usage: "the orbit's manifest, a `FILE`"},
		&cli.StringSliceFlag{Name: "region", Aliases: []string{"r"}, Usage: "for this `REGION` of the app only; may be given again"},
	}, accessFlags()...)
}

// placeFlags name a secret.
func placeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "key", Usage: "an environment variable's `NAME`"},
		&cli.StringSliceFlag{Name: "service", Usage: "of --key: the `UNIT` whose variable it is; may be given again, and left out when there is only one"},
		&cli.StringFlag{Name: "file", Usage: "a file's `NAME` below /files"},
		&cli.StringFlag{Name: "endpoint", Usage: "the webhook of the alarm endpoint of this `NAME`"},
	}
}

const encryptDescription = `The value is read from standard input, asked for without showing it, or given with --value, where other users of the machine
can see it. A final newline of a variable or a webhook is dropped. The app's KMS keys are made if they are not there.

With --modify the payload is written into the manifest, which otherwise stays as it is, formatting and comments included;
else it is printed, to be put there by hand.

   spacel secret encrypt laika.yaml --orbit production.yaml --key DB_PASSWORD --modify
   spacel secret encrypt laika.yaml --orbit production.yaml --file tls.key --modify < tls.key
   spacel secret encrypt laika.yaml --orbit production.yaml --endpoint chat --modify
   pass show token | spacel secret encrypt laika.yaml --orbit production.yaml --key TOKEN --service web`

func encryptCommand(c *console) *cli.Command {
	flags := append(placeFlags(),
		&cli.StringFlag{Name: "value", Usage: "the secret `TEXT`"},
		&cli.BoolFlag{Name: "modify", Aliases: []string{"m"}, Usage: "write the payload into the manifest", DisableDefaultText: true},
	)
	return command(&cli.Command{
		Name:        "encrypt",
		Usage:       "encrypt a value for one place of an app",
		ArgsUsage:   "APP",
		Description: encryptDescription,
		Flags:       append(flags, secretFlags()...),
		Action: func(ctx *cli.Context) error {
			v, err := c.vault(ctx)
			if err != nil {
				return err
			}
			places, err := v.places(ctx)
			if err != nil {
				return err
			}
			if err := v.unshared(ctx, places); err != nil {
				return err
			}
			return v.encrypt(ctx, places)
		},
	})
}

// vault is an app whose secrets a command works on.
type vault struct {
	*console
	cloud    *cloud.Cloud
	manifest string
	orbit    string
	app      *schema.App // in the regions that were chosen
	others   *schema.App // in the others
	regions  []string    // that were chosen
}

func (c *console) vault(ctx *cli.Context) (*vault, error) {
	if err := exactly(ctx, 1, "the app's manifest"); err != nil {
		return nil, err
	}
	if ctx.String("orbit") == "" {
		return nil, fmt.Errorf("%s: which orbit? Name its manifest with --orbit, or in SPACEL_ORBIT", ctx.Command.HelpName)
	}
	if err := manifestOfOrbit(ctx); err != nil {
		return nil, err
	}
	manifest := relative(ctx.Args().First())
	report := &report.Report{}
	model, err := schema.Load(ctx.Context, schema.Inputs{
		Orbit: relative(ctx.String("orbit")), Apps: []string{manifest}, Stdin: strings.NewReader(""), Regions: ctx.StringSlice("region"),
	}, report)
	if err != nil {
		return nil, err
	}
	if model == nil {
		c.say(report, true)
		return nil, errNo
	}
	to, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	v := &vault{console: c, cloud: to, manifest: manifest, orbit: model.Orbit.Name}
	return v, v.narrow(model.Apps[0], ctx.StringSlice("region"))
}

// narrow leaves the chosen regions of the app, or all when none is chosen.
func (v *vault) narrow(app *schema.App, chosen []string) error {
	some, others := *app, *app
	some.Regions, others.Regions = nil, nil
	for _, r := range app.Regions {
		if len(chosen) > 0 && !slices.Contains(chosen, r.Region) {
			others.Regions = append(others.Regions, r)
			continue
		}
		some.Regions = append(some.Regions, r)
		v.regions = append(v.regions, r.Region)
	}
	v.app, v.others = &some, &others
	if len(v.regions) == 0 {
		return fmt.Errorf("app %s is not in %s", app.Name, strings.Join(chosen, ", "))
	}
	return nil
}

// manifestOfOrbit refuses what names an orbit for other commands: the app's manifest is checked against the orbit's.
func manifestOfOrbit(ctx *cli.Context) error {
	what := ctx.String("orbit")
	_, err := os.Stat(what)
	switch {
	case errors.Is(err, fs.ErrNotExist) && orbitName.MatchString(what):
		return fmt.Errorf("%s: --orbit %s: there is no such file, and an orbit's name is not enough here: name its manifest", ctx.Command.HelpName, what)
	case err == nil && isArtifact(what):
		return fmt.Errorf("%s: --orbit %s: an artifact directory is not enough here: name the orbit's manifest", ctx.Command.HelpName, what)
	}
	return nil
}

func (v *vault) bound(key string) secrets.Context {
	return secrets.Context{Orbit: v.orbit, App: v.app.Name, Key: key}
}

func (v *vault) encrypt(ctx *cli.Context, places []secretPlace) error {
	plaintext, err := v.value(ctx, places[0])
	if err != nil {
		return err
	}
	payload, err := v.seal(ctx.Context, plaintext, places[0].key)
	if err != nil {
		return err
	}
	if !ctx.Bool("modify") {
		return v.json(payload)
	}
	files, err := edited(places, func(secretPlace) (document.Payload, error) { return payload, nil })
	if err != nil {
		return errors.Join(v.json(payload), fmt.Errorf("%w; the payload is printed above, to be put there by hand", err))
	}
	return v.replaceFiles(ctx, files)
}

// seal encrypts with the app's keys of all its regions, and makes those that are missing.
func (v *vault) seal(ctx context.Context, plaintext []byte, key string) (document.Payload, error) {
	for _, region := range v.regions {
		made, err := appkey.Ensure(ctx, v.cloud.Region(region), v.orbit, v.app.Name)
		if err != nil {
			return document.Payload{}, err
		}
		if made {
			fmt.Fprintf(v.stderr, "made the KMS key %s in %s\n", v.bound("").Alias(), region)
		}
	}
	payload, err := secrets.Seal(ctx, v.cloud.Region(v.regions[0]).KMS(), plaintext, v.bound(key), v.regions)
	return payload, cloud.Explain(err)
}

// value is the plaintext: the flag's, what is typed, or standard input.
func (v *vault) value(ctx *cli.Context, place secretPlace) ([]byte, error) {
	if text := ctx.String("value"); ctx.IsSet("value") {
		fmt.Fprintln(v.stderr, "warning: --value shows the secret to every user of this machine while spacel runs: pipe it in instead")
		return []byte(text), nonEmpty(text, nil)
	}
	if v.asker.possible() {
		typed, err := v.asker.secret(ctx.Context, "Value of "+place.key+" (not shown): ")
		return []byte(typed), nonEmpty(typed, err)
	}
	if isTTY(v.stdin) {
		return nil, fmt.Errorf("%w: what is typed would be shown; pipe the value in", errNobody) // standard error is no terminal
	}
	piped, err := io.ReadAll(io.LimitReader(v.stdin, maxSecret+1))
	if err != nil {
		return nil, fmt.Errorf("read the value from standard input: %w", err)
	}
	if len(piped) > maxSecret {
		return nil, fmt.Errorf("the value is larger than %d bytes", maxSecret)
	}
	text := string(piped)
	if !place.verbatim {
		text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	}
	return []byte(text), nonEmpty(text, nil)
}

// maxSecret is far above what a template can carry.
const maxSecret = 1 << 20

func nonEmpty(text string, err error) error {
	if err == nil && text == "" {
		return errors.New("the value is empty: give it on standard input, at the prompt, or with --value")
	}
	return err
}
