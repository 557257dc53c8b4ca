package drift

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/pebble/spacel/compiler/template"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/temporary"
)

// CloudFormation has no call that returns the evaluated properties of a resource. So the template is evaluated again, from values of the
// deployment: DescribeStacks has the parameters and the outputs, ListStackResources the physical ids. What Ref gives follows from these.
// Fn::GetAtt is known where it is the physical id, or an ARN made of it, or a value in an output of the stack. Everything else is a gap.
// The artifact is no source of values: it may be newer than the deployed stack.

// gap stands in an evaluated text for a part that only AWS knows, such as the suffix of a name that CloudFormation chose. It is a
// character of Unicode's private use area, which no value of AWS contains.
const gap = "\uE000"

// deployed is a stack with its template, and evaluates the template's values as CloudFormation did when it deployed the stack.
type deployed struct {
	*live.Stack
	body      []byte
	template  *template.Template
	mappings  map[string]any
	resources map[string]live.Resource // by logical id
	// attributes are values of Fn::GetAtt, as Id.Attribute. CloudFormation tells them only where an output has one of them.
	attributes map[string]string
	inside     map[string]bool // conditions being evaluated
	places     map[string]string

	temporary []temporary.State // changes by spacel scale and maintenance, also ended ones
}

// newDeployed prepares the evaluation of a stack's template.
func newDeployed(stack *live.Stack, body []byte, resources []live.Resource, places map[string]string) (*deployed, error) {
	t, err := template.Parse(body)
	if err != nil {
		return nil, fmt.Errorf("read the deployed template of %s: it is not one that spacel deploys: %w", stack.StackRef, err)
	}
	d := &deployed{Stack: stack, body: body, template: t, mappings: template.Section(t.Rest, "Mappings"),
		resources: map[string]live.Resource{}, attributes: map[string]string{}, inside: map[string]bool{}, places: places}
	for _, r := range resources {
		d.resources[r.LogicalID] = r
	}
	for name, output := range t.Outputs {
		value := template.Section(map[string]any{"": output}, "")["Value"]
		if id, attribute, ok := attributeOf(value); ok && stack.Outputs[name] != "" {
			d.attributes[id+"."+attribute] = stack.Outputs[name]
		}
	}
	return d, nil
}

// attributeOf reads a value of exactly one Fn::GetAtt.
func attributeOf(v any) (id, attribute string, ok bool) {
	function, _ := v.(map[string]any)
	switch argument := function["Fn::GetAtt"].(type) {
	case string:
		id, attribute, ok = strings.Cut(argument, ".")
	case []any:
		if len(argument) == 2 {
			id, _ = argument[0].(string)
			attribute, ok = argument[1].(string)
		}
	}
	return id, attribute, ok && id != ""
}

// part returns one piece of an ARN of the stack, such as 4 for the account.
func (d *deployed) part(i int) string {
	parts := strings.SplitN(d.ID, ":", 6)
	if len(parts) < 6 {
		return gap
	}
	return parts[i]
}

// partition and account are parts of the stack's ARN: arn:PARTITION:cloudformation:REGION:ACCOUNT:stack/NAME/ID.
func (d *deployed) partition() string { return d.part(1) }
func (d *deployed) account() string   { return d.part(4) }

// exists reports whether a resource of the template is in the stack. One whose condition is false is not.
func (d *deployed) exists(id string) bool {
	_, listed := d.resources[id]
	return listed
}

// properties returns a resource's properties, evaluated.
func (d *deployed) properties(id string) map[string]any {
	properties, _ := d.value(d.template.Resources[id].Properties).(map[string]any)
	return properties
}

