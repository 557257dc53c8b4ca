package cloudtest

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// difference collects the changes that new inputs make to a stack.
// It is computed when the change set is created, and once more by change.same for each resource when it is executed.
type difference struct {
	stack *stack
	next  inputs
	scope *scope
	// importable says whether a resource which is new to the stack exists already and is to be imported.
	importable func(logical string, d definition, properties map[string]any) bool
	// touched has the changes found so far, by logical id: references to such a resource may have another value afterwards.
	touched map[string]types.ResourceChange
	changes []types.ResourceChange
}

// diff returns the changes in the order of AWS: additions and modifications by dependency, then removals.
func diff(s *stack, next inputs, importable func(string, definition, map[string]any) bool) []types.ResourceChange {
	d := &difference{stack: s, next: next, scope: s.scope(next), importable: importable, touched: map[string]types.ResourceChange{}}
	d.scope.resource = d.resource
	for _, level := range d.scope.active() {
		for _, logical := range level {
			d.visit(logical)
		}
	}
	d.removals()
	return d.changes
}

// resource returns the resource which a reference will find, nil if it does not exist yet or will be replaced. Values
// that refer to it are then known only after the operation.
func (d *difference) resource(logical string) *resource {
	r := d.stack.resources[logical]
	if !r.exists() {
		return nil
	}
	change, ok := d.touched[logical]
	if !ok {
		return r
	}
	if change.Replacement == types.ReplacementTrue {
		return nil
	}
	changed := *r
	changed.Revision = -1 // its attributes are known only afterwards
	return &changed
}

// visit compares one resource of the new template with the stack and records a change, if there is one. The levels of
// dependency are visited in order, so all resources to which this one refers have been compared already.
func (d *difference) visit(logical string) {
	definition := d.next.template.Resources[logical]
	properties := d.scope.properties(definition)
	old := d.stack.resources[logical]
	if !old.exists() {
		d.add(logical, definition, properties)
		return
	}
	change := types.ResourceChange{
		Action:             types.ChangeActionModify,
		LogicalResourceId:  &logical,
		PhysicalResourceId: aws.String(old.Physical),
		ResourceType:       aws.String(definition.Type),
	}
	d.details(&change, old, definition, properties)
	if len(change.Scope) == 0 {
		return
	}
	if change.Replacement == types.ReplacementTrue {
		// PolicyAction tells what happens to the old resource: ReplaceAndDelete, ReplaceAndRetain or ReplaceAndSnapshot.
		change.PolicyAction = types.PolicyAction("ReplaceAnd" + shortPolicy(policyOf(definition.UpdateReplacePolicy, definition)))
	}
	change.BeforeContext = aws.String(compact(map[string]any{"Properties": old.Properties}))
	change.AfterContext = aws.String(compact(map[string]any{"Properties": properties}))
	d.record(change)
}

// shortPolicy returns the policy's word in PolicyAction, which has none for RetainExceptOnCreate.
func shortPolicy(policy string) string {
	if policy == "RetainExceptOnCreate" {
		return "Retain"
	}
	return policy
}

// record adds a change, and remembers it for the references of later resources.
func (d *difference) record(change types.ResourceChange) {
	d.touched[*change.LogicalResourceId] = change
	d.changes = append(d.changes, change)
}

// add records a resource that the stack does not have yet: it will be created, or imported if it exists in the account.
func (d *difference) add(logical string, definition definition, properties map[string]any) {
	change := types.ResourceChange{
		Action:            types.ChangeActionAdd,
		LogicalResourceId: &logical,
		ResourceType:      aws.String(definition.Type),
		AfterContext:      aws.String(compact(map[string]any{"Properties": properties})),
	}
	if d.importable(logical, definition, properties) {
		change.Action = types.ChangeActionImport
		change.PhysicalResourceId = aws.String(customName(definition.Type, properties))
	}
	d.record(change)
}

// removals records the resources which the new template lacks, or whose condition is false now.
func (d *difference) removals() {
	for _, logical := range slices.Sorted(maps.Keys(d.stack.resources)) {
		old := d.stack.resources[logical]
		now, kept := d.next.template.Resources[logical]
		if !old.exists() || kept && d.scope.condition(now.Condition) {
			continue
		}
		d.record(types.ResourceChange{
			Action:             types.ChangeActionRemove,
			LogicalResourceId:  &logical,
			PhysicalResourceId: aws.String(old.Physical),
			ResourceType:       aws.String(old.Type),
			PolicyAction:       types.PolicyAction(shortPolicy(policyOf(old.Definition.DeletionPolicy, old.Definition))),
			BeforeContext:      aws.String(compact(map[string]any{"Properties": old.Properties})),
		})
	}
}

// details adds the changed properties and attributes to a change, and whether they replace the resource.
func (d *difference) details(change *types.ResourceChange, old *resource, now definition, properties map[string]any) {
	change.Replacement = types.ReplacementFalse
	if old.Type != now.Type {
		change.Replacement = types.ReplacementTrue
	}
	names := maps.Clone(old.Properties)
	if names == nil {
		names = map[string]any{}
	}
	maps.Copy(names, properties)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		before, after := old.Properties[name], properties[name]
		if !reflect.DeepEqual(before, after) {
			d.property(change, old.Type, name, before, after, now.Properties[name])
		}
	}
	d.attributes(change, old, now)
}

