package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/schema/report"
)

// completing is the last word of a command line sent by a shell's completion script instead of running the command.
const completing = "--generate-bash-completion"

// arrange puts a command line into the order of the cli library: the command, its flags, its arguments. The library
// stops reading flags at the first argument, but users write flags anywhere. An unknown or incomplete word is an error of
// one line, with the nearest known word.
func arrange(app *cli.App, args []string) ([]string, error) {
	if args[len(args)-1] == completing {
		// The word before the cursor may be a lone --. The library takes it for the end of the flags, and would run the
		// command instead of completing it.
		return slices.DeleteFunc(slices.Clone(args), func(word string) bool { return word == "--" }), nil
	}
	app.Setup()
	before, rest := leadingFlags(args[1:])
	if len(rest) == 0 {
		if slices.Contains(before, "--version") {
			return []string{args[0], "version"}, nil
		}
		return args, checkLeading(before)
	}
	if name := rest[0]; name == "help" || name == "h" {
		return helpOf(app, args[0], rest[1:])
	}
	path, command, rest, err := find(app, rest)
	if err != nil {
		return nil, err
	}
	if command.Subcommands != nil {
		return showGroup(args[0], path, command, append(before, rest...))
	}
	flags, arguments, err := newParser(strings.Join(path, " "), command).sort(append(before, rest...))
	if err != nil {
		return nil, fmt.Errorf("spacel %s: %w", strings.Join(path, " "), err)
	}
	if arguments, err = withApp(strings.Join(path, " "), flags, arguments); err != nil {
		return nil, err
	}
	return slices.Concat([]string{args[0]}, path, flags, []string{"--"}, arguments), nil
}

// find walks down the commands named by the words, as in spacel access user add. It returns the path of names, the command
// at its end, and the words after it.
func find(app *cli.App, words []string) (path []string, command *cli.Command, rest []string, err error) {
	known := app.Commands
	for len(words) > 0 && !strings.HasPrefix(words[0], "-") {
		i := slices.IndexFunc(known, func(c *cli.Command) bool { return c.HasName(words[0]) })
		if i < 0 {
			above := strings.Join(append([]string{"spacel"}, path...), " ")
			hint := nearest(words[0], commandNames(known), above)
			if len(path) == 0 {
				hint = cmp.Or(other(words[0]), hint)
			}
			return nil, nil, nil, fmt.Errorf("%s: unknown command %q%s", above, words[0], hint)
		}
		command, path, words = known[i], append(path, known[i].Name), words[1:]
		if known = command.Subcommands; known == nil {
			break
		}
	}
	return path, command, words, nil
}

// showGroup answers a group called without a subcommand: with -h it shows the group's help, else it is an error.
func showGroup(program string, path []string, command *cli.Command, flags []string) ([]string, error) {
	if err := checkLeading(flags); err != nil || len(flags) == 0 {
		name := "spacel " + strings.Join(path, " ")
		return nil, fmt.Errorf("%s: which of %s? See %s -h", name, strings.Join(commandNames(command.Subcommands), ", "), name)
	}
	return slices.Concat([]string{program}, path, []string{"-h"}), nil
}

// leadingFlags splits off the flags before the command. Of those only --output may have its value in the next word.
func leadingFlags(args []string) (flags, rest []string) {
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		n := 1
		if args[0] == "--output" && len(args) > 1 {
			n = 2
		}
		flags, args = append(flags, args[:n]...), args[n:]
	}
	return flags, args
}

// checkLeading accepts only a request for help where no command follows.
func checkLeading(flags []string) error {
	for _, flag := range flags {
		if !isHelp(flag) {
			return fmt.Errorf("spacel: %s: which command? See spacel -h", flag)
		}
	}
	return nil
}

// isHelp reports whether a flag asks for help.
func isHelp(flag string) bool { return flag == "-h" || flag == "--help" || flag == "-help" }

// commandNames returns the names in the order of the help.
func commandNames(commands []*cli.Command) []string {
	var names []string
	for _, c := range commands {
		names = append(names, c.Name)
	}
	return names
}

