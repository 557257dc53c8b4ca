package cloudtest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// scope evaluates the references, conditions and functions of a template in a stack.
// It exists twice during an update: with the old inputs to find the removed resources, and with the new ones.
type scope struct {
	template   *template
	parameters map[string]string
	pseudo     map[string]string
	resource   func(logical string) *resource // nil: not there, or not yet
	conditions map[string]bool
}

// condition evaluates a named condition.
func (s *scope) condition(name string) bool {
	if name == "" {
		return true
	}
	// Conditions refer to each other, so each one is evaluated once and then remembered.
	if known, ok := s.conditions[name]; ok {
		return known
	}
	value, _ := s.value(s.template.Conditions[name]).(bool)
	s.conditions[name] = value
	return value
}

// active returns the resources whose condition is true, by level of dependency and then by name.
func (s *scope) active() [][]string {
	depth := map[string]int{}
	for id, d := range s.template.Resources {
		if s.condition(d.Condition) {
			depth[id] = 0
		}
	}
	// A resource is one level above the deepest resource mentioned by it. The loop repeats until no depth changes. A cycle
	// would never end, so there are at most as many rounds as resources; AWS rejects a template with a cycle.
	for changed, rounds := true, 0; changed && rounds <= len(depth); rounds++ {
		changed = false
		for id := range depth {
			for needed := range references(s.template.Resources[id]) {
				if d, ok := depth[needed]; ok && needed != id && depth[id] < d+1 {
					depth[id], changed = d+1, true
				}
			}
		}
	}
	var levels [][]string
	// The order of names makes every run equal: AWS gives no order inside a level.
	for _, id := range slices.Sorted(maps.Keys(depth)) {
		for len(levels) <= depth[id] {
			levels = append(levels, nil)
		}
		levels[depth[id]] = append(levels[depth[id]], id)
	}
	return levels
}

// properties returns a resource's properties, evaluated.
func (s *scope) properties(d definition) map[string]any {
	values := map[string]any{}
	for name, v := range d.Properties {
		if value := s.value(v); value != noValue {
			values[name] = value
		}
	}
	return values
}

// nothing is the value of AWS::NoValue. Lists and objects drop it.
type nothing struct{}

var noValue = nothing{}

// value evaluates the intrinsic functions in a value.
func (s *scope) value(v any) any {
	switch v := v.(type) {
	case []any:
		return s.list(v)
	case map[string]any:
		// An intrinsic function is an object with exactly one key. A property may have one key by chance: intrinsic then returns
		// false for the unknown name, and the object is taken as it is.
		if len(v) == 1 {
			for name, argument := range v {
				if result, ok := s.intrinsic(name, argument); ok {
					return result
				}
			}
		}
		return s.object(v)
	}
	return v
}

// list evaluates the elements of a list and drops those with the value AWS::NoValue.
func (s *scope) list(v []any) any {
	all := []any{}
	for _, each := range v {
		if value := s.value(each); value != noValue {
			all = append(all, value)
		}
	}
	return all
}

// object evaluates the fields of an object and drops those with the value AWS::NoValue.
func (s *scope) object(v map[string]any) any {
	all := map[string]any{}
	for name, each := range v {
		if value := s.value(each); value != noValue {
			all[name] = value
		}
	}
	return all
}

// intrinsic evaluates a function whose argument may be a text, and passes the others on to function. It returns false for
// a key that names no function. Only the functions that spacel's templates use are known.
func (s *scope) intrinsic(name string, argument any) (any, bool) {
	switch name {
	case "Ref":
		return s.ref(argument.(string)), true
	case "Condition":
		return s.condition(fmt.Sprint(argument)), true
	case "Fn::GetAtt":
		parts := listOf(argument)
		// Fn::GetAtt has two forms: ["Logical", "Attribute"] and "Logical.Attribute".
		if len(parts) == 1 {
			parts = strings.SplitN(parts[0], ".", 2)
		}
		return s.attribute(parts[0], strings.Join(parts[1:], ".")), true
	case "Fn::Sub":
		return s.sub(argument), true
	case "Fn::Base64":
		return base64.StdEncoding.EncodeToString([]byte(text(s.value(argument)))), true
	case "Fn::GetAZs":
		// Every region has three zones here. Real regions have up to six, and an account does not see all of them.
		region := s.pseudo["AWS::Region"]
		return []any{region + "a", region + "b", region + "c"}, true
	}
	arguments, ok := argument.([]any)
	if !ok {
		return nil, false
	}
	return s.function(name, arguments)
}

