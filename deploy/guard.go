package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/deploy/live"
)

// guard refuses changes that CloudFormation would begin and could not finish.
func (p planner) guard(ctx context.Context, plan stackPlan) error {
	for _, c := range plan.Changes {
		if c.Type == "AWS::EC2::VPC" && c.ends() {
			return refuse("%s: %sthis would replace the VPC (%s), with everything of every app in it, which cannot succeed: "+
				"make a new orbit, move the apps, remove the old one", p.ref(), place(c.Origin), c.PhysicalID)
		}
	}
	return p.guardSubnets(ctx, plan)
}

// ends reports whether the change deletes the physical resource.
func (c Change) ends() bool {
	return c.Action == string(types.ChangeActionRemove) || c.Replacement == string(types.ReplacementTrue)
}

// guardSubnets refuses to delete subnets in which apps have instances. CloudFormation fails to delete such a subnet, leaves it
// behind outside of the stack, and reports success.
func (p planner) guardSubnets(ctx context.Context, plan stackPlan) error {
	var gone []Change
	for _, c := range plan.Changes {
		if (c.Type == "AWS::EC2::Subnet" || c.Type == "AWS::EC2::VPCCidrBlock") && c.ends() {
			gone = append(gone, c)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	stacks, err := p.live.List(ctx, p.spec.Region, p.orbit)
	if err != nil {
		return err
	}
	var users []string
	for _, s := range stacks {
		if s.Name != p.spec.Name && isDeployed(s) && slices.ContainsFunc(gone, func(c Change) bool { return uses(s, c, plan.deployed) }) {
			users = append(users, s.Name)
		}
	}
	if len(users) == 0 {
		return nil
	}
	return refuse("%s: %sthis would delete %s %s, which %s still use: "+
		"remove those stacks in %s first (spacel destroy), deploy this, and deploy them again",
		p.ref(), place(gone[0].Origin), gone[0].Type, listChanges(gone), strings.Join(users, ", "), p.spec.Region)
}

// listChanges returns the logical ids of changes, for a message.
func listChanges(changes []Change) string {
	var ids []string
	for _, c := range changes {
		ids = append(ids, c.LogicalID)
	}
	return strings.Join(ids, ", ")
}

// uses reports whether a stack has the id of a deleted resource among its parameters. A block of addresses belongs to the whole
// VPC, so every stack with the VPC's id uses it.
func uses(s *live.Stack, c Change, vpc *live.Stack) bool {
	id := c.PhysicalID
	if c.Type == "AWS::EC2::VPCCidrBlock" {
		id = vpc.Outputs[document.OutputVPC]
	}
	for _, value := range s.Parameters {
		if id != "" && slices.Contains(strings.Split(value, ","), id) {
			return true
		}
	}
	return false
}

// routingWarnings warns of host names in use whose routing changes.
func (s *stack) routingWarnings(changes []Change) []string {
	var out []string
	for _, c := range changes {
		if c.Type == "AWS::Route53::RecordSet" && c.Action == string(types.ChangeActionModify) && c.changesRouting() {
			out = append(out, fmt.Sprintf("%s: %s%s changes how a live host name is routed, "+
				"and Route 53 refuses two kinds of routing for one name: "+
				"if other regions have it, take the host name out, deploy, and write it again", s.ref(), place(c.Origin), c.LogicalID))
		}
	}
	return out
}

// changesRouting reports whether a record gets or loses a kind of routing (Route 53 API, ResourceRecordSet). Another weight is
// the same kind.
func (c Change) changesRouting() bool {
	return slices.ContainsFunc(c.Properties, func(p PropertyChange) bool {
		switch name, _, _ := strings.Cut(p.Path, "."); name {
		case "Region", "Weight", "Failover", "GeoLocation", "GeoProximityLocation", "MultiValueAnswer", "CidrRoutingConfig":
			// A routing property that appears or disappears changes the kind. A changed value does not.
			return p.Change != string(types.AttributeChangeTypeModify)
		}
		return false
	})
}

// place writes an origin in front of a message.
func place(origin string) string {
	if origin == "" {
		return ""
	}
	return origin + ": "
}
