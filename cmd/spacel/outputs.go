package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/deploy/status"
)

const outputsDescription = `Prints the outputs of deployed stacks: ids, addresses, names of secrets, and the endpoints of apps. No output is
a secret.

   spacel outputs build
   spacel outputs --orbit production --app laika --output json      {"us-east-1/production-laika": {"Endpoint443": …}}
   eval "$(spacel outputs build --stack us-east-1/production-laika --output env)"; curl "$ENDPOINT443"

--output env prints NAME='value' lines for a shell: US_EAST_1_PRODUCTION_LAIKA_ENDPOINT443, or just ENDPOINT443 when one
--stack is given as region/name.`

// outputsCommand prints outputs, for people and scripts. Secrets never are outputs: a template only outputs their names.
func outputsCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "outputs",
		Usage:       "print the outputs of deployed stacks",
		ArgsUsage:   "DIR | --orbit ORBIT",
		Description: outputsDescription,
		Flags:       slices.Concat([]cli.Flag{orbitFlag()}, selectionFlags(), accessFlags()),
		Action:      func(ctx *cli.Context) error { return runOutputs(c, ctx) },
	}, "text", "json", "env")
}

// runOutputs prints the outputs of stacks that exist in AWS, or with a directory only of the stacks it names.
func runOutputs(c *console, ctx *cli.Context) error {
	r, _, err := readStatus(c, ctx)
	if err != nil {
		return err
	}
	// A missing stack has no outputs. An unwritten one is not in the directory, so the user did not ask for it.
	r.Stacks = slices.DeleteFunc(r.Stacks, func(s status.Stack) bool { return s.State == status.Missing || s.State == status.Unwritten })
	switch ctx.String("output") {
	case "json":
		all := map[string]map[string]string{}
		for _, s := range r.Stacks {
			all[s.String()] = s.Outputs
		}
		return c.printJSON(all)
	case "env":
		text, err := environment(r.Stacks, shortNames(ctx.StringSlice("stack")))
		if err == nil {
			fmt.Fprint(c.out, text)
		}
		return err
	}
	for _, s := range r.Stacks {
		for _, name := range slices.Sorted(maps.Keys(s.Outputs)) {
			if name == document.OutputRelease {
				continue // is for spacel itself
			}
			fmt.Fprintf(c.out, "%s  %s  %s\n", s, name, printable(s.Outputs[name]))
		}
	}
	return nil
}

// shortNames reports whether exactly one stack was chosen by region/name. Its outputs cannot collide with those of another,
// so that variables need no prefix.
func shortNames(stacks []string) bool { return len(stacks) == 1 && strings.Contains(stacks[0], "/") }

// environment returns shell assignments, one output a line, safe to eval: values are in single quotes. Different output
// names can become one variable name (Web80 and WEB80); then it returns an error instead of dropping one.
func environment(stacks []status.Stack, short bool) (string, error) {
	var out strings.Builder
	of := map[string]string{}
	for _, s := range stacks {
		for _, name := range slices.Sorted(maps.Keys(s.Outputs)) {
			if name == document.OutputRelease {
				continue // is for spacel itself
			}
			variable, full := variableName(name), s.String()+" "+name
			if !short {
				variable = variableName(s.Region) + "_" + variableName(s.Name) + "_" + variable
			}
			if other, taken := of[variable]; taken {
				return "", fmt.Errorf("spacel outputs: %s and %s would both be %s: choose one with --stack, or use --output json", other,
					full, variable)
			}
			of[variable] = full
			// A quote inside single quotes ends the text, follows escaped, and begins a new text: 'it'\''s'.
			fmt.Fprintf(&out, "%s='%s'\n", variable, strings.ReplaceAll(s.Outputs[name], "'", `'\''`))
		}
	}
	return out.String(), nil
}

// variableName returns the name of a shell variable: BALANCER_DNS_NAME for BalancerDNSName, and US_EAST_1 for us-east-1. A shell
// takes only letters, digits and underscores in it.
func variableName(name string) string {
	var out strings.Builder
	letters := []rune(name)
	for i, r := range letters {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			out.WriteByte('_')
			continue
		case i > 0 && unicode.IsUpper(r) && startsWord(letters, i):
			out.WriteByte('_')
		}
		out.WriteRune(unicode.ToUpper(r))
	}
	return out.String()
}

// startsWord reports whether the capital at i begins a word: after a small letter or a digit, or as the last of several
// capitals before a small letter (the N of DNSName).
func startsWord(letters []rune, i int) bool {
	before := letters[i-1]
	if unicode.IsLower(before) || unicode.IsDigit(before) {
		return true
	}
	return unicode.IsUpper(before) && i+1 < len(letters) && unicode.IsLower(letters[i+1])
}