// ofType returns the logical ids of the stack's resources of a type, sorted.
func (d *deployed) ofType(kind string) []string {
	var ids []string
	for _, id := range d.template.IDs() {
		if d.template.Resources[id].Type == kind && d.exists(id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// noValue is AWS::NoValue, which removes its property or item.
type noValue struct{}

// value evaluates a value of the template.
func (d *deployed) value(v any) any {
	switch v := v.(type) {
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	case string:
		if strings.Contains(v, "{{resolve:") {
			return gap // a dynamic reference, which CloudFormation replaced by a value of a secret or a parameter
		}
		return v
	case []any:
		out := []any{}
		for _, item := range v {
			if value := d.value(item); value != (noValue{}) {
				out = append(out, value)
			}
		}
		return out
	case map[string]any:
		if template.IsIntrinsic(v) {
			for name, argument := range v {
				return d.function(name, argument)
			}
		}
		out := map[string]any{}
		for name, item := range v {
			if value := d.value(item); value != (noValue{}) {
				out[name] = value
			}
		}
		return out
	}
	return v
}

// function evaluates an intrinsic function. An unlisted function gives a gap.
func (d *deployed) function(name string, argument any) any {
	switch name {
	case "Ref":
		id, _ := argument.(string)
		return d.reference(id)
	case "Fn::GetAtt":
		id, attribute, _ := attributeOf(map[string]any{name: argument})
		return d.attribute(id, attribute)
	case "Fn::Sub":
		return d.substituted(argument)
	case "Fn::Base64":
		if plain := text(d.value(argument)); !strings.Contains(plain, gap) {
			return base64.StdEncoding.EncodeToString([]byte(plain))
		}
		return gap
	}
	// CloudFormation has no drift in functions: it kept the values of the last deployment. Those that depend on the account's state then,
	// such as Fn::GetAZs and Fn::ImportValue, are gaps.
	list, _ := argument.([]any)
	switch {
	case name == "Fn::If" && len(list) == 3:
		condition, _ := list[0].(string)
		holds, known := d.condition(condition)
		switch {
		case !known:
			return gap
		case holds:
			return d.value(list[1])
		}
		return d.value(list[2])
	case name == "Fn::Join" && len(list) == 2:
		return joined(d.value(list[1]), text(d.value(list[0])))
	case name == "Fn::Split" && len(list) == 2:
		return parts(text(d.value(list[1])), text(d.value(list[0])))
	case name == "Fn::Select" && len(list) == 2:
		return selected(d.value(list[1]), text(d.value(list[0])))
	case name == "Fn::FindInMap" && len(list) == 3:
		section, _ := d.mappings[text(d.value(list[0]))].(map[string]any)
		entry, _ := section[text(d.value(list[1]))].(map[string]any)
		if found, ok := entry[text(d.value(list[2]))]; ok {
			return d.value(found)
		}
	}
	return gap
}

// reference evaluates Ref: a pseudo parameter, a parameter, or a resource's physical id.
func (d *deployed) reference(name string) any {
	suffix := "amazonaws.com"
	if d.partition() == "aws-cn" {
		suffix = "amazonaws.com.cn"
	}
	pseudo := map[string]string{
		"AWS::AccountId": d.account(), "AWS::Partition": d.partition(), "AWS::Region": d.Region, "AWS::StackId": d.ID,
		"AWS::StackName": d.Name, "AWS::URLSuffix": suffix,
	}
	if name == "AWS::NoValue" {
		return noValue{}
	}
	if value, ok := pseudo[name]; ok {
		return value
	}
	// DescribeStacks gives all parameters, those with their default as well.
	if value, ok := d.Parameters[name]; ok {
		return d.parameter(name, value)
	}
	return cmp.Or(d.resources[name].PhysicalID, gap)
}

// parameter returns a parameter's value. CloudFormation masks one with NoEcho, and gives lists as one text.
func (d *deployed) parameter(name, value string) any {
	declared, _ := d.template.Parameters[name].(map[string]any)
	kind, _ := declared["Type"].(string)
	switch {
	case value == live.Masked:
		return gap
	case strings.HasPrefix(kind, "AWS::SSM::"):
		return gap // the value is the parameter's name, and CloudFormation put its content into the template
	case kind == "CommaDelimitedList", strings.HasPrefix(kind, "List<"):
		return parts(value, ",")
	}
	return value
}

// arns are the forms of an ARN by type, where the physical id decides the rest of it. See the service authorization reference of each
// service, "Resource types".
var arns = map[string]string{
	"AWS::IAM::Role.Arn":            "arn:{P}:iam::{A}:role/{ID}",
	"AWS::IAM::InstanceProfile.Arn": "arn:{P}:iam::{A}:instance-profile/{ID}",
	"AWS::Logs::LogGroup.Arn":       "arn:{P}:logs:{R}:{A}:log-group:{ID}:*", // "including the :*" (Template Reference, Return values)
	"AWS::DynamoDB::Table.Arn":      "arn:{P}:dynamodb:{R}:{A}:table/{ID}",
	"AWS::Lambda::Function.Arn":     "arn:{P}:lambda:{R}:{A}:function:{ID}",
	"AWS::KMS::Key.Arn":             "arn:{P}:kms:{R}:{A}:key/{ID}",
	"AWS::S3::Bucket.Arn":           "arn:{P}:s3:::{ID}",
	"AWS::Events::EventBus.Arn":     "arn:{P}:events:{R}:{A}:event-bus/{ID}",
}

// attribute evaluates Fn::GetAtt where the value follows from the physical id, or an output tells it.
func (d *deployed) attribute(id, attribute string) string {
	r, exists := d.resources[id]
	if value, told := d.attributes[id+"."+attribute]; told {
		return value
	}
	path := text(d.template.Resources[id].Properties["Path"])
	switch {
	case !exists || r.PhysicalID == "":
		return gap
	case r.Type == "AWS::EC2::SecurityGroup" && attribute == "GroupId", r.Type == "AWS::EC2::EIP" && attribute == "PublicIp",
		r.Type == "AWS::SNS::Topic" && attribute == "TopicArn":
		return r.PhysicalID
	case r.Type == "AWS::SQS::Queue" && attribute == "Arn": // the physical id is https://sqs.REGION.amazonaws.com/ACCOUNT/NAME
		return "arn:" + d.partition() + ":sqs:" + d.Region + ":" + d.account() + ":" + r.PhysicalID[strings.LastIndex(r.PhysicalID, "/")+1:]
	case strings.HasPrefix(r.Type, "AWS::IAM::") && path != "" && path != "/":
		return gap // the path is a part of the ARN
	}
	form, ok := arns[r.Type+"."+attribute]
	if !ok {
		return gap
	}
	return strings.NewReplacer("{P}", d.partition(), "{R}", d.Region, "{A}", d.account(), "{ID}", r.PhysicalID).Replace(form)
}

// variable matches ${Name} in the text of Fn::Sub, and the escape ${!Name}.
var variable = regexp.MustCompile(`\$\{(!?)([^}]*)\}`)

// substituted evaluates Fn::Sub, whose own variables come first.
func (d *deployed) substituted(argument any) string {
	pattern, _ := argument.(string)
	own := map[string]any{}
	if list, ok := argument.([]any); ok && len(list) == 2 {
		pattern, _ = list[0].(string)
		own, _ = list[1].(map[string]any)
	}
	return variable.ReplaceAllStringFunc(pattern, func(match string) string {
		groups := variable.FindStringSubmatch(match)
		id, attribute, isAttribute := strings.Cut(groups[2], ".")
		switch value, mine := own[groups[2]]; {
		case groups[1] == "!":
			return "${" + groups[2] + "}"
		case mine:
			return text(d.value(value))
		case isAttribute:
			return d.attribute(id, attribute)
		}
		return text(d.reference(groups[2]))
	})
}

// condition evaluates a named condition. It is not known if a value in it has a gap.
func (d *deployed) condition(name string) (holds, known bool) {
	test, exists := d.template.Conditions[name]
	if !exists || d.inside[name] {
		return false, false
	}
	d.inside[name] = true
	defer delete(d.inside, name)
	return d.test(test)
}

// test evaluates a condition's test.
func (d *deployed) test(v any) (holds, known bool) {
	object, _ := v.(map[string]any)
	if name, ok := object["Condition"].(string); ok && len(object) == 1 {
		return d.condition(name)
	}
	for name, argument := range object {
		list, _ := argument.([]any)
		switch {
		case name == "Fn::Equals" && len(list) == 2:
			a, b := text(d.value(list[0])), text(d.value(list[1]))
			return a == b, !strings.Contains(a+b, gap)
		case name == "Fn::Not" && len(list) == 1:
			holds, known = d.test(list[0])
			return !holds, known
		case name == "Fn::And", name == "Fn::Or":
			return d.combined(list, name == "Fn::And")
		}
	}
	return false, false
}

// combined evaluates Fn::And, or with all false Fn::Or.
func (d *deployed) combined(list []any, all bool) (holds, known bool) {
	for _, item := range list {
		holds, known := d.test(item)
		if !known || holds != all {
			return holds, known
		}
	}
	return all, true
}

// text returns a value as a text: that of a list has commas, as CloudFormation joins it.
func text(v any) string {
	switch v := v.(type) {
	case nil, noValue:
		return ""
	case string:
		return v
	case []any:
		return joined(v, ",")
	}
	return string(template.Encoded(v))
}

// joined is Fn::Join. The list may itself have a gap in place of its items.
func joined(v any, separator string) string {
	list, ok := v.([]any)
	if !ok {
		return text(v)
	}
	texts := make([]string, len(list))
	for i, item := range list {
		texts[i] = text(item)
	}
	return strings.Join(texts, separator)
}

// parts is Fn::Split.
func parts(value, separator string) []any {
	out := []any{}
	for item := range strings.SplitSeq(value, separator) {
		out = append(out, item)
	}
	return out
}

// selected is Fn::Select. From a list with a gap the item is not known, since the gap may hold any number of items.
func selected(v any, index string) any {
	list, ok := v.([]any)
	var i int
	if _, err := fmt.Sscan(index, &i); err != nil || !ok || i < 0 || i >= len(list) {
		return gap
	}
	for _, before := range list[:i+1] {
		if strings.Contains(text(before), gap) {
			return gap
		}
	}
	return list[i]
}

// fits reports whether a live text matches the template's. A gap stands for any text without * and ?, since a right for
// everything must never pass for a right for one thing.
func fits(expected, actual string) bool {
	if !strings.Contains(expected, gap) {
		return expected == actual
	}
	// The gap is not empty: CloudFormation refuses an attribute without a value in most properties.
	var pattern strings.Builder
	for i, piece := range strings.Split(expected, gap) {
		if i > 0 {
			pattern.WriteString(`[^*?]+`)
		}
		pattern.WriteString(regexp.QuoteMeta(piece))
	}
	matched, err := regexp.MatchString(`^(?s:`+pattern.String()+`)$`, actual)
	return err == nil && matched
}
