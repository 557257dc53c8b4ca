package values

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
)

// subnet is a subnet and its zone.
type subnet struct{ id, zoneID, zone string }

// zoneFinder asks EC2 and the orbit's table about subnets, volumes and their zones.
type zoneFinder struct{ *Resolver }

// subnets returns the subnets of an app's instances, as assembly.Subnets says. The value has the EBS volumes that move because of it.
func (r *Resolver) subnets(ctx context.Context, q question, s assembly.Subnets) (Value, error) {
	listed, err := r.output(ctx, q, s.Of)
	if err != nil || listed.Text == "" {
		return listed, err
	}
	ids := strings.Split(listed.Text, ",")
	kept, isKept := q.kept()
	if isKept && len(s.Zones) == 0 && isWithin(strings.Split(kept.Text, ","), ids) {
		return kept, nil
	}
	find := zoneFinder{r}
	all, err := find.describeSubnets(ctx, q.stack.Region, ids)
	if err != nil {
		return Value{}, err
	}
	if len(s.Volumes) == 0 {
		return chosen(q, all, s.Zones)
	}
	slots, err := find.volumeSlots(ctx, q.stack.Region, q.orbit(), s.Volumes)
	if err != nil {
		return Value{}, err
	}
	zones := s.Zones
	if len(zones) == 0 {
		if zones = zonesInUse(all, slots, s.Count); len(zones) == 0 {
			zones = find.firstZones(ctx, q, s)
		}
	}
	v, err := chosen(q, all, zones)
	if err != nil || v.Keep {
		return v, err
	}
	if v.Moves, err = find.moves(ctx, q.stack.Region, slots, zoneNames(all, zones)); err != nil {
		return Value{}, err
	}
	return v, tooLong(q.stack.Region, v.Moves, s.BootTimeout)
}

// isWithin reports whether all of some are in a list.
func isWithin(some, list []string) bool {
	return !slices.ContainsFunc(some, func(id string) bool { return !slices.Contains(list, id) })
}

// chosen returns the subnets in some zones, in the order of all of them. An unchanged value counts as kept.
func chosen(q question, all []subnet, zones []string) (Value, error) {
	var ids []string
	for _, s := range all {
		if slices.Contains(zones, s.zoneID) {
			ids = append(ids, s.id)
		}
	}
	if len(ids) < len(zones) {
		return Value{}, fmt.Errorf("the orbit has no subnet for each of the zones %s: deploy the orbit's VPC from this build first",
			strings.Join(zones, ", "))
	}
	text := strings.Join(ids, ",")
	if v, ok := q.kept(); ok && v.Text == text {
		return v, nil
	}
	return Value{Text: text}, nil
}

// describeSubnets finds the zones of subnets. The answer has the order of the ids.
func (r zoneFinder) describeSubnets(ctx context.Context, region string, ids []string) ([]subnet, error) {
	return r.subnetZones.To(region+" "+strings.Join(ids, ","), func() ([]subnet, error) {
		out, err := r.cloud.Region(region).EC2().DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{SubnetIds: ids})
		if err != nil {
			return nil, fmt.Errorf("find the zones of the orbit's subnets in %s: %w", region, cloud.Explain(err))
		}
		var all []subnet
		for _, s := range out.Subnets {
			all = append(all, subnet{aws.ToString(s.SubnetId), aws.ToString(s.AvailabilityZoneId), aws.ToString(s.AvailabilityZone)})
		}
		slices.SortFunc(all, func(a, b subnet) int { return cmp.Compare(slices.Index(ids, a.id), slices.Index(ids, b.id)) })
		if len(all) < len(ids) {
			return nil, fmt.Errorf("find the zones of the orbit's subnets in %s: %w", region,
				cloud.Incomplete("ec2:DescribeSubnets", fmt.Sprintf("%d of %d subnets", len(all), len(ids))))
		}
		return all, nil
	})
}

// zoneNames returns the names of zones such as us-east-1a, which the account has for their ids.
func zoneNames(all []subnet, zones []string) []string {
	var names []string
	for _, s := range all {
		if slices.Contains(zones, s.zoneID) {
			names = append(names, s.zone)
		}
	}
	return names
}

// zonesInUse returns the ids of the zones in which volumes are in use, so that an app that runs is not moved. When none is in use,
// they are the zones of the volumes used last, at most count.
func zonesInUse(all []subnet, slots []volumeSlot, count int) []string {
	var zones []string
	for _, s := range slots { // those in use come first
		at := slices.IndexFunc(all, func(n subnet) bool { return n.zone == s.zone })
		if at < 0 || slices.Contains(zones, all[at].zoneID) || !s.inUse && (len(zones) >= count || slots[0].inUse) {
			continue
		}
		zones = append(zones, all[at].zoneID)
	}
	return zones
}

// firstZones chooses the zones of a new app: always the same for one app, and different ones for different apps. Zones that lack one of
// the instance types are passed over, if EC2 says so.
func (r zoneFinder) firstZones(ctx context.Context, q question, s assembly.Subnets) []string {
	candidates := slices.Clone(s.Candidates)
	if offering := r.offering(ctx, q.stack.Region, s.InstanceTypes); len(offering) > 0 {
		fit := slices.DeleteFunc(slices.Clone(candidates), func(zone string) bool { return offering[zone] < len(s.InstanceTypes) })
		if len(fit) > 0 {
			candidates = fit
		}
	}
	hash := fnv.New32a()
	hash.Write([]byte(q.orbit() + "/" + q.stack.Tags[document.TagApp]))
	first := int(hash.Sum32() % uint32(len(candidates)))
	turned := append(slices.Clone(candidates[first:]), candidates[:first]...)
	return turned[:min(s.Count, len(turned))]
}

// offering counts, for each zone id, how many of the instance types it has. It is empty when EC2 does not answer: the choice then goes
// without it, and a launch that fails says why.
func (r zoneFinder) offering(ctx context.Context, region string, kinds []string) map[string]int {
	zones := map[string]int{}
	pages := ec2.NewDescribeInstanceTypeOfferingsPaginator(r.cloud.Region(region).EC2(), &ec2.DescribeInstanceTypeOfferingsInput{
		LocationType: ec2types.LocationTypeAvailabilityZoneId,
		Filters:      []ec2types.Filter{{Name: aws.String("instance-type"), Values: kinds}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil
		}
		for _, o := range page.InstanceTypeOfferings {
			zones[aws.ToString(o.Location)]++
		}
	}
	return zones
}
