package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/agent/secrets"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// stored is a payload that a manifest holds.
type stored struct {
	secretPlace
	payload *schema.Payload
}

// stored are all payloads of the app, each place once, sorted.
func (v *vault) stored() []stored {
	var all []stored
	add := func(pos report.Pos, key string, p *schema.Payload) {
		if p != nil {
			all = append(all, stored{at(pos, key), p})
		}
	}
	for _, region := range v.app.Regions {
		for _, service := range region.Services {
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
		for _, endpoint := range region.Alarms.Endpoints {
			add(endpoint.At("url"), secrets.WebhookKey, endpoint.URLPayload)
		}
	}
	slices.SortStableFunc(all, func(a, b stored) int { return strings.Compare(a.String(), b.String()) })
	return slices.CompactFunc(all, func(a, b stored) bool { return a.String() == b.String() })
}

// open decrypts a payload, for those whom the key's policy lets.
func (v *vault) open(ctx context.Context, s stored) ([]byte, error) {
	p := document.Payload{
		Version: s.payload.Version, IV: s.payload.IV, Key: s.payload.Key, Ciphertext: s.payload.Ciphertext,
		KeyRegion: s.payload.KeyRegion, Encoding: s.payload.Encoding,
	}
	plaintext, err := secrets.Open(ctx, v.cloud.Region(p.KeyRegion).KMS(), p, v.bound(s.key))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s, cloud.Explain(err))
	}
	if p.Version == 0 {
		plaintext = bytes.TrimPrefix(plaintext, []byte(s.key+"=")) // of a variable the 2016 tool encrypted NAME=value
	}
	return plaintext, nil
}

const decryptDescription = `Prints the plaintext, and nothing else. KMS must allow the caller to decrypt with the app's key.

   spacel secret decrypt laika.yaml --orbit production.yaml --key DB_PASSWORD
   spacel secret decrypt laika.yaml --orbit production.yaml --file tls.key > tls.key`

func decryptCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "decrypt",
		Usage:       "print a secret of an app",
		ArgsUsage:   "APP",
		Description: decryptDescription,
		Flags:       append(placeFlags(), secretFlags()...),
		Action: func(ctx *cli.Context) error {
			v, err := c.vault(ctx)
			if err != nil {
				return err
			}
			places, err := v.places(ctx)
			if err != nil {
				return err
			}
			return v.decrypt(ctx, places)
		},
	})
}

func (v *vault) decrypt(ctx *cli.Context, places []secretPlace) error {
	var opened [][]byte
	var where []string
	for _, s := range v.stored() {
		if !slices.ContainsFunc(places, func(p secretPlace) bool { return p.String() == s.String() }) {
			continue
		}
		plaintext, err := v.open(ctx.Context, s)
		if err != nil {
			return err
		}
		opened, where = append(opened, plaintext), append(where, s.String())
	}
	if len(opened) == 0 {
		return fmt.Errorf("%s holds no encrypted value there: encrypt one with spacel secret encrypt", places[0])
	}
	for _, other := range opened[1:] {
		if string(other) != string(opened[0]) {
			return fmt.Errorf("the secret differs between %s: choose with --region or --service", strings.Join(where, " and "))
		}
	}
	_, err := v.out.Write(opened[0])
	if err == nil && !places[0].verbatim {
		_, err = fmt.Fprintln(v.out)
	}
	return err
}

const rotateDescription = `Every payload of the app in this orbit is opened and encrypted anew, under new data keys, and payloads of the 2016 tool (AES-CBC)
become AES-256-GCM, bound to their places. The manifest is written when all of that went well. The plaintexts stay the
same: change them with spacel secret encrypt --modify.

   spacel secret rotate laika.yaml --orbit production.yaml`

func rotateCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "rotate",
		Usage:       "encrypt all secrets of an app anew",
		ArgsUsage:   "APP",
		Description: rotateDescription,
		Flags:       slices.DeleteFunc(secretFlags(), func(f cli.Flag) bool { return f.Names()[0] == "region" }), // of all or none
		Action: func(ctx *cli.Context) error {
			v, err := c.vault(ctx)
			if err != nil {
				return err
			}
			return v.rotate(ctx)
		},
	})
}

func (v *vault) rotate(ctx *cli.Context) error {
	all := v.stored()
	if len(all) == 0 {
		return fmt.Errorf("%s holds no encrypted value for orbit %s", v.manifest, v.orbit)
	}
	fresh := map[string]document.Payload{}
	var places []secretPlace
	var failed []error
	for _, s := range all {
		plaintext, err := v.open(ctx.Context, s)
		if err == nil {
			fresh[s.String()], err = v.seal(ctx.Context, plaintext, s.key)
		}
		failed = append(failed, err)
		places = append(places, s.secretPlace)
	}
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("nothing was written: %w", err)
	}
	files, err := edited(places, func(p secretPlace) (document.Payload, error) { return fresh[p.String()], nil })
	if err != nil {
		return err
	}
	return v.replaceFiles(ctx, files)
}