// helpOf turns spacel help COMMAND into spacel COMMAND -h.
func helpOf(app *cli.App, program string, topic []string) ([]string, error) {
	if len(topic) == 0 {
		return []string{program, "help"}, nil
	}
	path, _, _, err := find(app, topic)
	if err != nil {
		return nil, err
	}
	return slices.Concat([]string{program}, path, []string{"-h"}), nil
}

// parser knows the flags of a command.
type parser struct {
	command string              // with those above it: access user add
	flags   map[string]flagKind // by name and alias
	seen    map[string]bool     // by name
}

// flagKind is what the parser must know of a flag: its main name, and how many values it takes.
type flagKind struct {
	name  string
	value bool // takes one
	many  bool // may be given again
}

// newParser collects the flags of a command by all their names. Only flags of type bool have no value in the next word, and
// only slices may be repeated.
func newParser(name string, command *cli.Command) *parser {
	p := &parser{command: name, flags: map[string]flagKind{}, seen: map[string]bool{}}
	for _, f := range append(command.Flags, cli.HelpFlag) {
		_, isBool := f.(*cli.BoolFlag)
		_, isSlice := f.(*cli.StringSliceFlag)
		for _, name := range f.Names() {
			p.flags[name] = flagKind{f.Names()[0], !isBool, isSlice}
		}
	}
	return p
}

// sort separates flags from arguments. A flag's value stays behind its flag. Everything after -- is an argument, as is a
// lone -, which means standard input, and -#PATH, a value in it.
func (p *parser) sort(words []string) (flags, arguments []string, err error) {
	for i := 0; i < len(words); i++ {
		word := words[i]
		if word == "--" {
			if p.command == "exec" {
				i-- // the command begins there: APP and UNIT before it are optional
			}
			return flags, append(arguments, words[i+1:]...), nil
		}
		if word == "-" || strings.HasPrefix(word, "-#") || !strings.HasPrefix(word, "-") {
			arguments = append(arguments, word)
			continue
		}
		kind, hasValue, err := p.lookup(word)
		if err != nil {
			return nil, nil, err
		}
		flags = append(flags, word)
		if !kind.value || hasValue {
			continue
		}
		// A value may begin with a dash, for example a filter pattern, unless it is one of the command's own flags.
		if i++; i == len(words) || p.known(words[i]) {
			return nil, nil, fmt.Errorf("flag %s needs a value", word)
		}
		flags = append(flags, words[i])
	}
	return flags, arguments, nil
}

// lookup finds the flag of a word such as --out, -r or --out=build. A second value for a flag with one value is an error:
// the library would take the last one in silence.
func (p *parser) lookup(word string) (kind flagKind, hasValue bool, err error) {
	name, _, hasValue := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(word, "-"), "-"), "=")
	kind, ok := p.flags[name]
	if !ok {
		return kind, false, fmt.Errorf("unknown flag %s%s", dashed(name), p.nearest(name))
	}
	if p.seen[kind.name] && kind.value && !kind.many {
		return kind, false, fmt.Errorf("flag --%s is given twice", kind.name)
	}
	p.seen[kind.name] = true
	return kind, hasValue, nil
}

// known reports whether a word is a flag of the command. It tells a forgotten value (--orbit --strict) from a value that
// begins with a dash.
func (p *parser) known(word string) bool {
	name, _, _ := strings.Cut(strings.TrimLeft(word, "-"), "=")
	_, ok := p.flags[name]
	return ok && strings.HasPrefix(word, "-")
}

// nearest suggests a flag for a misspelt one. Flags of one letter are left out: nearly every letter is near to one.
func (p *parser) nearest(name string) string {
	var known []string
	for flag := range p.flags {
		if len(flag) > 1 {
			known = append(known, dashed(flag))
		}
	}
	return nearest(dashed(name), known, "spacel "+p.command)
}

// nearest asks whether the nearest known word was meant, or says where all are listed.
func nearest(word string, known []string, help string) string {
	return cmp.Or(report.Suggest(word, known), "; see "+help+" -h")
}

// dashed returns a flag as it is typed: one dash before a single letter, else two.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}
