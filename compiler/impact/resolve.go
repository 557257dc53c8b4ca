package impact

import (
	"maps"
	"strings"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/template"
)

// resolver writes into a template what its parameters, mappings and conditions stand for. A changed default, source or condition
// then changes every fact that depends on it, although the text of the resource is the same.
type resolver struct {
	raw     *template.Template
	sources map[string]assembly.ValueFrom
	inside  map[string]bool // conditions being expanded: a circle, which CloudFormation refuses, must not loop
}

// template returns the template with all of its values resolved.
func (r resolver) template() *template.Template {
	out := *r.raw
	out.Resources = maps.Clone(r.raw.Resources)
	for id, resource := range out.Resources {
		resource.Properties, _ = r.value(resource.Properties).(map[string]any)
		resource.Attributes, _ = r.value(resource.Attributes).(map[string]any)
		out.Resources[id] = resource
	}
	out.Conditions, out.Outputs = r.members(r.raw.Conditions), r.members(r.raw.Outputs)
	return &out
}

// members resolves each member of a section. A section's names are never functions.
func (r resolver) members(section map[string]any) map[string]any {
	out := map[string]any{}
	for name, v := range section {
		out[name] = r.value(v)
	}
	return out
}

// value returns a copy of a value with everything known put in place.
func (r resolver) value(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = r.value(item)
		}
		return out
	case map[string]any:
		if v == nil {
			return v
		}
		if name, ok := v["Condition"].(string); ok && len(v) == 1 && r.raw.Conditions[name] != nil {
			return r.condition(name) // inside the test of another condition
		}
		if template.IsIntrinsic(v) {
			for name, argument := range v {
				return r.function(name, argument)
			}
		}
		out := make(map[string]any, len(v))
		for name, item := range v {
			out[name] = r.value(item)
		}
		return out
	}
	return v
}

// function resolves the four functions that take values from elsewhere in the template.
func (r resolver) function(name string, argument any) any {
	list, _ := argument.([]any)
	text, isText := argument.(string)
	switch {
	case name == "Ref" && isText:
		return r.reference(text)
	case name == "Fn::Sub" && isText:
		return r.substituted(text, nil)
	case name == "Fn::Sub" && len(list) == 2:
		if pattern, ok := list[0].(string); ok {
			own, _ := list[1].(map[string]any)
			return r.substituted(pattern, own)
		}
	case name == "Fn::If" && len(list) == 3:
		if condition, ok := list[0].(string); ok {
			return map[string]any{name: []any{r.condition(condition), r.value(list[1]), r.value(list[2])}}
		}
	case name == "Fn::FindInMap" && len(list) == 3:
		if found, ok := r.mapped(list); ok {
			return r.value(found)
		}
	}
	return map[string]any{name: r.value(argument)}
}

// reference is a parameter's literal value, or a reference that names the origin of its value. Other references stay.
func (r resolver) reference(name string) any {
	declared, ok := r.raw.Parameters[name].(map[string]any)
	if !ok {
		return map[string]any{"Ref": name}
	}
	source, given := r.sources[name]
	switch {
	case source.Literal != nil:
		return *source.Literal
	case source.Output != nil:
		return map[string]any{"Ref": source.Output.Output + " of " + source.Output.Stack + " in " + source.Output.Region}
	}
	if value, ok := declared["Default"]; ok && !given {
		return value
	}
	return map[string]any{"Ref": name}
}

// substituted is the text of Fn::Sub with the values of its variables, as an Fn::Sub without variables of its own.
func (r resolver) substituted(pattern string, own map[string]any) any {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(pattern, "${")
		out.WriteString(before)
		name, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			out.WriteString(rest)
			return map[string]any{"Fn::Sub": out.String()}
		}
		pattern = after
		value, isOwn := own[name]
		switch {
		case strings.HasPrefix(name, "!"):
			out.WriteString("${" + name + "}")
		case isOwn:
			out.WriteString(template.Shown(r.value(value)))
		case strings.Contains(name, "."):
			out.WriteString("${" + name + "}")
		default:
			out.WriteString(template.Shown(r.reference(name)))
		}
	}
}

// condition is a condition's test in words, with the conditions inside it expanded.
func (r resolver) condition(name string) string {
	test, ok := r.raw.Conditions[name]
	if !ok || r.inside[name] {
		return name
	}
	r.inside[name] = true
	defer delete(r.inside, name)
	return conditionText(r.value(test), name)
}

// mapped is an entry of Mappings whose three names are literal.
func (r resolver) mapped(list []any) (any, bool) {
	v := r.raw.Rest["Mappings"]
	for _, name := range list {
		text, ok := r.value(name).(string)
		section, isObject := v.(map[string]any)
		if !ok || !isObject {
			return nil, false
		}
		if v, ok = section[text]; !ok {
			return nil, false
		}
	}
	return v, true
}

// conditionText is a condition in words: "X exists" for the test that a value is not empty, which is how a rule waits for another
// stack's output. Other tests are written as they are, after the condition's name.
func conditionText(test any, name string) string {
	if value, ok := notEmpty(test); ok {
		return template.Shown(value) + " exists"
	}
	if test == nil {
		return name
	}
	return name + " = " + template.Shown(test)
}

// notEmpty returns X for Not(Equals(X, "")).
func notEmpty(test any) (any, bool) {
	outer, _ := test.(map[string]any)
	inner, _ := outer["Fn::Not"].([]any)
	if len(inner) != 1 {
		return nil, false
	}
	equals, _ := inner[0].(map[string]any)
	pair, _ := equals["Fn::Equals"].([]any)
	if len(pair) != 2 || pair[1] != "" {
		return nil, false
	}
	return pair[0], true
}
