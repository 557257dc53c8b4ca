package agent

import (
	"bytes"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pebble/spacel/agent/document"
)

// envLine is a line of a .env file: a variable, or with an empty name a line as the user wrote it.
type envLine struct{ name, value, raw string }

// form writes the lines of a .env file for one of its readers.
type form func([]envLine) []byte

// environmentForms returns the files to write for a .env file, with their forms. The plain name has the form that its reader
// expects: Docker's when a unit gives it to --env-file, as the unit of a container does, else systemd's, for EnvironmentFile=.
// UNIT.docker.env and UNIT.systemd.env have the form that their name says, unless the manifest has a file of this name.
func environmentForms(b *Boot, name string) map[string]form {
	forms := map[string]form{name: systemdForm}
	if dockerReads(b, name) {
		forms[name] = dockerForm
	}
	if _, ofUnit := b.Document.Environments[name]; !ofUnit {
		return forms
	}
	base := strings.TrimSuffix(name, ".env")
	for file, form := range map[string]form{base + ".docker.env": dockerForm, base + ".systemd.env": systemdForm} {
		_, written := b.Document.Files[file]
		_, other := b.Document.Environments[file]
		if !written && !other {
			forms[file] = form
		}
	}
	return forms
}

// dockerReads reports whether a unit gives a .env file to docker run. The stage files has written the units.
func dockerReads(b *Boot, name string) bool {
	option := regexp.MustCompile(`--env-file[ =]+"?/files/` + regexp.QuoteMeta(name) + `["\s]`)
	units := slices.Sorted(maps.Keys(b.Document.Units))
	for _, task := range b.Document.Tasks {
		units = append(units, document.TaskUnit(task.Name))
	}
	for _, unit := range units {
		if text, err := b.Machine.readFile(unitsDirectory + "/" + unit); err == nil && option.Match(append(text, '\n')) {
			return true
		}
	}
	return false
}

// dockerForm writes a file for docker run's --env-file: a value is all that follows the =.
func dockerForm(lines []envLine) []byte {
	return formatted(lines, func(value string) string { return value })
}

// systemdForm writes a file for EnvironmentFile=. systemd takes quotes, backslashes and spaces around a value for syntax, so such
// values are quoted (systemd.exec(5), "EnvironmentFile="; systemd, src/basic/env-file.c).
func systemdForm(lines []envLine) []byte {
	return formatted(lines, systemdQuote)
}

// formatted writes lines with quoted values.
func formatted(lines []envLine, quote func(string) string) []byte {
	var text bytes.Buffer
	for _, line := range lines {
		if line.name == "" {
			text.WriteString(line.raw + "\n")
			continue
		}
		text.WriteString(line.name + "=" + quote(line.value) + "\n")
	}
	return text.Bytes()
}

// plainValue matches values that systemd and Docker read alike. # and ; begin a comment only at the beginning of a line, and a
// dollar sign has no meaning.
var plainValue = regexp.MustCompile(`^([^\s"'\\]([^"'\\]*[^\s"'\\])?)?$`)

// systemdQuote quotes a value in double quotes, in which a backslash, a quote, a backtick and a dollar sign need a backslash.
func systemdQuote(value string) string {
	if plainValue.MatchString(value) {
		return value
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`", `$`, `\$`).Replace(value) + `"`
}
