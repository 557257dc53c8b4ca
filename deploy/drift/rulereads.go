package drift

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/pebble/spacel/deploy/cloud"
)

// liveRule is a rule as EC2 has it.
type liveRule struct {
	rule
	id, group, description string
}

// groupsPerCall is the number of values of a filter ("Maximum 200 values", EC2 User Guide, "List and filter using the CLI and API").
const groupsPerCall = 200

// readRules reads the rules of security groups by the group's id. A group that does not exist has none.
func readRules(ctx context.Context, region *cloud.Region, groups []string) (map[string][]liveRule, error) {
	const call = "ec2:DescribeSecurityGroupRules"
	out := map[string][]liveRule{}
	for some := range slices.Chunk(groups, groupsPerCall) {
		pages := ec2.NewDescribeSecurityGroupRulesPaginator(region.EC2(), &ec2.DescribeSecurityGroupRulesInput{
			Filters: []types.Filter{{Name: aws.String("group-id"), Values: some}}, MaxResults: aws.Int32(1000),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", call, cloud.Explain(err))
			}
			if page.SecurityGroupRules == nil {
				return nil, cloud.Incomplete(call, "no SecurityGroupRules")
			}
			for _, r := range page.SecurityGroupRules {
				group := aws.ToString(r.GroupId)
				if !slices.Contains(some, group) {
					return nil, cloud.Incomplete(call, "another group, "+group)
				}
				out[group] = append(out[group], newLiveRule(r))
			}
		}
	}
	return out, nil
}

// newLiveRule reads a rule of EC2's answer. Port -1 stands for all of them.
func newLiveRule(r types.SecurityGroupRule) liveRule {
	out := liveRule{id: aws.ToString(r.SecurityGroupRuleId), group: aws.ToString(r.GroupId), description: aws.ToString(r.Description),
		rule: rule{egress: aws.ToBool(r.IsEgress), protocol: aws.ToString(r.IpProtocol)}}
	if r.FromPort != nil {
		out.from = fmt.Sprint(*r.FromPort)
	}
	if r.ToPort != nil {
		out.to = fmt.Sprint(*r.ToPort)
	}
	// A rule has exactly one peer. A rule for several blocks in a request becomes several rules.
	switch {
	case r.CidrIpv4 != nil:
		out.peer = *r.CidrIpv4
	case r.CidrIpv6 != nil:
		out.peer = *r.CidrIpv6
	case r.PrefixListId != nil:
		out.peer = *r.PrefixListId
	case r.ReferencedGroupInfo != nil:
		out.peer = aws.ToString(r.ReferencedGroupInfo.GroupId)
	}
	out.rule = out.rule.normal()
	return out
}

// revokeRule removes a rule by its own id, so no other rule can go by mistake.
func revokeRule(ctx context.Context, region *cloud.Region, l liveRule) error {
	// The two calls take the same arguments. EC2 refuses a rule's id in the call for the other direction.
	var err error
	if l.egress {
		_, err = region.EC2().RevokeSecurityGroupEgress(ctx,
			&ec2.RevokeSecurityGroupEgressInput{GroupId: &l.group, SecurityGroupRuleIds: []string{l.id}})
	} else {
		_, err = region.EC2().RevokeSecurityGroupIngress(ctx,
			&ec2.RevokeSecurityGroupIngressInput{GroupId: &l.group, SecurityGroupRuleIds: []string{l.id}})
	}
	if err != nil {
		return fmt.Errorf("remove the rule %s of %s: %w", l.id, l.group, cloud.Explain(err))
	}
	return nil
}
