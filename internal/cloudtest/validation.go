package cloudtest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// otherChanges reports changes that no resource shows: the outputs.
// A change set that changes nothing but outputs is executable on AWS. Without this check it would count as empty.
func (set *changeSet) otherChanges(s *stack) bool {
	if s.inputs.template == nil {
		return true
	}
	// The copies share the stack's resources and differ only in the inputs with which the outputs are evaluated.
	before, after := *s, *s
	after.inputs = set.next
	return !reflect.DeepEqual(before.findOutputs(), after.findOutputs()) ||
		!reflect.DeepEqual(s.inputs.template.Outputs, set.next.template.Outputs)
}

// imports reports whether a resource which is new to the stack exists and will be imported.
func (set *changeSet) imports(c *call, logical string, d definition, properties map[string]any) bool {
	for _, wanted := range set.toImport {
		if aws.ToString(wanted.LogicalResourceId) == logical {
			return true
		}
	}
	return aws.ToBool(set.importExisting) && c.isRetained(d, properties)
}

// isRetained reports whether a resource with the template's name exists and belongs to no stack.
func (c *call) isRetained(d definition, properties map[string]any) bool {
	name, static := d.Properties[nameProperty[d.Type]].(string) // AWS only imports by a literal name
	return static && name != "" && slices.Contains(c.engine.retained, asset{c.region, d.Type, customName(d.Type, properties)})
}

// validate makes the checks that AWS calls early validation: names in use, and imports which are not possible.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
func (set *changeSet) validate(c *call, s *stack) {
	var unfit []string
	for _, change := range set.changes {
		definition := set.next.template.Resources[*change.LogicalResourceId]
		if change.Action == types.ChangeActionImport && !strings.HasPrefix(definition.DeletionPolicy, "Retain") {
			unfit = append(unfit, *change.LogicalResourceId)
		}
		// Only a resource which is about to be created can collide with the name of another one.
		if change.Action != types.ChangeActionAdd && change.Replacement != types.ReplacementTrue {
			continue
		}
		scope := s.scope(set.next)
		name := customName(definition.Type, scope.properties(definition))
		if c.EarlyValidation && change.Action == types.ChangeActionAdd && name != "" &&
			c.engine.taken(s, asset{c.region, definition.Type, name}) {
			set.conflict(s, change, name)
		}
	}
	// An import fails without a Retain policy: otherwise deleting the stack would delete a resource it did not create.
	if len(unfit) > 0 {
		set.failure = fmt.Sprintf("CloudFormation is attempting to import some resources because they already exist in your account. The "+
			"resources must have the DeletionPolicy attribute set to 'Retain' or 'RetainExceptOnCreate' in the template for successful "+
			"import. The affected resources are %s", strings.Join(unfit, ", "))
	}
}

// taken reports whether a name is in use, by a retained resource or another stack.
func (e *engine) taken(by *stack, wanted asset) bool {
	if slices.Contains(e.retained, wanted) {
		return true
	}
	for _, s := range e.stacks {
		for _, r := range s.resources {
			if s != by && s.region == wanted.Region && r.exists() && r.Type == wanted.Type && r.Physical == wanted.Name {
				return true
			}
		}
	}
	return false
}

// conflict makes the change set fail because a name is in use. The status reason is the same for all conflicts and names no
// resource; DescribeEvents has one event for each, with the name.
func (set *changeSet) conflict(s *stack, change types.ResourceChange, name string) {
	set.failure = "The following hook(s)/validation failed: [AWS::EarlyValidation::ResourceExistenceCheck]. To troubleshoot Early " +
		"Validation errors, use the DescribeEvents API for detailed failure information."
	set.conflicts = append(set.conflicts, types.OperationEvent{
		EventId:               aws.String(digest(36, set.id, *change.LogicalResourceId)),
		EventType:             types.EventTypeValidationError,
		LogicalResourceId:     change.LogicalResourceId,
		OperationId:           &set.operation,
		OperationType:         types.OperationTypeCreateChangeset,
		ResourceType:          change.ResourceType,
		StackId:               &s.id,
		Timestamp:             &set.created,
		ValidationFailureMode: types.HookFailureModeFail,
		ValidationName:        aws.String("NAME_CONFLICT_VALIDATION"),
		ValidationPath:        aws.String("/Resources/" + *change.LogicalResourceId),
		ValidationStatus:      types.ValidationStatusFailed,
		ValidationStatusReason: aws.String(fmt.Sprintf("Resource of type '%s' with identifier '%s' already exists.", *change.ResourceType,
			name)),
	})
}
