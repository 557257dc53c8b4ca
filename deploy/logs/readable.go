package logs

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Names of the fields that loggers in common use give to the level and the message, and to the time, which a line has already.
var (
	levelFields   = []string{"level", "severity", "lvl", "log.level"}
	messageFields = []string{"message", "msg", "@message", "event"}
	timeFields    = []string{"time", "timestamp", "ts", "@timestamp", "datetime"}
)

// Readable returns a line of JSON as words: the level, the message, and the other fields as NAME=VALUE in their order. Another
// line stays as it is.
func Readable(line string) string {
	fields, ok := objectFields(line)
	if !ok {
		return line
	}
	// Of two fields for the message, the first one counts, and the other is printed with the rest.
	var level, message string
	var rest []string
	for _, f := range fields {
		name := strings.ToLower(f.name)
		switch {
		case level == "" && slices.Contains(levelFields, name):
			level = strings.ToUpper(f.text())
		case message == "" && slices.Contains(messageFields, name):
			message = f.text()
		case slices.Contains(timeFields, name):
		default:
			rest = append(rest, f.name+"="+f.quoted())
		}
	}
	// An object with nothing but a time has no words.
	words := slices.DeleteFunc([]string{level, message, strings.Join(rest, " ")}, func(s string) bool { return s == "" })
	if len(words) == 0 {
		return line
	}
	return strings.Join(words, " ")
}

// jsonField is a member of an object.
type jsonField struct {
	name  string
	value json.RawMessage
}

// objectFields returns the members of a JSON object in their order, and false for any other text. A map would lose the order.
func objectFields(line string) ([]jsonField, bool) {
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "{") || !json.Valid([]byte(line)) {
		return nil, false
	}
	// Tokens keep the order in which the app wrote the fields, and repeated names, too.
	decoder := json.NewDecoder(strings.NewReader(line))
	if _, err := decoder.Token(); err != nil {
		return nil, false
	}
	var fields []jsonField
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, false
		}
		f := jsonField{name: name.(string)} // the keys of valid JSON are strings
		if err := decoder.Decode(&f.value); err != nil {
			return nil, false
		}
		fields = append(fields, f)
	}
	return fields, true
}

// text returns a string's content, and any other value as compact JSON.
func (f jsonField) text() string {
	var s string
	if json.Unmarshal(f.value, &s) == nil && string(f.value) != "null" {
		return s
	}
	var compact bytes.Buffer
	if json.Compact(&compact, f.value) != nil {
		return string(f.value)
	}
	return compact.String()
}

// quoted returns a value as one word: a string with spaces, quotes or an equals sign keeps JSON's quotes.
func (f jsonField) quoted() string {
	text := f.text()
	if strings.HasPrefix(string(f.value), `"`) && (text == "" || strings.ContainsAny(text, " \t\n\"=")) {
		return string(f.value)
	}
	return text
}
