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
func (j *job) guard(ctx context.Context) error {
	for _, c := range j.plan.Changes {
		if c.Type == "AWS::EC2::VPC" && ends(c) {
			return refuse("%s: %sthis would replace the VPC (%s), with everything of every app in it, which cannot succeed: make a new orbit, move the apps, remove the old one",
				j.ref(), place(c.Origin), c.PhysicalID)
		}
	}
	return j.guardSubnets(ctx)
}

// ends says that the physical resource goes.
func ends(c Change) bool {
	return c.Action == string(types.ChangeActionRemove) || c.Replacement == string(types.ReplacementTrue)
}

// guardSubnets refuses to take subnets away that apps stand in: CloudFormation would leave what it cannot delete behind, out
// of the stack, and report success.
func (j *job) guardSubnets(ctx context.Context) error {
	var gone []Change
	for _, c := range j.plan.Changes {
		if (c.Type == "AWS::EC2::Subnet" || c.Type == "AWS::EC2::VPCCidrBlock") && ends(c) {
			gone = append(gone, c)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	stacks, err := j.live.List(ctx, j.stack.Region, j.orbit)
	if err != nil {
		return err
	}
	users := j.users(stacks, gone)
	if len(users) == 0 {
		return nil
	}
	return refuse("%s: %sthis would delete %s %s, which %s still use: remove those stacks in %s first (spacel destroy), deploy this, and deploy them again",
		j.ref(), place(gone[0].Origin), gone[0].Type, listChanges(gone), strings.Join(users, ", "), j.stack.Region)
}

func listChanges(changes []Change) string {
	var ids []string
	for _, c := range changes {
		ids = append(ids, c.LogicalID)
	}
	return strings.Join(ids, ", ")
}

// users are the names of the stacks that use what goes: those that were given its id, or for a block of addresses of the whole
// VPC, all that were given the VPC's.
func (j *job) users(stacks []*live.Stack, gone []Change) []string {
	var names []string
	for _, s := range stacks {
		if s.Name != j.stack.Name && deployed(s) && slices.ContainsFunc(gone, func(c Change) bool { return j.uses(s, c) }) {
			names = append(names, s.Name)
		}
	}
	return names
}

func (j *job) uses(s *live.Stack, c Change) bool {
	id := c.PhysicalID
	if c.Type == "AWS::EC2::VPCCidrBlock" {
		id = j.deployed.Outputs[document.OutputVPC]
	}
	for _, value := range s.Parameters {
		if id != "" && slices.Contains(strings.Split(value, ","), id) {
			return true
		}
	}
	return false
}

// recordWarnings are of host names whose routing changes while they are in use.
func (j *job) recordWarnings() []string {
	var out []string
	for _, c := range j.plan.Changes {
		if c.Type == "AWS::Route53::RecordSet" && c.Action == string(types.ChangeActionModify) && changesRouting(c) {
			out = append(out, fmt.Sprintf("%s: %s%s changes how a live host name is routed, and Route 53 refuses two kinds of routing for one name: "+
				"if other regions have it, take the host name out, deploy, and write it again", j.ref(), place(c.Origin), c.LogicalID))
		}
	}
	return out
}

// changesRouting says that a record gets or loses a kind of routing (Route 53 API, ResourceRecordSet). Another weight is no
// other kind.
func changesRouting(c Change) bool {
	return slices.ContainsFunc(c.Properties, func(p PropertyChange) bool {
		switch name, _, _ := strings.Cut(p.Path, "."); name {
		case "Region", "Weight", "Failover", "GeoLocation", "GeoProximityLocation", "MultiValueAnswer", "CidrRoutingConfig":
			return (p.Before == "") != (p.After == "")
		}
		return false
	})
}
