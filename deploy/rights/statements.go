package rights

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pebble/spacel/agent/document"
)

// grant allows one action on some resources, under a condition.
type grant struct {
	sid       string // "" for a numbered one
	action    string
	resources []string
	condition condition
	anywhere  bool // in regions outside of the pipeline, too
}

// condition is an IAM condition: operator → key → values. A policy allows an action if every condition of the statement holds.
type condition map[string]map[string][]string

// with returns the condition with one more key.
func (c condition) with(operator, key string, values ...string) condition {
	out := condition{}
	for op, keys := range c {
		out[op] = maps.Clone(keys)
	}
	if out[operator] == nil {
		out[operator] = map[string][]string{}
	}
	out[operator][key] = values
	return out
}

// grants are grants by their action, statement and condition.
type grants map[string]*grant

// add adds resources to the grant of an action.
func (all grants) add(g grant) {
	key := fmt.Sprint(g.action, "\x00", g.sid, "\x00", g.condition)
	old, known := all[key]
	if !known {
		g.resources = slices.Clone(g.resources) // several actions are given one list
		all[key] = &g
		return
	}
	old.resources = append(old.resources, g.resources...)
}

// globalServices are the services whose calls go to one region whatever the pipeline's regions are, and S3, whose buckets may be
// elsewhere. A condition on the region would refuse them.
var globalServices = []string{"cloudfront", "iam", "route53", "s3", "sts"}

// statements joins the grants: actions with equal resources and conditions are one statement.
func (s *scope) statements(all grants) []Statement {
	byPlace := map[string]*Statement{}
	for _, g := range all {
		slices.Sort(g.resources)
		g.resources = withoutCovered(slices.Compact(g.resources))
		service, _, _ := strings.Cut(g.action, ":")
		if !slices.Contains(globalServices, service) && g.sid == "" && !g.anywhere {
			g.condition = g.condition.with("StringEquals", "aws:RequestedRegion", s.regions...)
		}
		// Printed maps are sorted by key, so that equal conditions have equal texts.
		key := fmt.Sprint(g.sid, g.resources, g.condition)
		made, known := byPlace[key]
		if !known {
			made = &Statement{Sid: g.sid, Effect: "Allow", Resource: g.resources, Condition: g.condition}
			byPlace[key] = made
		}
		made.Action = append(made.Action, g.action)
	}
	var out []Statement
	for _, key := range slices.Sorted(maps.Keys(byPlace)) {
		made := byPlace[key]
		made.Action = uncovered(made.Action)
		out = append(out, *made)
	}
	// The order is that of the services, so that related statements are in one policy.
	slices.SortStableFunc(out, func(a, b Statement) int { return strings.Compare(a.Action[0], b.Action[0]) })
	return out
}

// cryptography are the actions of KMS that use a key. Handlers ask for them for customers' keys. They would decrypt the apps' secrets,
// so they are allowed only to the service that stores the data.
var cryptography = []string{"kms:CreateGrant", "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext",
	"kms:ReEncrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:RevokeGrant"}

// bounded are the actions for which IAM knows the boundary of the role (Service Authorization Reference, condition key
// iam:PermissionsBoundary), as far as templates need them. With a boundary, a role without it can neither be made nor get rights.
var bounded = []string{"iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy",
	"iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy"}

// grantForType allows an action that CloudFormation calls for a type of resource.
func (s *scope) grantForType(all grants, kind, action string) {
	g := grant{action: action, resources: s.resourcesFor(kind, action), condition: condition{}}
	// The first case that holds decides: the condition on a boundary is narrower than any other on the same action.
	switch boundary := s.bounds; {
	case action == "iam:DeleteRolePermissionsBoundary" && boundary != "", action == "iam:CreateServiceLinkedRole":
		return // see grantCalls for service-linked roles
	case boundary != "" && slices.Contains(bounded, action):
		g.condition = g.condition.with("StringEquals", "iam:PermissionsBoundary", boundary)
	case action == "iam:PassRole":
		if len(s.services) == 0 {
			return // no role in the stacks
		}
		g.condition = g.condition.with("StringEquals", "iam:PassedToService", s.services...)
	case strings.HasPrefix(kind, "AWS::SecretsManager::") && secretValue.MatchString(action):
		// A secret's name begins with its logical id, which another app's may have, too. CloudFormation tags both at their creation.
		g.condition = s.ofStack(g.condition)
	case slices.Contains(cryptography, action):
		g.condition = g.condition.with("StringEquals", "kms:ViaService", s.storing(kind)...)
	}
	all.add(g)
}

