package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/agent/document"
)

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
			v, err := newSecretEditor(c, ctx)
			if err != nil {
				return err
			}
			return v.rotate(ctx)
		},
	})
}

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
