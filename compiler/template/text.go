package template

import (
	"encoding/json"
	"strings"

	"github.com/pebble/spacel/internal/printable"
)

// Text is a value as a text when it is one: a string, or functions that make one, with references as ${Ref} and
// ${Resource.Attribute}.
func Text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case map[string]any:
		if !IsIntrinsic(v) {
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
		return "${" + Shown(argument) + "}"
	case "Fn::GetAtt":
		return "${" + attribute(argument) + "}"
	case "Fn::Sub":
		return substituted(argument)
	case "Fn::Base64":
		return Shown(argument)
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
		return Shown(list[0]) + "." + Shown(list[1])
	}
	return Shown(argument)
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
		texts[i] = Shown(item)
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

// Shown is a text as it is, anything else as JSON.
func Shown(v any) string {
	if text, ok := Text(v); ok {
		return text
	}
	return string(Encoded(v))
}

// quoted is a literal as JSON, a function in its readable form.
func quoted(v any) string {
	if IsIntrinsic(v) {
		return Shown(v)
	}
	return string(Encoded(v))
}

// Inline is a value of a template on one line, control characters replaced.
func Inline(raw json.RawMessage) string {
	if raw == nil {
		return "(none)"
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return string(raw)
	}
	if IsIntrinsic(v) {
		return printable.Line(Shown(v))
	}
	return printable.Line(string(raw))
}
