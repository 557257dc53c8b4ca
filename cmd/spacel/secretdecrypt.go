package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

const decryptDescription = `Prints the plaintext, and nothing else. KMS must allow the caller to decrypt with the app's key.

   spacel secret decrypt laika.yaml --orbit production.yaml --key DB_PASSWORD
   spacel secret decrypt laika.yaml --orbit production.yaml --file tls.key > tls.key`

// decryptCommand prints one secret. A variable's value gets a newline for the terminal; a file's content is printed as it is.
func decryptCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "decrypt",
		Usage:       "print a secret of an app",
		ArgsUsage:   "APP",
		Description: decryptDescription,
		Flags:       append(placeFlags(), secretFlags()...),
		Action: func(ctx *cli.Context) error {
			v, err := newSecretEditor(c, ctx, toRead)
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

// decrypt prints the secret at these places. One secret may stand in several sections of a manifest, encrypted at different
// times. They must be equal, otherwise it is unclear which one is meant.
func (v *secretEditor) decrypt(ctx *cli.Context, places []secretPlace) error {
	var opened [][]byte
	var where []string
	// Places are compared by their text, file and path: see secretPlace.String.
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
	v.out.shown.raw = true
	_, err := v.out.Write(opened[0])
	// A file's content is printed byte for byte, so it can be redirected into a file.
	if err == nil && !places[0].verbatim {
		_, err = fmt.Fprintln(v.out)
	}
	return err
}
