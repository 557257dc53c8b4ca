package manifest

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
)

// envKey matches the name before the = of a line.
var envKey = regexp.MustCompile(`^[^\s=#"']+$`)

// readEnv reads KEY=value lines. Blank lines and lines that start with # are skipped. The value is the whole rest
// of the line, with quotes and spaces, as Docker reads such a file. An encrypted payload is decoded.
func readEnv(s *inputFile) []Field {
	var variables []Field
	keys := keySet{}
	for i, line := range strings.Split(strings.TrimPrefix(string(s.data), "\ufeff"), "\n") {
		line = strings.TrimSuffix(line, "\r")
		entry := strings.TrimLeft(line, " \t")
		if entry == "" || entry[0] == '#' {
			continue
		}
		at := Place{File: s.name, Line: i + 1, Col: len(line) - len(entry) + 1}
		key, value, ok := strings.Cut(entry, "=")
		if !ok || !envKey.MatchString(key) {
			s.errorf(at, "", "must be KEY=value%s", envHint(key, ok))
			continue
		}
		if !keys.add(s, key, at, key) {
			continue
		}
		if !s.checkEntries(at, "", len(variables)) {
			break
		}
		if inQuotes(value) {
			s.r.Warnf(at.Pos(key), "the quotes are part of the value, as in a file for docker run --env-file: remove them, "+
				"or use the field env_file, which reads quotes as Compose does")
		}
		start := Place{File: s.name, Line: at.Line, Col: at.Col + len(key) + 1}
		variables = append(variables, Field{key, at, envValue(s, value, start)})
	}
	return variables
}

// inQuotes reports whether a value stands in quotes. Users of Compose and of shells expect the quotes to be removed.
func inQuotes(value string) bool {
	return len(value) > 1 && strings.ContainsRune(`"'`, rune(value[0])) && value[len(value)-1] == value[0]
}

// envHint returns a hint for common mistakes in a line.
func envHint(key string, hasValue bool) string {
	switch {
	case strings.HasPrefix(key, "export "):
		return "; leave out export"
	case hasValue && key != strings.TrimSpace(key):
		return "; leave out the space before ="
	}
	return ""
}

// envValue returns the value of a variable: a string, or an encrypted payload.
func envValue(s *inputFile, value string, at Place) *Tree {
	if isPayload([]byte(value)) {
		inner := &inputFile{name: s.name, data: []byte(value), r: s.r}
		// The reader begins in the middle of a line: line and start make its places those of the whole file.
		j := &jsonReader{inputFile: inner, dec: json.NewDecoder(strings.NewReader(value)), line: at.Line, start: 1 - at.Col}
		j.dec.UseNumber()
		if payload, ok := j.value("", 0); ok {
			return payload
		}
	}
	return &Tree{Kind: Text, At: at, Text: value}
}

// isPayload reports whether data looks like an encrypted payload in JSON. Its fields are checked against the
// definitions later.
func isPayload(data []byte) bool {
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return false
	}
	var payload struct{ Key, Ciphertext *string }
	return json.Unmarshal(data, &payload) == nil && payload.Key != nil && payload.Ciphertext != nil
}