// tagging matches the actions on tags. Each service has one for all of its resource types.
var tagging = regexp.MustCompile(`:(Add|Remove|List)?(Un)?[Tt]ag`)

// resourcesFor returns the resources of an action for a type of resource. An action on tags is for resources of this type only.
func (s *scope) resourcesFor(kind, action string) []string {
	if tagging.MatchString(action) {
		for _, of := range resourcesOf(action) {
			if namings[of.service+" "+of.kind].kind == kind {
				return s.arns(of)
			}
		}
	}
	return s.resources(action)
}

// secretValue matches the actions that read or write a secret's value.
var secretValue = regexp.MustCompile(`:(Get|Put)SecretValue$`)

// ofStack returns the condition for resources with the tags of this orbit, and of one of the pipeline's apps.
func (s *scope) ofStack(c condition) condition {
	const tag = "aws:ResourceTag/"
	c = c.with("StringEquals", tag+document.TagOrbit, s.orbit)
	if len(s.Apps) > 0 {
		c = c.with("StringEquals", tag+document.TagApp, slices.Sorted(slices.Values(s.Apps))...)
	}
	return c
}

// resources returns the resources of an action in the stacks, or * where IAM knows none. Many resources ask for the same action.
func (s *scope) resources(action string) []string {
	if known := s.answered[action]; known != nil {
		return known
	}
	out := s.find(action)
	s.answered[action] = out
	return out
}

// find is resources for the first time.
func (s *scope) find(action string) []string {
	var out []string
	for _, of := range resourcesOf(action) {
		out = append(out, s.arns(of)...)
	}
	if len(out) == 0 {
		return []string{"*"}
	}
	return out
}

// storing returns the service of a resource type, as KMS names the service that calls it: rds.us-east-1.amazonaws.com.
func (s *scope) storing(kind string) []string {
	// The condition's value is the endpoint of the service that calls KMS for the caller
	// (https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html, kms:ViaService).
	service := strings.ToLower(strings.Split(kind, "::")[1])
	var out []string
	for _, region := range s.regions {
		out = append(out, service+"."+region+".amazonaws.com")
	}
	return out
}

// boundary returns the permissions boundary of the stacks' roles, "" if one has none. The compiler puts one on all of them.
func (s *scope) boundary() string {
	found := ""
	for _, stack := range s.stacks {
		for _, r := range stack.resources {
			if r.Type != "AWS::IAM::Role" {
				continue
			}
			// One role without a boundary is enough for the demand to refuse the whole stack.
			written, has := r.Properties["PermissionsBoundary"]
			if !has {
				return ""
			}
			found = strings.ReplaceAll(stack.text(written), "arn:*:iam::*:", "arn:aws:iam::"+s.Account+":")
		}
	}
	return found
}

// passedTo returns the services that may assume the stacks' roles, sorted.
func (s *scope) passedTo() []string {
	var out []string
	for _, stack := range s.stacks {
		for _, r := range stack.resources {
			if r.Type == "AWS::IAM::Role" {
				out = append(out, principals(r.Properties["AssumeRolePolicyDocument"])...)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// principals returns the services in a trust policy.
func principals(document any) []string {
	policy, _ := document.(map[string]any)
	statements, many := policy["Statement"].([]any)
	if !many {
		statements = []any{policy["Statement"]}
	}
	var out []string
	for _, each := range statements {
		statement, _ := each.(map[string]any)
		principal, _ := statement["Principal"].(map[string]any)
		services, many := principal["Service"].([]any)
		if !many {
			services = []any{principal["Service"]}
		}
		for _, service := range services {
			if name, ok := service.(string); ok {
				out = append(out, name)
			}
		}
	}
	return out
}
