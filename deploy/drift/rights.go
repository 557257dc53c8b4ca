package drift

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/schedule"
)

const roleType = "AWS::IAM::Role"

// rights compares the roles of stacks with IAM.
type rights struct {
	*reading
	all []*deployed
}

// expectedRole is a role by the templates.
type expectedRole struct {
	of         *deployed
	id         string // logical
	properties map[string]any
	inline     map[string]expectedPolicy // by name
	attached   map[string]expectedPolicy // by ARN
}

// expectedPolicy is a policy of a role, with its resource: the role itself, or a policy's own.
type expectedPolicy struct {
	of       *deployed
	resource string
	property string
	document any
}

// Four things decide about a role: its trust policy names the principals, its permissions boundary limits it, inline policies and attached
// policies give rights. Other properties of a role, such as the session duration and tags, are left to CloudFormation's detection.
// Instance profiles and managed policies are, too: both types have it.

// compare compares the roles of some stacks. IAM has one endpoint for all regions, so the roles of all of them share its rate.
func (r rights) compare(ctx context.Context, stacks []*deployed) {
	var roles []expectedRole
	for _, d := range stacks {
		for _, id := range d.ofType(roleType) {
			roles = append(roles, r.expected(d, id))
		}
		r.people(d)
	}
	// schedule.Each limits the work for each region. All roles count as in one region, since IAM has one endpoint, and throttles an account
	// as a whole.
	oneEndpoint := func(int) string { return "" }
	_ = schedule.Each(ctx, len(roles), 0, oneEndpoint, func(ctx context.Context, i int) error {
		e := roles[i]
		role, err := readRole(ctx, r.cloud.Region(e.of.Region), e.of.resources[e.id].PhysicalID)
		switch {
		case err != nil:
			r.fail(e.of, e.id, err)
		case role == nil: // CloudFormation's detection says the same, where it runs
			r.add(e.of, e.id, Finding{Change: Removed, Text: "the role does not exist any more: somebody deleted it"})
		default:
			r.compareRole(e, role)
		}
		return nil // other roles are compared all the same
	})
}

// people names users and groups of IAM, to which somebody may have added policies that CloudFormation's detection does not see.
func (r rights) people(d *deployed) {
	for _, kind := range []string{"AWS::IAM::User", "AWS::IAM::Group"} {
		for _, id := range d.ofType(kind) {
			r.miss(Unchecked{StackRef: d.StackRef, Resource: id + " (policies added to it)", Type: kind,
				Why: "spacel reads the policies of roles only"})
		}
	}
}

// expected collects the policies of a role from all templates: its own, and those of resources that name it.
func (r rights) expected(d *deployed, id string) expectedRole {
	name := d.resources[id].PhysicalID
	e := expectedRole{of: d, id: id, properties: d.properties(id), inline: map[string]expectedPolicy{},
		attached: map[string]expectedPolicy{}}
	// Policies of all stacks count, not only those of the role's own: a policy may name a role by its parameter.
	policies, _ := e.properties["Policies"].([]any)
	for _, item := range policies {
		policy, _ := item.(map[string]any)
		e.inline[text(policy["PolicyName"])] = expectedPolicy{d, id, "Policies", policy["PolicyDocument"]}
	}
	arns, _ := e.properties["ManagedPolicyArns"].([]any)
	for _, arn := range arns {
		e.attached[text(arn)] = expectedPolicy{of: d, resource: id, property: "ManagedPolicyArns"}
	}
	for _, other := range r.all {
		if other.account() != d.account() {
			continue
		}
		for _, policy := range other.ofType("AWS::IAM::Policy") {
			p := other.properties(policy)
			if namesRole(p["Roles"], name) {
				e.inline[text(p["PolicyName"])] = expectedPolicy{other, policy, "PolicyDocument", p["PolicyDocument"]}
			}
		}
		for _, policy := range other.ofType("AWS::IAM::RolePolicy") {
			if p := other.properties(policy); text(p["RoleName"]) == name {
				e.inline[text(p["PolicyName"])] = expectedPolicy{other, policy, "PolicyDocument", p["PolicyDocument"]}
			}
		}
		for _, policy := range other.ofType("AWS::IAM::ManagedPolicy") {
			if p := other.properties(policy); namesRole(p["Roles"], name) { // Ref of a managed policy is its ARN
				e.attached[other.resources[policy].PhysicalID] = expectedPolicy{of: other, resource: policy, property: "Roles"}
			}
		}
	}
	return e
}