// property adds one changed property. raw is the property as the template has it, to find the cause. A value that depends
// on a resource which changes, too, has the evaluation Dynamic: it may turn out to be equal. A property that always
// replaces the resource then only gives Replacement Conditional. Otherwise the change with the most impact decides.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChangeDetail.html
func (d *difference) property(change *types.ResourceChange, kind, name string, before, after, raw any) {
	recreates := recreation(kind, name)
	evaluation := types.EvaluationTypeStatic
	if strings.Contains(text(after), unknown) {
		evaluation = types.EvaluationTypeDynamic
	}
	switch {
	case recreates == types.RequiresRecreationAlways && evaluation == types.EvaluationTypeStatic:
		change.Replacement = types.ReplacementTrue
	case recreates != types.RequiresRecreationNever && change.Replacement != types.ReplacementTrue:
		change.Replacement = types.ReplacementConditional
	}
	source, cause := d.source(raw)
	change.Details = append(change.Details, types.ResourceChangeDetail{
		CausingEntity: cause,
		ChangeSource:  source,
		Evaluation:    evaluation,
		Target: &types.ResourceTargetDefinition{
			Attribute:           types.ResourceAttributeProperties,
			AttributeChangeType: changeType(before, after),
			Name:                &name,
			Path:                aws.String("/Properties/" + name),
			BeforeValue:         shown(before),
			AfterValue:          shown(after),
			RequiresRecreation:  recreates,
		},
	})
	d.within(change, types.ResourceAttributeProperties)
}

// changeType returns Add, Remove or Modify for a property; nil stands for a missing one.
func changeType(before, after any) types.AttributeChangeType {
	switch {
	case before == nil:
		return types.AttributeChangeTypeAdd
	case after == nil:
		return types.AttributeChangeTypeRemove
	}
	return types.AttributeChangeTypeModify
}

// source says whether a property changed in the template itself or through a reference.
func (d *difference) source(raw any) (types.ChangeSource, *string) {
	found := map[string]bool{}
	walkReferences(raw, found)
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if _, ok := d.touched[name]; ok {
			return types.ChangeSourceResourceReference, &name
		}
		before, known := d.stack.inputs.parameters[name]
		if after, ok := d.next.parameters[name]; ok && known && before != after {
			return types.ChangeSourceParameterReference, &name
		}
	}
	// No cause is named for a change in the template itself (CausingEntity is empty).
	return types.ChangeSourceDirectModification, nil
}

// shown returns a value as a change set shows it: a text as it is, anything else as JSON, nil for a missing one.
func shown(v any) *string {
	if v == nil {
		return nil
	}
	if s, ok := v.(string); ok {
		return &s
	}
	return aws.String(compact(v))
}

// within adds an attribute (Properties, Tags, Metadata …) to the change's Scope. An empty Scope means no change.
func (d *difference) within(change *types.ResourceChange, attribute types.ResourceAttribute) {
	if !slices.Contains(change.Scope, attribute) {
		change.Scope = append(change.Scope, attribute)
	}
}

// attributes compares the parts of a resource beside its properties, and the stack's tags, which CloudFormation
// copies to all resources that can have tags.
func (d *difference) attributes(change *types.ResourceChange, old *resource, now definition) {
	for _, part := range []struct {
		name          types.ResourceAttribute
		before, after any
	}{
		{types.ResourceAttributeMetadata, old.Definition.Metadata, now.Metadata},
		{types.ResourceAttributeCreationPolicy, old.Definition.CreationPolicy, now.CreationPolicy},
		{types.ResourceAttributeUpdatePolicy, old.Definition.UpdatePolicy, now.UpdatePolicy},
		{types.ResourceAttributeDeletionPolicy, old.Definition.DeletionPolicy, now.DeletionPolicy},
		{types.ResourceAttributeUpdateReplacePolicy, old.Definition.UpdateReplacePolicy, now.UpdateReplacePolicy},
		{types.ResourceAttributeTags, tagsOf(old.Type, old.Tags), tagsOf(old.Type, d.next.tags)},
	} {
		if reflect.DeepEqual(part.before, part.after) {
			continue
		}
		d.within(change, part.name)
		change.Details = append(change.Details, types.ResourceChangeDetail{
			ChangeSource: types.ChangeSourceDirectModification,
			Evaluation:   types.EvaluationTypeStatic,
			Target:       &types.ResourceTargetDefinition{Attribute: part.name, RequiresRecreation: types.RequiresRecreationNever},
		})
	}
}

// untagged are types of resources that cannot have tags, so the stack's tags do not change them.
var untagged = []string{
	"AWS::EC2::Route", "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress", "AWS::EC2::SubnetRouteTableAssociation",
	"AWS::EC2::VPCGatewayAttachment", "AWS::EC2::VPCCidrBlock", "AWS::ElasticLoadBalancingV2::Listener", "AWS::IAM::InstanceProfile",
	"AWS::IAM::Policy", "AWS::Lambda::Permission", "AWS::Logs::MetricFilter", "AWS::Route53::RecordSet", "AWS::AutoScaling::ScalingPolicy",
	"AWS::AutoScaling::ScheduledAction", "AWS::SNS::Subscription", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy",
	"AWS::SecretsManager::SecretTargetAttachment",
}

// tagsOf returns the tags that a resource of this type gets from its stack. nil and an empty map compare as equal.
func tagsOf(kind string, tags map[string]string) map[string]string {
	if len(tags) == 0 || slices.Contains(untagged, kind) {
		return nil
	}
	return tags
}
