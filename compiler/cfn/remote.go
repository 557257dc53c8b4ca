package cfn

import (
	"fmt"
	"strings"
)

// remote reports parts of the template for which CloudFormation takes text from elsewhere: macros, modules, nested stacks, and stack
// sets with an address. A reviewer of the template does not see that text, and it may differ at each deploy. Only resources in
// CloudFormation's own syntax, and patches, can have such parts.
func (t *Template) remote() []string {
	var problems []string
	for id, r := range t.resources {
		raw, ok := r.(*RawResource)
		if !ok {
			continue
		}
		_, addressed := raw.properties().values["TemplateURL"]
		switch kind := raw.Type(); {
		case kind == "AWS::CloudFormation::Stack", kind == "AWS::CloudFormation::StackSet" && addressed:
			problems = append(problems, fmt.Sprintf("%s: takes its template from an address, which nobody can review with this one", id))
		case strings.HasSuffix(kind, "::MODULE"):
			problems = append(problems, fmt.Sprintf("%s: is a module, which CloudFormation replaces after review", id))
		}
		if hasMacro(raw.body) {
			problems = append(problems, fmt.Sprintf("%s: has a macro, Fn::Transform, which CloudFormation replaces after review", id))
		}
	}
	return problems
}

// hasMacro reports whether a value has the function Fn::Transform at any depth.
func hasMacro(v any) bool {
	switch v := v.(type) {
	case *object:
		for name, inner := range v.values {
			if name == "Fn::Transform" || hasMacro(inner) {
				return true
			}
		}
	case []any:
		for _, inner := range v {
			if hasMacro(inner) {
				return true
			}
		}
	}
	return false
}