// namesRole reports whether a list of roles has a name.
func namesRole(roles any, name string) bool {
	return slices.ContainsFunc(listOf(roles), func(v any) bool { return text(v) == name })
}

// compareRole compares a role's rights, and the principals of its trust policy.
func (r rights) compareRole(e expectedRole, role *liveRole) {
	r.check(e.of, e.id)
	// CloudFormation's detection compares the trust policy and the boundary, too. These findings say more, and do not depend on it.
	gone, added := compareStatements(e.properties["AssumeRolePolicyDocument"], role.trust)
	r.statements(expectedPolicy{of: e.of, resource: e.id, property: "AssumeRolePolicyDocument"}, "who may use the role", gone, added)
	if want := text(e.properties["PermissionsBoundary"]); !fits(want, role.boundary) {
		f := Finding{Change: Changed, Property: "PermissionsBoundary", Expected: shownGap(want), Actual: role.boundary}
		f.Text = differs(roleType, f.Property, e.of.App() != "", cmp.Or(f.Expected, "(none)"), cmp.Or(role.boundary, "(none)"))
		r.add(e.of, e.id, f)
	}
	r.inline(e, role)
	r.attached(e, role)
}

// statements adds the statements that differ in one document. They are changes, which nothing removes one by one: IAM replaces a
// document as a whole.
func (r rights) statements(p expectedPolicy, what string, gone, added []string) {
	for _, statement := range gone {
		r.add(p.of, p.resource, Finding{Change: Removed, Property: p.property, Expected: statement,
			Text: what + ": somebody removed " + statement})
	}
	for _, statement := range added {
		r.add(p.of, p.resource, Finding{Change: Added, Property: p.property, Actual: statement,
			Text: what + ": somebody added " + statement})
	}
}

// inline compares the policies in a role. Names with a gap cannot be paired, so the policies of such templates are named as unknown.
func (r rights) inline(e expectedRole, role *liveRole) {
	for _, name := range slices.Sorted(maps.Keys(e.inline)) {
		p := e.inline[name]
		document, exists := role.inline[name]
		r.check(p.of, p.resource)
		if !exists {
			r.add(p.of, p.resource, Finding{Change: Removed, Property: p.property,
				Text: fmt.Sprintf("the policy %s is not in the role any more: somebody removed it", shownGap(name))})
			continue
		}
		gone, added := compareStatements(p.document, document)
		r.statements(p, "policy "+name, gone, added)
	}
	for _, name := range slices.Sorted(maps.Keys(role.inline)) {
		if _, known := e.inline[name]; known {
			continue
		}
		// The whole policy is one finding, since it is removed as a whole. Its statements are its words.
		var words []string
		for _, statement := range statements(role.inline[name]) {
			words = append(words, shownStatement(statement))
		}
		r.add(e.of, e.id, Finding{Change: Added, Property: "Policies", Actual: name, ID: e.of.String() + "/" + e.id + "/policy:" + name,
			Text: fmt.Sprintf("somebody added the policy %s: %s", name, strings.Join(words, "; ")),
			remove: func(ctx context.Context, region *cloud.Region) error {
				return deleteRolePolicy(ctx, region, role.name, name)
			}})
	}
}

// attached compares the managed policies of a role.
func (r rights) attached(e expectedRole, role *liveRole) {
	left := slices.Clone(role.attached)
	for _, arn := range slices.Sorted(maps.Keys(e.attached)) {
		p := e.attached[arn]
		r.check(p.of, p.resource)
		i := slices.IndexFunc(left, func(is string) bool { return fits(arn, is) })
		if i >= 0 {
			left = slices.Delete(left, i, i+1)
			continue
		}
		r.add(p.of, p.resource, Finding{Change: Removed, Property: p.property, Expected: shownGap(arn),
			Text: "somebody detached the policy " + shownGap(arn)})
	}
	for _, arn := range left {
		r.add(e.of, e.id, Finding{Change: Added, Property: "ManagedPolicyArns", Actual: arn,
			ID: e.of.String() + "/" + e.id + "/policy:" + arn, Text: "somebody attached the policy " + arn,
			remove: func(ctx context.Context, region *cloud.Region) error {
				return detachRolePolicy(ctx, region, role.name, arn)
			}})
	}
}

// shownGap writes an evaluated text for people: parts that only AWS knows as ….
func shownGap(value string) string { return gapPattern.ReplaceAllString(value, "…") }