// function evaluates a function whose argument is a list, for example Fn::If or Fn::Join.
func (s *scope) function(name string, arguments []any) (any, bool) {
	switch name {
	case "Fn::If":
		// Only the chosen branch is evaluated. The other one may refer to a resource whose condition is false.
		if s.condition(fmt.Sprint(arguments[0])) {
			return s.value(arguments[1]), true
		}
		return s.value(arguments[2]), true
	case "Fn::Equals":
		return reflect.DeepEqual(text(s.value(arguments[0])), text(s.value(arguments[1]))), true
	case "Fn::Not":
		return s.value(arguments[0]) != true, true
	case "Fn::And":
		return !slices.Contains(s.list(arguments).([]any), any(false)), true
	case "Fn::Or":
		return slices.Contains(s.list(arguments).([]any), any(true)), true
	case "Fn::Join":
		return s.join(arguments), true
	case "Fn::Split":
		return s.split(arguments), true
	case "Fn::Select":
		return s.choose(arguments), true
	case "Fn::FindInMap":
		key := func(i int) string { return text(s.value(arguments[i])) }
		return s.template.Mappings[key(0)][key(1)][key(2)], true
	case "Fn::Cidr":
		return s.cidrs(arguments), true
	}
	return nil, false
}

// join returns Fn::Join: a separator, and a list that may itself be the result of a function.
func (s *scope) join(arguments []any) any {
	var parts []string
	for _, each := range elements(s.value(arguments[1])) {
		parts = append(parts, text(each))
	}
	return strings.Join(parts, text(arguments[0]))
}

// split returns Fn::Split: a separator and a text.
func (s *scope) split(arguments []any) any {
	all := []any{}
	for part := range strings.SplitSeq(text(s.value(arguments[1])), text(arguments[0])) {
		all = append(all, part)
	}
	return all
}

// choose returns Fn::Select: an index, counted from 0, and a list. An index behind the list's end gives the unknown value,
// because a list of a resource that does not exist yet is not known.
func (s *scope) choose(arguments []any) any {
	index, _ := strconv.Atoi(text(s.value(arguments[0])))
	all := elements(s.value(arguments[1]))
	if index < len(all) {
		return all[index]
	}
	return unknown
}

// cidrs returns as many invented address blocks as Fn::Cidr asks for, all different.
func (s *scope) cidrs(arguments []any) any {
	count, _ := strconv.Atoi(text(s.value(arguments[1])))
	all := []any{}
	for i := range count {
		all = append(all, fmt.Sprintf("%s#%d", text(s.value(arguments[0])), i))
	}
	return all
}

// elements returns the elements of a list, which may be a parameter's text with commas.
func elements(v any) []any {
	switch v := v.(type) {
	case []any:
		return v
	case string:
		all := []any{}
		for part := range strings.SplitSeq(v, ",") {
			all = append(all, part)
		}
		return all
	}
	return nil
}

// ref returns the value of Ref: of a pseudo parameter, a parameter or a resource, in this order. A list parameter is given
// as one text with commas and becomes a list. A resource's value is its physical id.
func (s *scope) ref(name string) any {
	if name == "AWS::NoValue" {
		return noValue
	}
	if value, ok := s.pseudo[name]; ok {
		return value
	}
	if value, ok := s.parameters[name]; ok {
		if p := s.template.Parameters[name]; strings.HasPrefix(p.Type, "List<") || p.Type == "CommaDelimitedList" {
			return elements(value)
		}
		return value
	}
	if r := s.resource(name); r != nil {
		return r.Physical
	}
	return unknown
}

// attribute returns the value of Fn::GetAtt, or the unknown value while the resource does not exist.
func (s *scope) attribute(logical, attribute string) any {
	if r := s.resource(logical); r != nil {
		return r.attribute(attribute)
	}
	return unknown
}

// sub returns Fn::Sub: each ${Name} and ${Name.Attribute} is replaced, first from the function's own variables, then as
// Ref and Fn::GetAtt do. ${!Text} is an escape and becomes ${Text}.
func (s *scope) sub(argument any) any {
	format, own := subText(argument)
	return strings.ReplaceAll(subReference.ReplaceAllStringFunc(format, func(match string) string {
		name := match[2 : len(match)-1]
		if v, ok := own[name]; ok {
			return text(s.value(v))
		}
		if logical, attribute, ok := strings.Cut(name, "."); ok {
			return text(s.attribute(logical, attribute))
		}
		return text(s.ref(name))
	}), "${!", "${")
}

// text returns a value as a template's function sees it.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case nil:
		return ""
	case bool, float64, int:
		return fmt.Sprint(v)
	case []any:
		var parts []string
		for _, each := range v {
			parts = append(parts, text(each))
		}
		return strings.Join(parts, ",")
	}
	return compact(v)
}

// compact returns a value as JSON in one line.
func compact(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
