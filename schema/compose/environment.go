package compose

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// takeEnvironment writes the variables of env_file and environment. As in Compose, the latter win.
func (s *service) takeEnvironment() {
	written := types.MappingWithEquals{}
	if value := s.take("environment"); value != nil {
		if err := loader.Transform(value, &written); err != nil {
			s.left("cannot be read: "+err.Error(), s.at("environment")...)
		}
	}
	// A name without a value takes the shell's in Compose. The file .env stands for the
	// shell here, as it does in references.
	values := map[string]string{}
	for name, value := range written {
		switch fromFile, set := s.project.env[name]; {
		case value != nil:
			values[name] = *value
		case set:
			values[name] = fromFile
		}
	}
	files := map[string]string{}
	for _, file := range s.objects("env_file") {
		path, format := file.text("path"), file.text("format")
		required := file.text("required") != "false"
		maps.Copy(files, s.variablesWith(path, format, required, s.at("env_file"), values, files))
	}
	for _, name := range sortedKeys(written) {
		_, inFile := files[name]
		_, set := values[name]
		if !set && !inFile {
			s.left("has no value: nothing is taken from the shell; write NAME=value", s.at("environment", name)...)
		}
	}
	maps.Copy(files, values)
	s.writeEnvironment(files)
}

// secretName matches names of variables that mostly hold secrets.
var secretName = regexp.MustCompile(`(?i)(passw|secret|token|api_?key|private_?key|credential|_key$|_pass$|_pwd$)`)

// writeEnvironment writes variables, and lists those that look like secrets.
func (s *service) writeEnvironment(values map[string]string) {
	// Every value is text for a container. As text it stays as it is: 1.10 does not become
	// 1.1, and yes does not become true. A name that ends in _FILE names a file with the
	// secret, and not the secret.
	out, secrets := newMapping(), []string{}
	for _, name := range sortedKeys(values) {
		out.set2(name, values[name])
		if values[name] != "" && secretName.MatchString(name) && !strings.HasSuffix(name, "_FILE") {
			secrets = append(secrets, name)
		}
	}
	if len(out.Content) == 0 {
		return
	}
	s.out.set("environment", out)
	if len(secrets) > 0 {
		s.note(fmt.Sprintf("secrets in plain text: encrypt them with spacel secret encrypt, or refer to Secrets Manager "+
			`by {from: "secret:NAME"} (%s)`, strings.Join(secrets, ", ")), s.at("environment")...)
	}
}

// variablesIn returns the variables of a file of NAME=value lines.
func (s *service) variablesIn(path, format string, required bool, at []string) map[string]string {
	return s.variablesWith(path, format, required, at, nil, nil)
}

// variablesWith returns the variables of a file. References in it are to variables of .env, of the service, and of files before,
// in this order.
func (s *service) variablesWith(path, format string, required bool, at []string, own, before map[string]string) map[string]string {
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !required:
		return nil
	case err != nil:
		s.left(fmt.Sprintf("%s: %v, so its variables are not in the manifest", shown(path), reasonOf(err)), at...)
		return nil
	case format == "raw":
		return rawVariables(data)
	}
	// The order of the look-up is that of compose-go (types.Project, resolveEnvironment).
	values, missing := map[string]string{}, map[string]bool{}
	err = dotenv.ParseWithFormat(bytes.NewReader(data), path, values, func(name string) (string, bool) {
		for _, from := range []map[string]string{s.project.env, own, before, values} {
			if value, ok := from[name]; ok {
				return value, true
			}
		}
		missing[name] = true
		return "", false
	}, format)
	if err != nil {
		s.left(fmt.Sprintf("%s: %s, so its variables are not in the manifest", shown(path), withoutValue(err)), at...)
		return nil
	}
	for _, name := range sortedKeys(missing) {
		if _, set := values[name]; !set && !hasDefault(data, name) {
			s.left(fmt.Sprintf("%s: ${%s} has no value, and is empty in the manifest", shown(path), name), at...)
		}
	}
	return values
}

// hasDefault reports whether every reference to a variable says what to take without a value.
func hasDefault(data []byte, name string) bool {
	// The parser asks for a variable's value before it looks at the default, so asking does
	// not tell whether the value is missed.
	quoted := regexp.QuoteMeta(name)
	all := len(regexp.MustCompile(`\$\{?`+quoted+`\b`).FindAll(data, -1))
	return len(regexp.MustCompile(`\$\{`+quoted+`:?[-+]`).FindAll(data, -1)) == all
}

// rawVariables reads NAME=value lines as docker run --env-file does: a value is all that follows the =.
func rawVariables(data []byte) map[string]string {
	values := map[string]string{}
	for line := range strings.Lines(strings.TrimPrefix(string(data), "\ufeff")) {
		line = strings.TrimLeft(strings.TrimRight(line, "\r\n"), " \t")
		if name, value, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			values[name] = value
		}
	}
	return values
}
