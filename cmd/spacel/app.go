package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

const appDescription = `An orbit is a tier such as test or production: a VPC in each of its regions. An app is a set of systemd units,
mostly Docker containers, on instances in those regions. Each orbit and each app has a manifest.

Start with:
   spacel init shop; cd shop      write manifests to start from
   spacel vet                     are the manifests valid?
   spacel build                   write build/: templates to review and deploy
   spacel diff                    what would CloudFormation change, since the last build?
   spacel doctor                  are the account and this machine ready?
   spacel deploy                  show what changes, ask, and deploy
   spacel status                  does what runs match what was built?

In another directory, or for another orbit, name the manifests: spacel build --orbit orbit.json app.json

Run spacel COMMAND -h for everything about a command.

` + exitCodes

const exitCodes = `Exit codes: 0 yes; 1 no (mistakes in manifests, differences found, a failed stack);
2 the call was wrong, or AWS or the network failed; 130 interrupted.`

// newApp returns the program with its commands. Each command has a constructor, and newApp is called for each run: flags
// keep their values in the cli library's structs, and tests run many commands in one process.
func newApp(c *console) *cli.App {
	return &cli.App{
		Name:                   "spacel",
		Usage:                  "launch applications into AWS, by way of CloudFormation that can be reviewed",
		Description:            appDescription,
		EnableBashCompletion:   true,
		HideVersion:            true,
		UseShortOptionHandling: false,
		Reader:                 c.stdin,
		Writer:                 c.out,
		ErrWriter:              c.stderr,
		// The library would otherwise print errors and call os.Exit itself.
		ExitErrHandler: func(*cli.Context, error) {}, // run decides
		OnUsageError:   usageError,
		Commands: []*cli.Command{
			initCommand(c),
			importCommand(c),
			buildCommand(c),
			vetCommand(c),
			evalCommand(c),
			testCommand(c),
			diffCommand(c),
			graphCommand(c),
			schemaCommand(c),
			vendorCommand(c),
			doctorCommand(c),
			deployCommand(c),
			statusCommand(c),
			outputsCommand(c),
			destroyCommand(c),
			policyCommand(c),
			redeployCommand(c),
			releasesCommand(c),
			rollbackCommand(c),
			scaleCommand(c),
			maintenanceCommand(c),
			instancesCommand(c),
			tasksCommand(c),
			logsCommand(c),
			eventsCommand(c),
			sshCommand(c),
			execCommand(c),
			tunnelCommand(c),
			accessCommand(c),
			secretCommand(c),
			completionCommand(c),
			versionCommand(c),
		},
	}
}

// command adds the parts that all commands share: the flags --quiet, --no-color and, with outputs, --output; the exit codes
// at the end of the help; and usage errors of one line. The first of the outputs is the default form.
func command(c *cli.Command, outputs ...string) *cli.Command {
	c.HideHelpCommand = true
	c.OnUsageError = usageError
	c.Description = strings.Trim(c.Description, "\n") + "\n\n" + exitCodes
	// A command without outputs prints a document of its own form, such as a script or a secret, and has no --output.
	if len(outputs) > 0 {
		c.Flags = append(c.Flags, &cli.StringFlag{
			Name:   "output",
			Usage:  "print as `FORM`: " + strings.Join(outputs, " or "),
			Value:  outputs[0],
			Action: oneOf("--output", outputs),
		})
	}
	c.Flags = append(c.Flags,
		&cli.BoolFlag{Name: "quiet", Usage: "print errors and warnings only", DisableDefaultText: true},
		&cli.BoolFlag{Name: "no-color", Usage: "print without colours, as with NO_COLOR in the environment", DisableDefaultText: true},
	)
	return c
}

// group marks a command that only has subcommands, such as spacel access.
func group(c *cli.Command) *cli.Command {
	c.HideHelpCommand = true
	c.OnUsageError = usageError
	return c
}

// oneOf returns a flag's check: its value must be one of the words.
func oneOf(flag string, words []string) func(*cli.Context, string) error {
	return func(_ *cli.Context, got string) error {
		if slices.Contains(words, got) {
			return nil
		}
		return fmt.Errorf("%s must be %s, got %q", flag, strings.Join(words, " or "), got)
	}
}

// invalidValue matches the cli library's message about a flag's value, with the value in quotes and the flag.
var invalidValue = regexp.MustCompile(`^invalid value ("(?:[^"\\]|\\.)*") for flag -([a-z-]+): `)

// wrongValue says which kind of value a flag takes. For other kinds the error stays the library's.
func wrongValue(command *cli.Command, name, got string, err error) error {
	for _, f := range command.Flags {
		if !slices.Contains(f.Names(), name) {
			continue
		}
		switch f.(type) {
		case *cli.DurationFlag:
			return fmt.Errorf("--%s must be a duration such as 45m, got %s", name, got)
		case *cli.IntFlag:
			return fmt.Errorf("--%s must be a whole number, got %s", name, got)
		}
	}
	return err
}

// usageError replaces the cli library's answer to a wrong flag, which would print the whole help.
func usageError(ctx *cli.Context, err error, _ bool) error {
	if m := invalidValue.FindStringSubmatch(err.Error()); m != nil {
		err = wrongValue(ctx.Command, m[2], m[1], err)
	}
	return fmt.Errorf("%s: %w; see %s -h", ctx.Command.HelpName, err, ctx.Command.HelpName)
}

// directoryOrHere returns the only argument, or the current directory without one. Want describes it for the message.
func directoryOrHere(ctx *cli.Context, want string) (string, error) {
	if ctx.NArg() == 0 {
		return ".", nil
	}
	return ctx.Args().First(), exactly(ctx, 1, want)
}

// exactly returns an error unless there are n arguments. Want describes them for the message: "one artifact directory".
func exactly(ctx *cli.Context, n int, want string) error {
	if ctx.NArg() == n {
		return nil
	}
	return fmt.Errorf("%s takes %s, got %s; see %s -h", ctx.Command.HelpName, want, plural(ctx.NArg(), "argument"), ctx.Command.HelpName)
}
