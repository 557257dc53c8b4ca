package cloudtest

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// nextInputs reads the template, parameters, tags and capabilities of a change set, with the checks that AWS makes
// before it creates one.
func (c *call) nextInputs(s *stack, in *cloudformation.CreateChangeSetInput) (inputs, error) {
	next := inputs{capabilities: in.Capabilities, role: in.RoleARN, parameters: map[string]string{}}
	var err error
	if next.body, err = c.templateBody(s, in); err != nil {
		return next, err
	}
	if next.template, err = parseTemplate(next.body); err != nil {
		return next, err
	}
	if err := next.takeParameters(s, in.Parameters); err != nil {
		return next, err
	}
	if err := next.takeTags(s, in.Tags); err != nil {
		return next, err
	}
	bracketed := slices.Contains(in.Capabilities, types.CapabilityCapabilityNamedIam)
	// CAPABILITY_NAMED_IAM includes CAPABILITY_IAM, so it is enough for both.
	switch needed := next.template.capabilities(); {
	case needed == "CAPABILITY_NAMED_IAM" && !bracketed,
		needed == "CAPABILITY_IAM" && !bracketed && !slices.Contains(in.Capabilities, types.CapabilityCapabilityIam):
		return next, refuse("InsufficientCapabilitiesException", "Requires capabilities : [%s]", needed)
	}
	return next, nil
}

// templateBody returns the template's text, from the call itself, from S3, or from the stack. The limit of a text in the
// call (51,200 bytes) is much lower than in S3: it is the reason why deploy uploads large templates first.
func (c *call) templateBody(s *stack, in *cloudformation.CreateChangeSetInput) (string, error) {
	switch {
	case aws.ToBool(in.UsePreviousTemplate):
		if s == nil || s.inputs.body == "" {
			return "", invalid("Cannot use the previous template of a stack that has none")
		}
		return s.inputs.body, nil
	case in.TemplateBody != nil && in.TemplateURL != nil:
		return "", invalid("Only one of TemplateBody or TemplateUrl may be specified.")
	case in.TemplateBody != nil:
		if len(*in.TemplateBody) > inlineLimit {
			return "", invalid("1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have "+
				"length less than or equal to %d", inlineLimit)
		}
		return *in.TemplateBody, nil
	case in.TemplateURL != nil:
		return c.templateAt(*in.TemplateURL)
	}
	return "", invalid("Either Template URL or Template Body must be specified.")
}

// takeParameters takes the given values, or the previous ones for UsePreviousValue.
func (in *inputs) takeParameters(s *stack, given []types.Parameter) error {
	var previous map[string]string
	if s != nil {
		previous = s.inputs.parameters
	}
	// Names that the template lacks are an error of their own, and AWS lists all of them in one message.
	var strange []string
	for _, p := range given {
		name := aws.ToString(p.ParameterKey)
		if _, ok := in.template.Parameters[name]; !ok {
			strange = append(strange, name)
			continue
		}
		// UsePreviousValue is how a caller keeps a NoEcho value that it cannot read. The name must exist in the stack, too.
		// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Parameter.html
		if !aws.ToBool(p.UsePreviousValue) {
			in.parameters[name] = aws.ToString(p.ParameterValue)
			continue
		}
		old, ok := previous[name]
		if !ok {
			return invalid("Invalid input for parameter key %s. Cannot specify usePreviousValue as true for a parameter key not in the "+
				"previous template", name)
		}
		in.parameters[name] = old
	}
	if len(strange) > 0 {
		return invalid("Parameters: [%s] do not exist in the template", strings.Join(strange, ", "))
	}
	return in.completeParameters()
}

// completeParameters adds the defaults and checks the values. CloudFormation rejects an empty value for the
// AWS-specific parameter types (AWS::EC2::VPC::Id and so on).
func (in *inputs) completeParameters() error {
	var missing []string
	for _, name := range slices.Sorted(maps.Keys(in.template.Parameters)) {
		p := in.template.Parameters[name]
		if _, ok := in.parameters[name]; !ok && p.Default != nil {
			in.parameters[name] = text(p.Default)
		}
		value, ok := in.parameters[name]
		switch {
		case !ok:
			missing = append(missing, name)
		// A parameter's value has at most 4,096 bytes.
		// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
		case len(value) > 4096:
			return invalid("Parameter '%s' must be at most 4096 bytes", name)
		case value == "" && strings.HasPrefix(p.Type, "AWS::") && !strings.HasPrefix(p.Type, "AWS::SSM"):
			return invalid("Parameter validation failed: parameter value for parameter name %s does not exist. Rollback requested by user.",
				name)
		case len(p.AllowedValues) > 0 && !slices.ContainsFunc(p.AllowedValues, func(v any) bool { return text(v) == value }):
			return invalid("Parameter '%s' must be one of AllowedValues", name)
		}
	}
	if len(missing) > 0 {
		return invalid("Parameters: [%s] must have values", strings.Join(missing, ", "))
	}
	return nil
}

// takeTags takes the given tags, or keeps the stack's if the call gives none.
func (in *inputs) takeTags(s *stack, given []types.Tag) error {
	// Absent tags keep the stack's. An empty list (Tags= in the form) removes all: decodeList keeps the two apart.
	if given == nil && s != nil {
		in.tags = s.inputs.tags
		return nil
	}
	in.tags = map[string]string{}
	for _, tag := range given {
		if _, twice := in.tags[*tag.Key]; twice {
			return invalid("Duplicate tag keys: %s", *tag.Key)
		}
		in.tags[*tag.Key] = aws.ToString(tag.Value)
	}
	return nil
}
