package main

import (
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/language"
	"github.com/pebble/spacel/schema/project"
	"github.com/pebble/spacel/schema/report"
)

// currentWord is the environment variable in which the completion scripts pass the word at the cursor, as far as it is typed.
const currentWord = "SPACEL_COMPLETE"

// flagWords lists the values of flags that have few. Those of --output depend on the command.
var flagWords = map[string][]string{
	"agent-channel": {"stable", "latest"},
	"upgrade":       {"agent", "image", "agent,image"},
	"json-schema":   {"orbit", "app"},
}

// takesApp lists the commands whose first argument is the name of an app, and not a manifest.
var takesApp = []string{"logs", "events", "ssh", "instances", "redeploy", "releases", "tasks", "exec", "tunnel", "scale", "maintenance",
	"rollback", "access grant",
	"access revoke", "access list"}

// completions returns the words that can follow a command line: the values of a flag, or the names of apps. It reports false where
// the cli library completes, which knows commands and flags. Without words the shell offers file names.
func completions(app *cli.App, words []string) ([]string, bool) {
	typed, told := os.LookupEnv(currentWord)
	if strings.HasPrefix(typed, "-") || len(words) == 0 {
		return nil, false
	}
	app.Setup()
	_, rest := leadingFlags(words)
	path, command, rest, err := find(app, rest)
	if err != nil || command == nil || command.Subcommands != nil {
		return nil, false
	}
	// Bash splits --region=us at the sign.
	if len(rest) > 0 && rest[len(rest)-1] == "=" {
		rest = rest[:len(rest)-1]
	}
	if len(rest) > 0 {
		if flag := valueFlag(command, rest[len(rest)-1]); flag != nil {
			return valuesOf(flag), true
		}
		// A script of an older version passes a flag that is being typed in the same way as one before the cursor.
		if !told && strings.HasPrefix(rest[len(rest)-1], "-") {
			return nil, false
		}
	}
	if command.BashComplete != nil {
		return nil, false
	}
	return argumentWords(strings.Join(path, " "), command, rest), true
}

// valueFlag returns the flag of a word such as --region if it takes a value, else nil.
func valueFlag(command *cli.Command, word string) cli.Flag {
	if !strings.HasPrefix(word, "-") || strings.Contains(word, "=") {
		return nil
	}
	for _, f := range command.Flags {
		if _, isBool := f.(*cli.BoolFlag); !isBool && slices.Contains(f.Names(), strings.TrimLeft(word, "-")) {
			return f
		}
	}
	return nil
}

// valuesOf returns the possible values of a flag, none where only the user knows them.
func valuesOf(f cli.Flag) []string {
	switch name := f.Names()[0]; name {
	case "region":
		return regionWords()
	case "output":
		// The flag's text lists the forms: print as FORM: text or json.
		text, ok := f.(cli.DocGenerationFlag)
		if !ok {
			return nil
		}
		_, forms, _ := strings.Cut(text.GetUsage(), ": ")
		return strings.Split(forms, " or ")
	default:
		return flagWords[name]
	}
}

// regionWords returns the regions of the project's orbit, or without a project all regions of AWS.
func regionWords() []string {
	checker, err := language.NewChecker(schema.Definitions)
	if err != nil {
		return nil
	}
	facts, err := checker.Facts()
	if err != nil {
		return nil
	}
	if p := quietProject(); p != nil {
		if regions := schema.RegionNames(p.Orbit); len(regions) > 0 {
			return regions
		}
	}
	return facts.RegionNames()
}

// argumentWords returns the names of the project's apps for the argument of a command that takes one. For access grant and revoke
// it is the second argument.
func argumentWords(name string, command *cli.Command, rest []string) []string {
	if !slices.Contains(takesApp, name) {
		return nil
	}
	_, arguments, err := newParser(name, command).sort(rest)
	before := 0
	if strings.HasPrefix(command.ArgsUsage, "USER ") {
		before = 1
	}
	if err != nil || len(arguments) != before {
		return nil
	}
	return projectApps()
}

// quietProject returns the project of the working directory. It returns nil if there is none, or if its file has mistakes.
func quietProject() *project.Project {
	p, err := project.Find(schema.Definitions, &report.Report{})
	if err != nil {
		return nil
	}
	return p
}

// projectApps returns the names of the apps of the project in the working directory, sorted. Manifests with mistakes are left out.
func projectApps() []string {
	p := quietProject()
	if p == nil {
		return nil
	}
	return schema.AppNames(p.Manifests)
}

// needsApp lists the commands of takesApp that work on one app, and cannot do without its name.
var needsApp = []string{"logs", "ssh", "instances", "redeploy", "rollback", "exec", "tasks"}

// withApp adds the app's name to a command line without one, if the project has one app. It returns nil for other command lines, and
// for a project of several apps an error with their names.
func withApp(name string, flags, arguments []string) ([]string, error) {
	ofBastions := name == "logs" && slices.Contains(flags, "--bastion")
	ofCommand := name == "exec" && len(arguments) > 0 && arguments[0] == "--"
	if len(arguments) > 0 && !ofCommand || ofBastions || !slices.Contains(needsApp, name) || slices.ContainsFunc(flags, isHelp) {
		return arguments, nil
	}
	switch apps := projectApps(); len(apps) {
	case 0:
		return arguments, nil
	case 1:
		return append(apps, arguments...), nil
	default:
		return nil, &missingAppError{name, apps}
	}
}

// missingAppError is the error for a command line without an app in a project of several.
type missingAppError struct {
	command string
	apps    []string
}

// Error lists the names to choose from.
func (e *missingAppError) Error() string {
	return "spacel " + e.command + ": which app? The project has " + strings.Join(e.apps, ", ")
}
