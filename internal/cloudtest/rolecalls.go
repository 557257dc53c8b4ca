package cloudtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// A role of a stack has the properties of its template, and on top of them the changes of ByHand. IAM knows nothing of stacks: a policy
// of an AWS::IAM::Policy resource is an inline policy like any other, under its PolicyName.

const roleType = "AWS::IAM::Role"

// roleOperations are the calls of IAM about the roles of stacks. IAM is one service for all regions.
var roleOperations = map[string]func(c *call, operation string, form url.Values) ([]byte, error){
	"GetRole":                  handle(getRole),
	"GetRolePolicy":            handle(getRolePolicy),
	"ListRolePolicies":         handle(listRolePolicies),
	"ListAttachedRolePolicies": handle(listAttachedRolePolicies),
	"DeleteRolePolicy":         handle(deleteRolePolicy),
	"DetachRolePolicy":         handle(detachRolePolicy),
}

// roleCalls answers the calls of IAM.
type roleCalls struct{ *CloudFormation }

// serve answers a call about a role of a stack. Others go to the server of Forward, if there is one.
func (c roleCalls) serve(w http.ResponseWriter, r *http.Request) {
	form, err := readForm(r)
	run, ok := roleOperations[form.Get("Action")]
	if err != nil || !ok || c.forward != nil && !c.has(form.Get("RoleName")) {
		c.forwardCall(w, r, "iam")
		return
	}
	c.count("iam", form.Get("Action"))
	c.mu.Lock()
	c.engine.advance(time.Now())
	out, err := run(&call{c.CloudFormation, "", time.Now()}, form.Get("Action"), form)
	c.mu.Unlock()
	answer(w, out, err)
}

// has reports whether a stack has a role of the name.
func (c roleCalls) has(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := (&call{c.CloudFormation, "", time.Now()}).engine.role(&name)
	return err == nil
}

// role finds the role of a stack by its name.
func (e *engine) role(name *string) (*resource, error) {
	for _, r := range e.existing(roleType, "") {
		if r.Physical == aws.ToString(name) && !e.hand.deleted[r.Physical] {
			return r, nil
		}
	}
	return nil, &refusal{http.StatusNotFound, "NoSuchEntity", fmt.Sprintf("The role with name %s cannot be found.", aws.ToString(name))}
}

// existing returns the resources of a type in all stacks of a region, or of all regions with "".
func (e *engine) existing(kind, region string) []*resource {
	var out []*resource
	for _, s := range e.stacks {
		for _, r := range s.listed() {
			if r.Type == kind && r.exists() && s.deleted.IsZero() && (region == "" || s.region == region) {
				out = append(out, r)
			}
		}
	}
	return out
}

// encoded writes a document as IAM returns it: JSON, URL-encoded by RFC 3986 (IAM API Reference, GetRolePolicy).
func encoded(document any) *string {
	return aws.String(strings.ReplaceAll(url.QueryEscape(compact(document)), "+", "%20"))
}

// getRole returns a role. The trust policy is the one of the template, unless somebody changed it.
func getRole(c *call, in *iam.GetRoleInput) (*iam.GetRoleOutput, error) {
	r, err := c.engine.role(in.RoleName)
	if err != nil {
		return nil, err
	}
	actual := c.engine.hand.actual(r)
	role := &types.Role{RoleName: &r.Physical, RoleId: aws.String("AROA" + strings.ToUpper(digest(17, r.Physical))), Path: aws.String("/"),
		Arn: aws.String("arn:aws:iam::" + r.account + ":role/" + r.Physical), CreateDate: &r.Updated,
		AssumeRolePolicyDocument: encoded(actual["AssumeRolePolicyDocument"])}
	if boundary := text(actual["PermissionsBoundary"]); boundary != "" {
		role.PermissionsBoundary = &types.AttachedPermissionsBoundary{PermissionsBoundaryArn: &boundary,
			PermissionsBoundaryType: types.PermissionsBoundaryAttachmentTypePolicy}
	}
	return &iam.GetRoleOutput{Role: role}, nil
}

