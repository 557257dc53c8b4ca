package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	cloudformation "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/doctor"
)

const ruleType = "AWS::EC2::SecurityGroupIngress"

// managedWeights are the weights of AWS's own prefix lists, by the end of their names, of those above 1. They have no maximum number of
// entries in the API. https://docs.aws.amazon.com/vpc/latest/userguide/working-with-aws-managed-prefix-lists.html
var managedWeights = map[string]int{
	".cloudfront.origin-facing": 55, ".ipv6.cloudfront.origin-facing": 55, ".groundstation": 5, ".route53-healthchecks": 25,
	".ipv6.route53-healthchecks": 25, ".vpc-lattice": 10, ".ipv6.vpc-lattice": 10,
}

// defaultRules is the quota of rules into a security group, unless AWS has raised it (VPC User Guide, "Amazon VPC quotas").
const defaultRules = 60

// crowdedGroups warns of security groups with more rules than the quota. A rule whose source is a prefix list counts as many rules as the
// list's maximum number of entries, which only AWS knows, whatever the number of its entries.
func (p *part) crowdedGroups(ctx context.Context) []string {
	if !slices.ContainsFunc(p.plan.Changes, func(c Change) bool {
		return c.Type == ruleType && c.Action != string(cloudformation.ChangeActionRemove)
	}) {
		return nil
	}
	whole, err := p.template.whole()
	if err != nil {
		return []string{err.Error()}
	}
	groups := map[string][]string{} // group → the prefix list of each rule, "" for another source
	lists := map[string]bool{}
	for _, r := range whole.Resources {
		if r.Type != ruleType {
			continue
		}
		list, _ := r.Properties["SourcePrefixListId"].(string)
		group, _ := json.Marshal(r.Properties["GroupId"])
		groups[string(group)] = append(groups[string(group)], list)
		lists[list] = lists[list] || list != ""
	}
	delete(lists, "")
	if len(lists) == 0 {
		return nil // the build has counted the others
	}
	in := p.cloud.Region(p.spec.Region)
	weights, err := weightsOf(ctx, in, slices.Sorted(maps.Keys(lists)))
	if err != nil {
		return nil
	}
	quota := defaultRules
	if n, err := doctor.Limit(ctx, in, doctor.QuotaRules); err == nil {
		quota = n
	}
	var out []string
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		total, heavy := 0, map[string]bool{}
		for _, list := range groups[group] {
			total += max(weights[list], 1)
			if weights[list] > 1 {
				heavy[fmt.Sprintf("%s counts as %d", list, weights[list])] = true
			}
		}
		if total > quota {
			out = append(out, fmt.Sprintf("%s: the security group %s has rules that count as %d, and AWS allows %d: %s; use the list "+
				"for fewer "+
				"ports, make a list with fewer entries at most, or ask for a higher quota of rules per security group",
				p.ref(), logicalIDIn(group), total, quota, strings.Join(slices.Sorted(maps.Keys(heavy)), ", ")))
		}
	}
	return out
}

// logicalIDIn returns the logical id in a reference such as {"Fn::GetAtt": ["BalancerSg", "GroupId"]}.
func logicalIDIn(reference string) string {
	var r struct {
		Att []string `json:"Fn::GetAtt"`
		Ref string
	}
	if err := json.Unmarshal([]byte(reference), &r); err == nil && len(r.Att) > 0 {
		return r.Att[0]
	}
	return strings.Trim(reference, `"`)
}

// weightsOf returns the number of rules that each prefix list counts as.
func weightsOf(ctx context.Context, in *cloud.Region, lists []string) (map[string]int, error) {
	weights := map[string]int{}
	pages := ec2.NewDescribeManagedPrefixListsPaginator(in.EC2(), &ec2.DescribeManagedPrefixListsInput{PrefixListIds: lists})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, l := range page.PrefixLists {
			n := int(aws.ToInt32(l.MaxEntries))
			for name, weight := range managedWeights {
				if n == 0 && strings.HasSuffix(aws.ToString(l.PrefixListName), name) {
					n = weight
				}
			}
			weights[aws.ToString(l.PrefixListId)] = n
		}
	}
	return weights, nil
}
