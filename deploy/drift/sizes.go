package drift

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"github.com/pebble/spacel/deploy/groups"
	"github.com/pebble/spacel/deploy/schedule"
)

const (
	groupType  = "AWS::AutoScaling::AutoScalingGroup"
	launchType = "AWS::EC2::LaunchTemplate"
)

// sizes compares auto scaling groups: their limits, and the launch template version that new instances get. The desired capacity is
// AWS's own: scaling policies change it all the time.
type sizes struct{ *reading }

// The limits of a group may be a parameter: deploy keeps them there for apps with redblack and schedules. The parameter's value counts, and
// it is the one of the last deployment. Scheduled actions of somebody else are not known, and their sizes are a difference.

// compare compares the groups of some stacks, all of a region in one call.
func (s sizes) compare(ctx context.Context, stacks []*deployed) {
	byRegion := map[string][]*deployed{}
	var regions []string
	for _, d := range stacks {
		if byRegion[d.Region] == nil {
			regions = append(regions, d.Region)
		}
		byRegion[d.Region] = append(byRegion[d.Region], d)
	}
	_ = schedule.Each(ctx, len(regions), 0, func(i int) string { return regions[i] }, func(ctx context.Context, i int) error {
		s.compareRegion(ctx, regions[i], byRegion[regions[i]])
		return nil
	})
}

// compareRegion compares the groups of one region.
func (s sizes) compareRegion(ctx context.Context, region string, stacks []*deployed) {
	var names []string
	for _, d := range stacks {
		for _, id := range d.ofType(groupType) {
			names = append(names, d.resources[id].PhysicalID)
		}
	}
	// A stack of the orbit has at most a few groups, so a region costs one call.
	found, err := groups.Read(ctx, s.cloud.Region(region), names...)
	for _, d := range stacks {
		for _, id := range d.ofType(groupType) {
			group, exists := found[d.resources[id].PhysicalID]
			switch {
			case err != nil:
				s.fail(d, id, fmt.Errorf("sizes and launch template: autoscaling:DescribeAutoScalingGroups: %w", err))
			case !exists:
				s.add(d, id, Finding{Change: Removed,
					Text: "the group does not exist any more: somebody deleted " + d.resources[id].PhysicalID})
			default:
				s.check(d, id)
				s.limits(d, id, group)
				s.launch(ctx, d, id, group)
			}
		}
	}
}

// limits compares the minimum and the maximum. A schedule of the template changes them by itself, and spacel scale for some time.
func (s sizes) limits(d *deployed, id string, group types.AutoScalingGroup) {
	properties := d.properties(id)
	for name, size := range map[string]*int32{"MinSize": group.MinSize, "MaxSize": group.MaxSize} {
		written, is := text(properties[name]), fmt.Sprint(aws.ToInt32(size))
		want, remark := d.expectedSize(group, name, written, is)
		// A size missing in the template is no one's, and MinSize and MaxSize are required in AWS's answer.
		if size == nil || written == "" || fits(want, is) || slices.Contains(d.scheduled(id, name), is) {
			continue
		}
		s.add(d, id, Finding{Change: Changed, Property: name, Expected: want, Actual: is,
			Text: differs(groupType, name, d.App() != "", written, is) + remark, repair: setSize(d.resources[id].PhysicalID, name, want)})
	}
}

// scheduled returns the sizes in the scheduled actions of a group.
func (d *deployed) scheduled(group, property string) []string {
	var out []string
	for _, id := range d.ofType("AWS::AutoScaling::ScheduledAction") {
		properties := d.properties(id)
		if size := text(properties[property]); size != "" && text(properties["AutoScalingGroupName"]) == d.resources[group].PhysicalID {
			out = append(out, size)
		}
	}
	return out
}

// launch compares the launch template of a group with the template's, and the content of its version.
func (s sizes) launch(ctx context.Context, d *deployed, id string, group types.AutoScalingGroup) {
	// The version's number is not compared. A refresh by hand, or a rollback, leaves another number with the same content
	// (aws-cloudformation/cloudformation-coverage-roadmap #1470).
	used := usedTemplate(group)
	want := d.launchTemplate(id)
	switch {
	case want == "" && used == nil:
		return // a launch configuration, which nobody can change
	case used == nil || aws.ToString(used.LaunchTemplateId) == "":
		s.add(d, id, Finding{Change: Removed, Property: "LaunchTemplate", Expected: shownGap(want),
			Text: "the group has no launch template any more"})
		return
	case !fits(want, *used.LaunchTemplateId):
		s.add(d, id, Finding{Change: Changed, Property: "LaunchTemplate", Expected: shownGap(want), Actual: *used.LaunchTemplateId,
			Text: differs(groupType, "LaunchTemplate", d.App() != "", shownGap(want), *used.LaunchTemplateId)})
		return
	}
	logical := d.logical(*used.LaunchTemplateId)
	if logical == "" || d.template.Resources[logical].Type != launchType {
		return // of another stack, which is compared by itself
	}
	versions(s).compare(ctx, d, logical, used)
}

// usedTemplate returns the launch template of a group, also of one with several instance types.
func usedTemplate(group types.AutoScalingGroup) *types.LaunchTemplateSpecification {
	if mixed := group.MixedInstancesPolicy; mixed != nil && mixed.LaunchTemplate != nil {
		return mixed.LaunchTemplate.LaunchTemplateSpecification
	}
	return group.LaunchTemplate
}

// launchTemplate returns the id of a group's launch template by its template.
func (d *deployed) launchTemplate(id string) string {
	properties := d.properties(id)
	specification, _ := properties["LaunchTemplate"].(map[string]any)
	if mixed, ok := properties["MixedInstancesPolicy"].(map[string]any); ok {
		launch, _ := mixed["LaunchTemplate"].(map[string]any)
		specification, _ = launch["LaunchTemplateSpecification"].(map[string]any)
	}
	if specification == nil {
		return ""
	}
	if name := text(specification["LaunchTemplateId"]); name != "" {
		return name
	}
	return gap // by its name
}
