package diff

import (
	"encoding/json"
	"strings"

	"github.com/pebble/spacel/internal/printable"
)

// asText is a value as a text when it is one: a string, or functions that make one, with references as ${Ref} and
// ${Resource.Attribute}.
func asText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case map[string]any:
		if !isIntrinsic(v) {
			return "", false
		}
		for name, argument := range v {
			return function(name, argument), true
		}
	}
	return "", false
}

// function writes an intrinsic function in a form for people: ${Id} for a reference, otherwise Name(arguments).
func function(name string, argument any) string {
	switch name {
	case "Ref":
		return "${" + shown(argument) + "}"
	case "Fn::GetAtt":
		return "${" + attribute(argument) + "}"
	case "Fn::Sub":
		return substituted(argument)
	case "Fn::Base64":
		return shown(argument)
	case "Fn::Join":
		if text, ok := joined(argument); ok {
			return text
		}
	}
	return strings.TrimPrefix(name, "Fn::") + arguments(argument)
}

// attribute is the argument of Fn::GetAtt as Id.Attribute. CloudFormation accepts a list or a text.
func attribute(argument any) string {
	if list, ok := argument.([]any); ok && len(list) == 2 {
		return shown(list[0]) + "." + shown(list[1])
	}
	return shown(argument)
}

// substituted is the text of Fn::Sub. Its ${…} already are the form that this file writes.
func substituted(argument any) string {
	if text, ok := argument.(string); ok {
		return text
	}
	return "Sub" + arguments(argument)
}

// joined is the text of Fn::Join, or false if the list itself comes from a function.
func joined(argument any) (string, bool) {
	list, _ := argument.([]any)
	if len(list) != 2 {
		return "", false
	}
	separator, ok := list[0].(string)
	items, also := list[1].([]any)
	if !ok || !also {
		return "", false
	}
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = shown(item)
	}
	return strings.Join(texts, separator), true
}

// arguments is the list of a function's arguments in parentheses.
func arguments(v any) string {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	texts := make([]string, len(list))
	for i, item := range list {
		texts[i] = quoted(item)
	}
	return "(" + strings.Join(texts, ", ") + ")"
}

// shown is a text as it is, anything else as JSON.
func shown(v any) string {
	if text, ok := asText(v); ok {
		return text
	}
	return string(encoded(v))
}

// quoted is a literal as JSON, a function in its readable form.
func quoted(v any) string {
	if isIntrinsic(v) {
		return shown(v)
	}
	return string(encoded(v))
}

// long says whether a text is better shown line by line.
func long(text string) bool { return strings.Contains(text, "\n") || len(text) > 100 }

// change is a difference as the result shows it.
func (d difference) change(action Action) Change {
	c := Change{Path: d.path.String(), Before: encoded(d.before), After: encoded(d.after), Action: action}
	before, wasText := asText(d.before)
	after, isText := asText(d.after)
	if _, no := d.before.(absent); no {
		wasText = true
	}
	if _, no := d.after.(absent); no {
		isText = true
	}
	if wasText && isText && (long(before) || long(after)) {
		c.Lines = hunks(before, after)
	}
	return c
}

// inline is a change's side on one line, control characters replaced.
func inline(raw json.RawMessage) string {
	if raw == nil {
		return "(none)"
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return string(raw)
	}
	if isIntrinsic(v) {
		return printable.Line(shown(v))
	}
	return printable.Line(string(raw))
}
