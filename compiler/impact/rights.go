package impact

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pebble/spacel/compiler/template"
)

// rights are the facts of a resource that decide who may do what: each statement of each policy document in it, wherever the
// document stands, the other properties of IAM's own types, permissions without a document, and the role that it runs with.
func rights(r template.Resource) []fact {
	var out []fact
	documents(template.Path{}, r.Properties, nil, func(p template.Path, statement any, conditions []string) {
		out = append(out, statementFact(p, statement, conditions))
	})
	switch {
	case strings.HasPrefix(r.Type, "AWS::IAM::"):
		out = append(out, attachments(r)...)
	case grantTypes.MatchString(r.Type) && len(out) == 0:
		out = append(out, grant(r))
	}
	return append(out, usedRoles(r)...)
}

// documents calls found for every statement below a value. A document is an object with Statement, also as a JSON text. Branches
// of Fn::If are both searched, with the condition for which they hold.
func documents(p template.Path, v any, conditions []string, found func(template.Path, any, []string)) {
	if text, ok := template.Text(v); ok {
		var document map[string]any
		if json.Unmarshal([]byte(text), &document) == nil {
			if _, ok := document["Statement"]; ok {
				statements(p, document["Statement"], conditions, found)
				return
			}
		}
	}
	switch v := v.(type) {
	case map[string]any:
		if statement, ok := v["Statement"]; ok && !template.IsIntrinsic(v) {
			statements(p, statement, conditions, found)
			return
		}
		if branches(v, conditions, func(branch any, conditions []string) { documents(p, branch, conditions, found) }) {
			return
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			documents(p.Property(name), v[name], conditions, found)
		}
	case []any:
		for i, item := range v {
			documents(p.At(i), item, conditions, found)
		}
	}
}

// statements calls found for one statement or each of a list. A function that yields statements is passed on as it is.
func statements(p template.Path, v any, conditions []string, found func(template.Path, any, []string)) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			statements(p, item, conditions, found)
		}
	case map[string]any:
		again := func(branch any, conditions []string) { statements(p, branch, conditions, found) }
		if !branches(v, conditions, again) && !isNoValue(v) {
			found(p, v, conditions)
		}
	default:
		found(p, v, conditions)
	}
}

// branches visits both branches of Fn::If and reports whether v is one.
func branches(v map[string]any, conditions []string, visit func(any, []string)) bool {
	list, _ := v["Fn::If"].([]any)
	if len(list) != 3 {
		return false
	}
	condition := template.Shown(list[0])
	visit(list[1], append(slices.Clone(conditions), "if "+condition))
	visit(list[2], append(slices.Clone(conditions), "unless "+condition))
	return true
}

// isNoValue reports whether v is the pseudo parameter that removes a property.
func isNoValue(v map[string]any) bool { return v["Ref"] == "AWS::NoValue" }

// statementFact is a statement in words. Its Sid is only a name and does not count.
func statementFact(p template.Path, v any, conditions []string) fact {
	statement, ok := v.(map[string]any)
	if !ok || template.IsIntrinsic(statement) {
		text := join(p.String()+": a statement made by a function: "+template.Shown(v), conditions)
		return fact{Finding: Finding{Kind: KindStatement, Path: p.String(), Text: text}, key: text}
	}
	text := join(statementText(statement), conditions)
	return fact{Finding: Finding{Kind: KindStatement, Path: p.String(), Text: text, Statement: statement},
		key: strings.Join(p.Names(), ".") + "\x00" + text} // without positions: another order is no other right
}

// statementText is EFFECT [PRINCIPALS:] ACTIONS [on RESOURCES] [when CONDITIONS]. Unknown members follow, as JSON.
func statementText(statement map[string]any) string {
	text := template.Shown(orDefault(statement["Effect"], "(no effect)"))
	for _, part := range []struct{ name, before, after string }{
		{"Principal", " ", ":"}, {"NotPrincipal", " everybody but ", ":"}, {"Action", " ", ""}, {"NotAction", " all actions but ", ""},
		{"Resource", " on ", ""}, {"NotResource", " on all resources but ", ""},
	} {
		if v, ok := statement[part.name]; ok {
			text += part.before + words(v) + part.after
		}
	}
	if v, ok := statement["Condition"]; ok {
		text += " when " + conditionsOf(v)
	}
	for _, name := range slices.Sorted(maps.Keys(statement)) {
		if !slices.Contains(statementMembers, name) {
			text += " " + name + " " + template.Shown(statement[name])
		}
	}
	return text
}

// statementMembers are the members that have a place in a statement's text, and Sid, which has no meaning.
var statementMembers = []string{"Action", "Condition", "Effect", "NotAction", "NotPrincipal", "NotResource", "Principal", "Resource", "Sid"}

