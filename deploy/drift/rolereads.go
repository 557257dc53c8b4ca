package drift

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
)

// liveRole is a role as IAM has it.
type liveRole struct {
	name     string
	trust    any
	boundary string         // ARN, empty for none
	inline   map[string]any // documents by name
	attached []string       // ARNs, sorted
}

// IAM has no call that returns the policies of one role with their documents: GetAccountAuthorizationDetails reads the whole account. So a
// role costs three calls, and one for each policy in it. IAM is eventually consistent: a change of the last seconds may not show
// (IAM User Guide, "Changes that I make are not always immediately visible").

// readRole reads a role with all of its policies, nil if there is none of the name.
func readRole(ctx context.Context, region *cloud.Region, name string) (*liveRole, error) {
	const call = "iam:GetRole"
	out, err := region.IAM().GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
	switch {
	case live.IsCode(err, "NoSuchEntity", "NoSuchEntityException"):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%s %s: %w", call, name, cloud.Explain(err))
	case out.Role == nil || out.Role.AssumeRolePolicyDocument == nil:
		return nil, cloud.Incomplete(call, "no role, or none with a trust policy")
	case aws.ToString(out.Role.RoleName) != name:
		return nil, cloud.Incomplete(call, "another role, "+aws.ToString(out.Role.RoleName))
	}
	role := &liveRole{name: name, inline: map[string]any{}}
	if role.trust, err = decodeDocument(*out.Role.AssumeRolePolicyDocument); err != nil {
		return nil, fmt.Errorf("%s %s: %w", call, name, err)
	}
	if boundary := out.Role.PermissionsBoundary; boundary != nil {
		role.boundary = aws.ToString(boundary.PermissionsBoundaryArn)
	}
	if err := role.readInline(ctx, region); err != nil {
		return nil, err
	}
	return role, role.readAttached(ctx, region)
}

// Each answer is checked for its subject. An empty list and a missing list are different answers: IAM sends an empty one for a role
// without policies, and an answer without any list proves nothing about the role. The report then names the call.

// readInline reads the policies in a role: their names, then each document.
func (r *liveRole) readInline(ctx context.Context, region *cloud.Region) error {
	const call = "iam:ListRolePolicies"
	pages := iam.NewListRolePoliciesPaginator(region.IAM(), &iam.ListRolePoliciesInput{RoleName: &r.name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("%s %s: %w", call, r.name, cloud.Explain(err))
		}
		if page.PolicyNames == nil {
			return cloud.Incomplete(call, "no PolicyNames")
		}
		for _, name := range page.PolicyNames {
			if r.inline[name], err = r.document(ctx, region, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// document reads one policy in a role.
func (r *liveRole) document(ctx context.Context, region *cloud.Region, name string) (any, error) {
	const call = "iam:GetRolePolicy"
	out, err := region.IAM().GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &r.name, PolicyName: &name})
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s %s of %s: %w", call, name, r.name, cloud.Explain(err))
	case aws.ToString(out.PolicyName) != name || out.PolicyDocument == nil:
		return nil, cloud.Incomplete(call, "another policy, or no document")
	}
	document, err := decodeDocument(*out.PolicyDocument)
	if err != nil {
		return nil, fmt.Errorf("%s %s of %s: %w", call, name, r.name, err)
	}
	return document, nil
}

// readAttached reads the managed policies of a role.
func (r *liveRole) readAttached(ctx context.Context, region *cloud.Region) error {
	const call = "iam:ListAttachedRolePolicies"
	pages := iam.NewListAttachedRolePoliciesPaginator(region.IAM(), &iam.ListAttachedRolePoliciesInput{RoleName: &r.name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("%s %s: %w", call, r.name, cloud.Explain(err))
		}
		if page.AttachedPolicies == nil {
			return cloud.Incomplete(call, "no AttachedPolicies")
		}
		for _, policy := range page.AttachedPolicies {
			r.attached = append(r.attached, aws.ToString(policy.PolicyArn))
		}
	}
	slices.Sort(r.attached)
	return nil
}

// deleteRolePolicy removes a policy from a role.
func deleteRolePolicy(ctx context.Context, region *cloud.Region, role, policy string) error {
	_, err := region.IAM().DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &role, PolicyName: &policy})
	if err != nil {
		return fmt.Errorf("remove the policy %s from the role %s: %w", policy, role, cloud.Explain(err))
	}
	return nil
}

// detachRolePolicy takes a managed policy from a role. The policy itself stays.
func detachRolePolicy(ctx context.Context, region *cloud.Region, role, arn string) error {
	_, err := region.IAM().DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: &role, PolicyArn: &arn})
	if err != nil {
		return fmt.Errorf("detach the policy %s from the role %s: %w", arn, role, cloud.Explain(err))
	}
	return nil
}
