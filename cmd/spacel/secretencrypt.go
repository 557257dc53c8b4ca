package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/agent/document"
)

const encryptDescription = `The value is read from standard input, or on a terminal asked for without showing it, or given with --value,
which other users of the machine can see. A final newline is dropped, except from a file's content. Missing KMS keys of
the app are created.

With --modify the payload is written into the manifest. The rest of the manifest stays as it is, including formatting and
comments. Without --modify the payload is printed, to be pasted by hand.

   spacel secret encrypt laika.yaml --orbit production.yaml --key DB_PASSWORD --modify
   spacel secret encrypt laika.yaml --orbit production.yaml --file tls.key --modify < tls.key
   spacel secret encrypt laika.yaml --orbit production.yaml --registry ghcr.io --modify
   spacel secret encrypt laika.yaml --orbit production.yaml --endpoint chat --modify
   pass show token | spacel secret encrypt laika.yaml --orbit production.yaml --key TOKEN --service web`

// encryptCommand encrypts a value. The places are found before the value is asked for, to report a misspelt name
// first.
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
			v, err := newSecretEditor(c, ctx, toChange)
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

// encrypt encrypts a value once and writes the payload to all its places. When the manifest cannot be edited the payload is
// printed all the same: the value may have been typed and would be lost.
func (v *secretEditor) encrypt(ctx *cli.Context, places []secretPlace) error {
	plaintext, err := v.value(ctx, places[0])
	if err != nil {
		return err
	}
	if ctx.IsSet("key") {
		if err := checkVariableValue(places[0].key, plaintext); err != nil {
			return err
		}
	}
	payload, err := v.seal(ctx.Context, plaintext, places[0].key)
	if err != nil {
		return err
	}
	if !ctx.Bool("modify") {
		return v.printJSON(payload)
	}
	files, err := edited(places, func(secretPlace) (document.Payload, error) { return payload, nil })
	if err != nil {
		return errors.Join(v.printJSON(payload), fmt.Errorf("%w; the payload is printed above, paste it by hand", err))
	}
	return replaceFiles(v.console, ctx, files)
}

// value returns the plaintext: from --value, typed at a prompt, or from standard input. A final newline is dropped from
// piped text, as echo and editors add one; in a file's content it matters and stays.
func (v *secretEditor) value(ctx *cli.Context, place secretPlace) ([]byte, error) {
	if text := ctx.String("value"); ctx.IsSet("value") {
		fmt.Fprintln(v.stderr, "warning: --value shows the secret to every user of this machine while spacel runs: pipe it in instead")
		return []byte(text), nonEmpty(text, nil)
	}
	if v.prompter.possible() {
		typed, err := v.prompter.secret(ctx.Context, "Value of "+place.key+" (not shown): ")
		return []byte(typed), nonEmpty(typed, err)
	}
	// Only standard error is redirected, so the question would not be seen.
	if isTTY(v.stdin) {
		return nil, fmt.Errorf("%w: your input would be shown on the screen; pipe the value in",
			errNoTerminal) // standard error is no terminal
	}
	// One byte more than allowed is read: this tells a value of exactly the limit from a larger one.
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

// maxSecret is far above the capacity of a template. It ends a read from an endless pipe.
const maxSecret = 1 << 20

// nonEmpty returns err, or an error if the text is empty. An empty secret is most often an unset variable in a script.
func nonEmpty(text string, err error) error {
	if err == nil && text == "" {
		return errors.New("the value is empty: give it on standard input, at the prompt, or with --value")
	}
	return err
}
