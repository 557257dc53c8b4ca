package cloudtest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// unknown is AWS's text in a change set for a value which is known only after the operation.
const unknown = "{{changeSet:KNOWN_AFTER_APPLY}}"

// template holds the parts of a template that matter for a stack's states.
type template struct {
	Description string
	Parameters  map[string]parameter
	Mappings    map[string]map[string]map[string]any
	Conditions  map[string]any
	Resources   map[string]definition
	Outputs     map[string]struct {
		Description string
		Value       any
		Condition   string
	}
}

// parameter is one entry of Parameters. Default and NoEcho are of any type, since JSON may have a number or "true" there.
type parameter struct {
	Type          string
	Default       any
	NoEcho        any
	AllowedValues []any
}

// isNoEcho reports whether CloudFormation masks the value in its answers.
func (p parameter) isNoEcho() bool { return fmt.Sprint(p.NoEcho) == "true" }

// definition is one entry of Resources, before any function is evaluated.
type definition struct {
	Type                string
	Properties          map[string]any
	DependsOn           any
	Condition           string
	DeletionPolicy      string
	UpdateReplacePolicy string
	CreationPolicy      any
	UpdatePolicy        any
	Metadata            any
}

// parseTemplate reads a template and makes the checks of CloudFormation's format that deploy's tests need: at least one
// resource, a type for each, and no reference to an unknown name. The errors are ValidationErrors with AWS's texts.
func parseTemplate(body string) (*template, error) {
	var t template
	if err := json.Unmarshal([]byte(body), &t); err != nil {
		return nil, invalid("Template format error: JSON not well-formed. (%s)", err)
	}
	if len(t.Resources) == 0 {
		return nil, invalid("Template format error: At least one Resources member must be defined.")
	}
	for id, r := range t.Resources {
		for _, needed := range slices.Sorted(maps.Keys(references(r))) {
			_, resource := t.Resources[needed]
			_, param := t.Parameters[needed]
			if !resource && !param && !strings.HasPrefix(needed, "AWS::") {
				return nil, invalid("Template format error: Unresolved resource dependencies [%s] in the Resources block of the template",
					needed)
			}
		}
		if r.Type == "" {
			return nil, invalid("Template format error: [/Resources/%s] Every Resources object must contain a Type member.", id)
		}
	}
	return &t, nil
}

// capabilities returns the capability which the template's IAM resources need: CAPABILITY_NAMED_IAM if one has a name,
// else CAPABILITY_IAM, "" without IAM resources.
func (t *template) capabilities() string {
	needed := ""
	for _, r := range t.Resources {
		if !strings.HasPrefix(r.Type, "AWS::IAM::") {
			continue
		}
		// A custom name needs the stronger capability, because it may collide with a role that exists in the account.
		if name, ok := nameProperty[r.Type]; ok && r.Properties[name] != nil && r.Type != "AWS::IAM::Policy" {
			return "CAPABILITY_NAMED_IAM"
		}
		needed = "CAPABILITY_IAM"
	}
	return needed
}

// subReference matches ${Name} in the text of Fn::Sub, and not the escape ${!Name}.
var subReference = regexp.MustCompile(`\$\{([^!}][^}]*)\}`)

// references returns the names of resources and parameters which a resource mentions.
func references(d definition) map[string]bool {
	found := map[string]bool{}
	for _, name := range listOf(d.DependsOn) {
		found[name] = true
	}
	for _, part := range []any{d.Properties, d.CreationPolicy, d.UpdatePolicy} {
		walkReferences(part, found)
	}
	return found
}

// listOf returns the texts of DependsOn or Fn::GetAtt, which are one text or a list; nil for anything else.
func listOf(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, each := range v {
			all = append(all, fmt.Sprint(each))
		}
		return all
	}
	return nil
}

// walkReferences adds the names which Ref, Fn::GetAtt and Fn::Sub mention anywhere in a value. Conditions are not followed:
// Fn::If counts the references of both branches, as CloudFormation does for its order.
func walkReferences(v any, found map[string]bool) {
	switch v := v.(type) {
	case []any:
		for _, each := range v {
			walkReferences(each, found)
		}
	case map[string]any:
		if name, ok := v["Ref"].(string); ok && len(v) == 1 {
			found[name] = true
		}
		if get := v["Fn::GetAtt"]; get != nil && len(v) == 1 {
			found[strings.SplitN(listOf(get)[0], ".", 2)[0]] = true
		}
		subReferences(v["Fn::Sub"], found)
		for _, each := range v {
			walkReferences(each, found)
		}
	}
}

// subReferences adds the names in the text of an Fn::Sub. Variables of its own are no references.
func subReferences(sub any, found map[string]bool) {
	text, own := subText(sub)
	for _, m := range subReference.FindAllStringSubmatch(text, -1) {
		if _, mapped := own[m[1]]; !mapped {
			found[strings.SplitN(m[1], ".", 2)[0]] = true
		}
	}
}

// subText returns the two parts of an Fn::Sub: its text, and its own variables, nil in the short form.
func subText(sub any) (text string, own map[string]any) {
	switch sub := sub.(type) {
	case string:
		return sub, nil
	case []any:
		text, _ = sub[0].(string)
		own, _ = sub[1].(map[string]any)
	}
	return text, own
}

// digest returns n hex digits that depend on all parts. Ids are made of it, so that equal runs give equal ids.
func digest(n int, parts ...any) string {
	sum := sha256.Sum256([]byte(fmt.Sprint(parts...)))
	return hex.EncodeToString(sum[:])[:n]
}
