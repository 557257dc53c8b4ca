package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/agent/document"
)

const rotateDescription = `Decrypts every payload of the app in this orbit and encrypts it again, under new data keys. Payloads of the 2016
tool (AES-CBC) become AES-256-GCM, bound to their places. The manifest is written only when all of them succeed. The
plaintexts stay the same: to change one, use spacel secret encrypt --modify.

   spacel secret rotate laika.yaml --orbit production.yaml`

// rotateCommand renews all payloads of an app. It has no --region: a payload in the section for all regions must be readable
// in all of them.
func rotateCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "rotate",
		Usage:       "encrypt all secrets of an app again, under new keys",
		ArgsUsage:   "APP",
		Description: rotateDescription,
		Flags:       slices.DeleteFunc(secretFlags(), func(f cli.Flag) bool { return f.Names()[0] == "region" }),
		Action: func(ctx *cli.Context) error {
			v, err := newSecretEditor(c, ctx, toChange)
			if err != nil {
				return err
			}
			return v.rotate(ctx)
		},
	})
}

// rotate decrypts and encrypts all payloads before it writes the first one: a manifest with half of them rotated would be
// hard to tell from a finished one.
func (v *secretEditor) rotate(ctx *cli.Context) error {
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
		// All payloads are tried, so the user sees every one that cannot be decrypted and not only the first. nil is dropped by Join.
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
	return replaceFiles(v.console, ctx, files)
}