// inline returns the policies in a role by name: of the role's own template, of IAM::Policy resources that name it, and by hand.
func (e *engine) inline(role *resource) map[string]any {
	out := map[string]any{}
	for _, item := range elements(role.Properties["Policies"]) {
		policy, _ := item.(map[string]any)
		out[text(policy["PolicyName"])] = policy["PolicyDocument"]
	}
	for _, policy := range e.existing("AWS::IAM::Policy", "") {
		if namesRole(policy.Properties["Roles"], role.Physical) && !e.hand.deleted[policy.Physical] {
			out[text(policy.Properties["PolicyName"])] = policy.Properties["PolicyDocument"]
		}
	}
	for name, document := range e.hand.policies[role.Physical] {
		if out[name] = document; document == nil {
			delete(out, name)
		}
	}
	return out
}

// namesRole reports whether a list of a template has a name.
func namesRole(list any, name string) bool {
	return slices.ContainsFunc(elements(list), func(v any) bool { return text(v) == name })
}

// listRolePolicies lists the names of the policies in a role.
func listRolePolicies(c *call, in *iam.ListRolePoliciesInput) (*iam.ListRolePoliciesOutput, error) {
	r, err := c.engine.role(in.RoleName)
	if err != nil {
		return nil, err
	}
	names := append([]string{}, slices.Sorted(maps.Keys(c.engine.inline(r)))...)
	return &iam.ListRolePoliciesOutput{PolicyNames: names}, nil
}

// getRolePolicy returns one of them.
func getRolePolicy(c *call, in *iam.GetRolePolicyInput) (*iam.GetRolePolicyOutput, error) {
	r, err := c.engine.role(in.RoleName)
	if err != nil {
		return nil, err
	}
	document, ok := c.engine.inline(r)[aws.ToString(in.PolicyName)]
	if !ok {
		return nil, &refusal{http.StatusNotFound, "NoSuchEntity",
			fmt.Sprintf("The role policy with name %s cannot be found.", aws.ToString(in.PolicyName))}
	}
	return &iam.GetRolePolicyOutput{RoleName: in.RoleName, PolicyName: in.PolicyName, PolicyDocument: encoded(document)}, nil
}

// listAttachedRolePolicies lists the managed policies of a role.
func listAttachedRolePolicies(c *call, in *iam.ListAttachedRolePoliciesInput) (*iam.ListAttachedRolePoliciesOutput, error) {
	r, err := c.engine.role(in.RoleName)
	if err != nil {
		return nil, err
	}
	var arns []string
	for _, arn := range elements(r.Properties["ManagedPolicyArns"]) {
		arns = append(arns, text(arn))
	}
	for _, policy := range c.engine.existing("AWS::IAM::ManagedPolicy", "") {
		if namesRole(policy.Properties["Roles"], r.Physical) {
			arns = append(arns, policy.Physical)
		}
	}
	out := &iam.ListAttachedRolePoliciesOutput{AttachedPolicies: []types.AttachedPolicy{}}
	for _, arn := range append(arns, c.engine.hand.attached[r.Physical]...) {
		out.AttachedPolicies = append(out.AttachedPolicies,
			types.AttachedPolicy{PolicyArn: &arn, PolicyName: aws.String(arn[strings.LastIndexByte(arn, '/')+1:])})
	}
	return out, nil
}

// deleteRolePolicy removes a policy from a role.
func deleteRolePolicy(c *call, in *iam.DeleteRolePolicyInput) (*iam.DeleteRolePolicyOutput, error) {
	r, err := c.engine.role(in.RoleName)
	if err != nil {
		return nil, err
	}
	delete(c.engine.hand.policies[r.Physical], aws.ToString(in.PolicyName))
	return &iam.DeleteRolePolicyOutput{}, nil
}

// detachRolePolicy detaches a managed policy from a role.
func detachRolePolicy(c *call, in *iam.DetachRolePolicyInput) (*iam.DetachRolePolicyOutput, error) {
	r, err := c.engine.role(in.RoleName)
	if err != nil {
		return nil, err
	}
	c.engine.hand.attached[r.Physical] = slices.DeleteFunc(c.engine.hand.attached[r.Physical],
		func(arn string) bool { return arn == aws.ToString(in.PolicyArn) })
	return &iam.DetachRolePolicyOutput{}, nil
}

// Document reads a policy document for PutPolicy.
func Document(text string) map[string]any {
	var out map[string]any
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		panic("cloudtest: " + err.Error())
	}
	return out
}
