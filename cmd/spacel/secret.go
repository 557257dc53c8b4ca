package main

import "github.com/urfave/cli/v2"

const secretDescription = `A secret is stored in the app's manifest as an encrypted payload. Only the app's instances can decrypt it, with
the app's KMS key of their region, alias/<orbit>-<app>. The payload is bound to its place: it cannot be decrypted as
another variable, in another app or in another orbit.

   spacel secret encrypt laika.yaml --orbit production.yaml --key DB_PASSWORD --modify
   spacel secret decrypt laika.yaml --orbit production.yaml --key DB_PASSWORD
   spacel secret rotate laika.yaml --orbit production.yaml`

// secretCommand builds the group for secrets. All three commands load the manifests and call KMS; none calls CloudFormation.
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
		&cli.StringSliceFlag{Name: "service",
			Usage: "with --key: the `UNIT` that has the variable; may be given again, and left out when the app has only one"},
		&cli.StringFlag{Name: "file", Usage: "a file's `NAME` below /files"},
		&cli.StringFlag{Name: "registry", Usage: "the password of the registry of container images at this `HOST`"},
		&cli.StringFlag{Name: "endpoint", Usage: "the webhook of the alarm endpoint of this `NAME`"},
	}
}
