package cfn

import (
	"strings"

	"github.com/pebble/spacel/internal/jsontext"
)

// Size estimates the number of characters that IAM counts for the policy, white space excluded (IAM User Guide, "IAM and
// AWS STS quotas"). Each reference counts as the longest value to be expected of its kind, because values are known only
// at deploy.
func (p PolicyDocument) Size() (int, error) {
	body, err := jsontext.Line(p)
	if err != nil {
		return 0, err
	}
	v, err := decode(body)
	if err != nil {
		return 0, err
	}
	return resolvedSize(v)
}

// Estimated lengths of references to parameters and resources. EC2's ids have at most 26 characters. All others are names,
// keys in S3 or ARNs.
const (
	idSize    = 32
	otherSize = 96
)

// pseudoSizes are the longest values of CloudFormation's own parameters: aws-us-gov, ap-southeast-1, an account's number, a
// stack's ARN with a name of 128 characters.
var pseudoSizes = map[string]int{"AWS::Partition": 10, "AWS::Region": 14, "AWS::AccountId": 12, "AWS::StackId": 220, "AWS::StackName": 128}

// referenceSize estimates the length of a reference's value by its name.
func referenceSize(name string) int {
	if size, ok := pseudoSizes[name]; ok {
		return size
	}
	if strings.HasSuffix(name, "Id") {
		return idSize
	}
	return otherSize
}

// resolvedSize counts a decoded JSON value as compact JSON, with references replaced by text of their estimated length.
func resolvedSize(v any) (int, error) {
	switch v := v.(type) {
	case *object:
		if text, ok := v.values["Fn::Sub"].(string); ok {
			return len(`""`) + substituted(text), nil
		}
		if name, ok := v.values["Ref"].(string); ok {
			return len(`""`) + referenceSize(name), nil
		}
		if list, ok := v.values["Fn::GetAtt"].([]any); ok && len(list) == 2 {
			attribute, _ := list[1].(string)
			return len(`""`) + referenceSize(attribute), nil
		}
		size := len(`{}`) + max(0, len(v.names)-1)
		for _, name := range v.names {
			inner, err := resolvedSize(v.values[name])
			if err != nil {
				return 0, err
			}
			size += len(name) + len(`"":`) + inner
		}
		return size, nil
	case []any:
		size := len(`[]`) + max(0, len(v)-1)
		for _, item := range v {
			inner, err := resolvedSize(item)
			if err != nil {
				return 0, err
			}
			size += inner
		}
		return size, nil
	}
	body, err := compact(v)
	return len(body), err
}

// substituted is the length of Fn::Sub's text with its references resolved.
func substituted(text string) int {
	size := 0
	for {
		before, rest, ok := strings.Cut(text, "${")
		size += len(before)
		if !ok {
			return size
		}
		name, after, _ := strings.Cut(rest, "}")
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			size += len("${}") + len(literal)
		} else {
			size += referenceSize(name)
		}
		text = after
	}
}