// words lists values, sorted: order has no meaning in IAM. Members of an object have their name in front: Service ec2.amazonaws.com.
func words(v any) string {
	switch v := v.(type) {
	case []any:
		texts := make([]string, len(v))
		for i, item := range v {
			texts[i] = words(item)
		}
		slices.Sort(texts)
		return strings.Join(texts, ", ")
	case map[string]any:
		if template.IsIntrinsic(v) {
			return template.Shown(v)
		}
		var texts []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			texts = append(texts, name+" "+words(v[name]))
		}
		return strings.Join(texts, "; ")
	}
	return template.Shown(v)
}

// conditionsOf is a statement's Condition: OPERATOR KEY = VALUES, joined by "and", since all of them must hold.
func conditionsOf(v any) string {
	operators, ok := v.(map[string]any)
	if !ok || template.IsIntrinsic(v) {
		return words(v)
	}
	var out []string
	for _, operator := range slices.Sorted(maps.Keys(operators)) {
		keys, ok := operators[operator].(map[string]any)
		if !ok || template.IsIntrinsic(keys) {
			out = append(out, operator+" "+words(operators[operator]))
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			out = append(out, operator+" "+key+" = "+words(keys[key]))
		}
	}
	return strings.Join(out, " and ")
}

// orDefault is v, or another value for a missing one.
func orDefault(v, other any) any {
	if v == nil {
		return other
	}
	return v
}

// join appends conditions to a text.
func join(text string, conditions []string) string {
	return strings.Join(append([]string{text}, conditions...), ", ")
}

// silent are the properties of IAM's types that grant nothing: documents have facts of their own, the others are names and notes.
var silent = []string{"AssumeRolePolicyDocument", "Description", "GroupName", "InstanceProfileName", "ManagedPolicyName", "Path",
	"Policies", "PolicyDocument", "PolicyName", "RoleName", "Tags", "UserName"}

// attachments are the other properties of IAM's types: managed policies, boundaries, attached roles, login profiles.
func attachments(r template.Resource) []fact {
	var out []fact
	for _, name := range slices.Sorted(maps.Keys(r.Properties)) {
		if slices.Contains(silent, name) {
			continue
		}
		list, ok := r.Properties[name].([]any)
		if !ok {
			list = []any{r.Properties[name]}
		}
		for _, item := range list {
			text := name + ": " + words(item)
			out = append(out, fact{Finding: Finding{Kind: KindAttachment, Path: name, Text: text}, key: text})
		}
	}
	if len(out) == 0 && !slices.Contains([]string{"AWS::IAM::Role", "AWS::IAM::InstanceProfile"}, r.Type) {
		out = append(out, fact{Finding: Finding{Kind: KindAttachment, Text: "attached to nothing"}, key: "attached to nothing"})
	}
	return out
}

// grantTypes are types that give rights by plain properties instead of a policy document.
var grantTypes = regexp.MustCompile(`(Permissions?|BusPolicy|ResourcePolicy|Grant|Authorization|ResourceShare|AccessEntry|` +
	`PodIdentityAssociation|PrincipalAssociation|RoleAttachment)$`)

// grant is such a resource as one statement, with all of its properties.
func grant(r template.Resource) fact {
	properties := maps.Clone(r.Properties)
	delete(properties, "Tags")
	text := "Allow " + words(properties)
	if r.Properties["Action"] != nil && r.Properties["Principal"] != nil {
		text = "Allow " + words(properties["Principal"]) + ": " + words(properties["Action"])
		delete(properties, "Action")
		delete(properties, "Principal")
		if len(properties) > 0 {
			text += " with " + words(properties)
		}
	}
	return fact{Finding: Finding{Kind: KindStatement, Text: text, Statement: r.Properties}, key: text}
}

// roleProperty matches the properties that name the role of a resource.
var roleProperty = regexp.MustCompile(`^(Role|RoleName|.*RoleArn|.*RoleARN|.*ServiceRole|IamInstanceProfile|DeliverLogsPermissionArn)$`)

// usedRoles are the roles that a resource of another type runs with: another role is other rights.
func usedRoles(r template.Resource) []fact {
	if strings.HasPrefix(r.Type, "AWS::IAM::") {
		return nil
	}
	var out []fact
	leaves(nil, r.Properties, func(p template.Path, v any) {
		if !slices.ContainsFunc(p.Names(), roleProperty.MatchString) {
			return
		}
		text := "runs with " + template.Shown(v)
		out = append(out, fact{Finding: Finding{Kind: KindRole, Path: p.String(), Text: text}, key: p.String() + text})
	})
	return out
}

// leaves visits every value that is no object and no list, and every function as a whole.
func leaves(p template.Path, v any, found func(template.Path, any)) {
	switch value := v.(type) {
	case map[string]any:
		if template.IsIntrinsic(value) {
			found(p, v)
			return
		}
		for _, name := range slices.Sorted(maps.Keys(value)) {
			leaves(p.Property(name), value[name], found)
		}
	case []any:
		for i, item := range value {
			leaves(p.At(i), item, found)
		}
	default:
		found(p, v)
	}
}
