package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/agent/secrets"
	"github.com/pebble/spacel/deploy/appkey"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/content"
	"github.com/pebble/spacel/schema/report"
)

// secretEditor encrypts and decrypts the secrets of one app, and knows their places in its manifest.
type secretEditor struct {
	*console
	cloud    *cloud.Cloud
	manifest string
	orbit    string
	app      *schema.App // in the regions that were chosen
	others   *schema.App // in the regions that --region left out
	regions  []string    // that were chosen
}

// newSecretEditor loads the app's manifest together with the orbit's, because a secret is bound to the orbit's name and
// the app's regions are checked against the orbit's.
func newSecretEditor(c *console, ctx *cli.Context, does purpose) (*secretEditor, error) {
	r, err := newRequest(c, ctx, ctx.String("orbit"), ctx.Args().Slice())
	if err != nil {
		return nil, err
	}
	if len(r.apps) != 1 {
		return nil, exactly(ctx, 1, "the app's manifest")
	}
	if err := manifestOfOrbit(ctx, r.orbit); err != nil {
		return nil, err
	}
	manifest := r.apps[0]
	found := &report.Report{}
	// Standard input belongs to the secret's value, so a manifest named - reads as empty here.
	model, err := schema.Load(ctx.Context, schema.Inputs{
		Orbit: r.orbit, Apps: []string{manifest}, Stdin: strings.NewReader(""), Regions: ctx.StringSlice("region"),
	}, found)
	if err != nil {
		return nil, err
	}
	if model == nil {
		printProblems(c.stderr, found, true)
		return nil, errNo
	}
	if len(model.Apps) != 1 {
		return nil, fmt.Errorf("%s: %s names %d apps, and a secret belongs to one: name it, as in %s", ctx.Command.HelpName, manifest,
			len(model.Apps), model.Apps[0].Pos.In)
	}
	to, err := c.connect(ctx, orbitOfModel(model.Orbit), does)
	if err != nil {
		return nil, err
	}
	v := &secretEditor{console: c, cloud: to, manifest: manifest, orbit: model.Orbit.Name}
	return v, v.narrow(model.Apps[0], ctx.StringSlice("region"))
}

// narrow splits the app's regions into the chosen ones and the others. Without --region all are chosen.
func (v *secretEditor) narrow(app *schema.App, chosen []string) error {
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

// manifestOfOrbit returns an error when --orbit is an artifact directory. Other commands accept one, but here the app's manifest
// is checked against the orbit's.
func manifestOfOrbit(ctx *cli.Context, orbit string) error {
	if isArtifact(orbit) {
		return fmt.Errorf("%s: --orbit %s: an artifact directory is not enough here: name the orbit's manifest",
			ctx.Command.HelpName, orbit)
	}
	return nil
}

// bound returns the encryption context of a payload: KMS decrypts it only with the same orbit, app and key.
func (v *secretEditor) bound(key string) secrets.Context {
	return secrets.Context{Orbit: v.orbit, App: v.app.Name, Key: key}
}

// stored is a payload in a manifest, with its place, for decrypting and rotating it.
type stored struct {
	secretPlace
	payload *content.Payload
}

// stored returns all payloads of the app, sorted by place. A payload in the section for all regions is found once for each
// region, and returned once.
func (v *secretEditor) stored() []stored {
	var all []stored
	add := func(pos report.Pos, key string, p *content.Payload) {
		if p != nil {
			all = append(all, stored{at(pos, key), p})
		}
	}
	for _, region := range v.app.Regions {
		for _, service := range region.Containers() {
			if service.UnitFile != nil {
				add(service.UnitFile.Pos, service.Name, service.UnitFile.Payload)
			}
			for _, variable := range service.Environment {
				add(variable.Pos, variable.Name, variable.Payload)
			}
		}
		for _, file := range region.Files {
			add(file.Text.Pos, file.Name, file.Text.Payload)
		}
		for _, registry := range region.Registries {
			add(registry.Password.Pos, registry.Password.Name, registry.Password.Payload)
		}
		for _, endpoint := range region.Alarms.Endpoints {
			add(endpoint.At("url"), secrets.WebhookKey, endpoint.URLPayload)
		}
	}
	slices.SortStableFunc(all, func(a, b stored) int { return strings.Compare(a.String(), b.String()) })
	return slices.CompactFunc(all, func(a, b stored) bool { return a.String() == b.String() })
}

// open decrypts a payload with the KMS key of its region. The caller needs kms:Decrypt on that key.
func (v *secretEditor) open(ctx context.Context, s stored) ([]byte, error) {
	p := document.Payload{
		Version: s.payload.Version, IV: s.payload.IV, Key: s.payload.Key, Ciphertext: s.payload.Ciphertext,
		KeyRegion: s.payload.KeyRegion, Encoding: s.payload.Encoding,
	}
	plaintext, err := secrets.Open(ctx, v.cloud.Region(p.KeyRegion).KMS(), p, v.bound(s.key))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s, cloud.Explain(err))
	}
	if p.Version == 0 {
		plaintext = bytes.TrimPrefix(plaintext, []byte(s.key+"=")) // the 2016 tool encrypted NAME=value for a variable
	}
	return plaintext, nil
}

// seal encrypts a plaintext for all chosen regions: each region's KMS key encrypts the data key, and an instance needs
// its own region only. Missing keys are created first.
func (v *secretEditor) seal(ctx context.Context, plaintext []byte, key string) (document.Payload, error) {
	// Keys are made in all regions before anything is encrypted, so a missing permission leaves no half-encrypted payload.
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
