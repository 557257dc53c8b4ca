package diff

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// parsedTemplate is a parsed template.
type parsedTemplate struct {
	parameters map[string]any
	conditions map[string]any
	outputs    map[string]any
	resources  map[string]resource
	rest       map[string]any // Description and what else is there
}

// resource is a resource of a template.
type resource struct {
	kind       string
	condition  string
	properties map[string]any
	attributes map[string]any // all but type and properties
}

// parseTemplate splits a template into its sections. It is independent of cfn on purpose: a diff must read templates of
// other releases, and with resources that cfn has no struct for.
func parseTemplate(body []byte) (*parsedTemplate, error) {
	root, err := decode(body)
	if err != nil {
		return nil, err
	}
	t := &parsedTemplate{
		parameters: section(root, "Parameters"),
		conditions: section(root, "Conditions"),
		outputs:    section(root, "Outputs"),
		resources:  map[string]resource{},
		rest:       maps.Clone(root),
	}
	for id, v := range section(root, "Resources") {
		object, ok := v.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("resource %s is not an object", id)
		}
		t.resources[id] = parseResource(object)
	}
	for _, name := range []string{"Parameters", "Conditions", "Outputs", "Resources"} {
		delete(t.rest, name)
	}
	return t, nil
}

// section is an object's member, or nil if it is missing or no object.
func section(of map[string]any, name string) map[string]any {
	object, _ := of[name].(map[string]any)
	return object
}

// parseResource separates the properties from the attributes beside them.
func parseResource(object map[string]any) resource {
	r := resource{properties: section(object, "Properties"), attributes: maps.Clone(object)}
	r.kind, _ = object["Type"].(string)
	r.condition, _ = object["Condition"].(string)
	delete(r.attributes, "Type")
	delete(r.attributes, "Properties")
	return r
}

// ids are the logical ids, sorted.
func (t *parsedTemplate) ids() []string { return slices.Sorted(maps.Keys(t.resources)) }

// reference is the target of a reference: a parameter or resource, with or without an attribute, or a condition.
type reference struct {
	name      string
	attribute string
	condition bool
}

// references calls found for each reference in a value, with the path of the property that contains it.
func references(p path, v any, found func(path, reference)) {
	switch v := v.(type) {
	case map[string]any:
		if isIntrinsic(v) {
			for name, argument := range v {
				functionReferences(p, name, argument, found)
			}
			return
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			references(p.property(name), v[name], found)
		}
	case []any:
		for i, item := range v {
			references(p.at(i), item, found)
		}
	}
}

// functionReferences stays at the path of the function: its arguments are one value to CloudFormation.
func functionReferences(p path, name string, argument any, found func(path, reference)) {
	list, _ := argument.([]any)
	text, _ := argument.(string)
	switch {
	case name == "Ref":
		found(p, reference{name: text})
	case name == "Fn::GetAtt":
		id, attribute, _ := strings.Cut(attribute(argument), ".")
		found(p, reference{name: id, attribute: attribute})
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
		found(p, reference{name: condition, condition: true})
		flat(p, list[1:], found)
	default:
		flat(p, argument, found)
	}
}

// flat visits references below a value, all as at one path.
func flat(p path, v any, found func(path, reference)) {
	references(nil, v, func(_ path, r reference) { found(p, r) })
}

// subReferences finds the references in the text of Fn::Sub, except for its own variables and ${!literals}.
func subReferences(p path, text string, own map[string]any, found func(path, reference)) {
	for {
		_, rest, ok := strings.Cut(text, "${")
		if !ok {
			return
		}
		name, after, _ := strings.Cut(rest, "}")
		id, attribute, _ := strings.Cut(name, ".")
		if _, local := own[name]; !local && !strings.HasPrefix(name, "!") {
			found(p, reference{name: id, attribute: attribute})
		}
		text = after
	}
}

// conditionReferences calls found for each reference in a condition's test, including references to other conditions.
func conditionReferences(v any, found func(reference)) {
	if object, ok := v.(map[string]any); ok && len(object) == 1 {
		if name, ok := object["Condition"].(string); ok {
			found(reference{name: name, condition: true})
			return
		}
	}
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			conditionReferences(item, found)
		}
	case map[string]any:
		// In a test only parameters can be referred to.
		if _, ok := v["Ref"]; ok {
			flat(nil, v, func(_ path, r reference) { found(r) })
			return
		}
		for _, item := range v {
			conditionReferences(item, found)
		}
	}
}
