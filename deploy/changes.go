package deploy

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// changes returns the changes of a change set, by logical id.
func (p planner) changes(d *cloudformation.DescribeChangeSetOutput) []Change {
	var out []Change
	for _, c := range d.Changes {
		// SyncWithActual only takes drift into CloudFormation's own record. It changes nothing in AWS, so the plan does not list it.
		if r := c.ResourceChange; r != nil && r.Action != types.ChangeActionSyncWithActual {
			out = append(out, p.change(r))
		}
	}
	slices.SortStableFunc(out, func(a, b Change) int { return cmp.Compare(a.LogicalID, b.LogicalID) })
	return out
}

// change returns one resource's change with its place in the manifests, and its properties sorted by path.
func (p planner) change(r *types.ResourceChange) Change {
	id := aws.ToString(r.LogicalResourceId)
	c := Change{
		LogicalID: id, PhysicalID: aws.ToString(r.PhysicalResourceId), Type: aws.ToString(r.ResourceType), Origin: p.origin(id),
		Action: string(r.Action), Replacement: string(r.Replacement), Policy: string(r.PolicyAction),
	}
	for _, detail := range r.Details {
		if detail.Target == nil {
			continue
		}
		c.Properties = appendProperty(c.Properties, p.property(detail))
	}
	slices.SortStableFunc(c.Properties, func(a, b PropertyChange) int { return cmp.Compare(a.Path, b.Path) })
	return c
}

// property returns one property's change with secrets masked. A change of tags or metadata has no path; the attribute's name
// stands for it. Before and After are empty if CloudFormation does not know the value yet.
func (p planner) property(detail types.ResourceChangeDetail) PropertyChange {
	target := detail.Target
	path := propertyPath(aws.ToString(target.Path))
	if path == "" {
		path = cmp.Or(aws.ToString(target.Name), string(target.Attribute))
	}
	return PropertyChange{
		Path: path, Before: p.mask(aws.ToString(target.BeforeValue)), After: p.mask(aws.ToString(target.AfterValue)),
		Change: changeOf(target), Replacement: string(target.RequiresRecreation),
	}
}

// changeOf returns what happens to a property. When CloudFormation does not say it, the values do. Without values the property
// counts as changed.
func changeOf(target *types.ResourceTargetDefinition) string {
	before, after := target.BeforeValue != nil, target.AfterValue != nil
	switch {
	case target.AttributeChangeType != "" && target.AttributeChangeType != types.AttributeChangeTypeSyncWithActual:
		return string(target.AttributeChangeType)
	case after && !before:
		return string(types.AttributeChangeTypeAdd)
	case before && !after:
		return string(types.AttributeChangeTypeRemove)
	}
	return string(types.AttributeChangeTypeModify)
}

// appendProperty adds a property's change. CloudFormation lists a change once for each cause, some without the values, so changes
// of one property are merged.
func appendProperty(list []PropertyChange, p PropertyChange) []PropertyChange {
	for i := range list {
		if list[i].Path != p.Path {
			continue
		}
		if list[i].Before == "" && list[i].After == "" {
			list[i].Before, list[i].After, list[i].Change = p.Before, p.After, p.Change
		}
		if p.Replacement == string(types.RequiresRecreationAlways) {
			list[i].Replacement = p.Replacement
		}
		return list
	}
	return append(list, p)
}

// propertyPath turns /Properties/Tags/0/Value into Tags[0].Value.
func propertyPath(pointer string) string {
	var out strings.Builder
	for part := range strings.SplitSeq(strings.TrimPrefix(strings.TrimPrefix(pointer, "/"), "Properties/"), "/") {
		if _, err := strconv.Atoi(part); err == nil && out.Len() > 0 {
			out.WriteString("[" + part + "]")
			continue
		}
		if out.Len() > 0 {
			out.WriteByte('.')
		}
		// The path is a JSON pointer: ~1 stands for a slash and ~0 for a tilde (RFC 6901).
		out.WriteString(strings.NewReplacer("~1", "/", "~0", "~").Replace(part))
	}
	return out.String()
}
