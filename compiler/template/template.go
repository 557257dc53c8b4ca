// Package template reads CloudFormation templates of any origin as plain data.
package template

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Template is a parsed template.
type Template struct {
	Parameters map[string]any
	Conditions map[string]any
	Outputs    map[string]any
	Resources  map[string]Resource
	Rest       map[string]any // Description and what else is there
}

// Resource is a resource of a template.
type Resource struct {
	Type       string
	Condition  string
	Properties map[string]any
	Attributes map[string]any // all but type and properties
}

// Parse splits a template into its sections. It is independent of cfn on purpose: a diff must read templates of
// other releases, and with resources that cfn has no struct for.
func Parse(body []byte) (*Template, error) {
	root, err := Decode(body)
	if err != nil {
		return nil, err
	}
	t := &Template{
		Parameters: Section(root, "Parameters"),
		Conditions: Section(root, "Conditions"),
		Outputs:    Section(root, "Outputs"),
		Resources:  map[string]Resource{},
		Rest:       maps.Clone(root),
	}
	for id, v := range Section(root, "Resources") {
		object, ok := v.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("resource %s is not an object", id)
		}
		t.Resources[id] = parseResource(object)
	}
	for _, name := range []string{"Parameters", "Conditions", "Outputs", "Resources"} {
		delete(t.Rest, name)
	}
	return t, nil
}

// Section is an object's member, or nil if it is missing or no object.
func Section(of map[string]any, name string) map[string]any {
	object, _ := of[name].(map[string]any)
	return object
}

// parseResource separates the properties from the attributes beside them.
func parseResource(object map[string]any) Resource {
	r := Resource{Properties: Section(object, "Properties"), Attributes: maps.Clone(object)}
	r.Type, _ = object["Type"].(string)
	r.Condition, _ = object["Condition"].(string)
	delete(r.Attributes, "Type")
	delete(r.Attributes, "Properties")
	return r
}

// IDs are the logical ids, sorted.
func (t *Template) IDs() []string { return slices.Sorted(maps.Keys(t.Resources)) }

// Reference is the target of a reference: a parameter or resource, with or without an attribute, or a condition.
type Reference struct {
	Name      string
	Attribute string
	Condition bool
}

// References calls found for each reference in a value, with the path of the property that contains it.
func References(p Path, v any, found func(Path, Reference)) {
	switch v := v.(type) {
	case map[string]any:
		if IsIntrinsic(v) {
			for name, argument := range v {
				functionReferences(p, name, argument, found)
			}
			return
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			References(p.Property(name), v[name], found)
		}
	case []any:
		for i, item := range v {
			References(p.At(i), item, found)
		}
	}
}

// functionReferences stays at the path of the function: its arguments are one value to CloudFormation.
func functionReferences(p Path, name string, argument any, found func(Path, Reference)) {
	list, _ := argument.([]any)
	text, _ := argument.(string)
	switch {
	case name == "Ref":
		found(p, Reference{Name: text})
	case name == "Fn::GetAtt":
		id, attribute, _ := strings.Cut(attribute(argument), ".")
		found(p, Reference{Name: id, Attribute: attribute})
	case name == "Fn::Sub" && len(list) == 2:
		text, _ := list[0].(string)
		own, _ := list[1].(map[string]any)
		subReferences(p, text, own, found)
		flat(p, own, found)
	case name == "Fn::Sub":
		subReferences(p, text, nil, found)
	// Both branches count: which one is used depends on values that are not known offline.
	case name == "Fn::If" && len(list) == 3:
		condition, _ := list[0].(string)
		found(p, Reference{Name: condition, Condition: true})
		flat(p, list[1:], found)
	default:
		flat(p, argument, found)
	}
}

// flat visits references below a value, all as at one path.
func flat(p Path, v any, found func(Path, Reference)) {
	References(nil, v, func(_ Path, r Reference) { found(p, r) })
}

// subReferences finds the references in the text of Fn::Sub, except for its own variables and ${!literals}.
func subReferences(p Path, text string, own map[string]any, found func(Path, Reference)) {
	for {
		_, rest, ok := strings.Cut(text, "${")
		if !ok {
			return
		}
		name, after, _ := strings.Cut(rest, "}")
		id, attribute, _ := strings.Cut(name, ".")
		if _, local := own[name]; !local && !strings.HasPrefix(name, "!") {
			found(p, Reference{Name: id, Attribute: attribute})
		}
		text = after
	}
}

// ConditionReferences calls found for each reference in a condition's test, including references to other conditions.
func ConditionReferences(v any, found func(Reference)) {
	if object, ok := v.(map[string]any); ok && len(object) == 1 {
		if name, ok := object["Condition"].(string); ok {
			found(Reference{Name: name, Condition: true})
			return
		}
	}
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			ConditionReferences(item, found)
		}
	case map[string]any:
		// In a test only parameters can be referred to.
		if _, ok := v["Ref"]; ok {
			flat(nil, v, func(_ Path, r Reference) { found(r) })
			return
		}
		for _, item := range v {
			ConditionReferences(item, found)
		}
	}
}
