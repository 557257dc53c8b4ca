package compiler

import (
	"strconv"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
)

// groupSizes are the sizes of the app's group in the template. Without a desired capacity (nil) the group begins with its minimum, and
// updates leave the capacity as scaling has set it.
type groupSizes struct {
	least, most, desired cfn.Value
	first                cfn.Value // how many signals a new group waits for; nil: none
}

// sizes returns the sizes. A red-black update makes a new group, which would begin with the minimum: its sizes are parameters, which
// deploy takes from the old group. The limits are parameters only when schedules move them: a schedule sets the limits of the new
// group at its next time, perhaps tomorrow.
func sizes(app *schema.AppRegion, p *part) groupSizes {
	s := groupSizes{least: textOf(app.InstanceMin), most: textOf(app.InstanceMax)}
	if app.InstanceDesired != nil {
		s.desired = textOf(*app.InstanceDesired)
	}
	if first := firstSize(app); first > 0 {
		s.first = cfn.Int(first)
	}
	if app.UpdatePolicy != schema.RedBlack || app.FixedSize() {
		return s
	}
	desired := groupSize(app, assembly.SizeDesired)
	desired.Default = max(firstSize(app), 1) // CloudFormation waits for one signal at least
	desired.Min = max(desired.Min, 1)
	id := "Capacity"
	if app.InstanceDesired != nil {
		id = numbered(id, *app.InstanceDesired)
	}
	s.desired = p.parameter(id, cfn.Parameter{
		Type: "Number", Description: "How many instances a new group begins with: as many as the old one has.",
	}, assembly.ValueFrom{GroupSize: &desired}).Ref()
	s.first = s.desired
	if desired.ScheduledMin {
		least := groupSize(app, assembly.SizeMin)
		least.Default = app.InstanceMin
		s.least = p.parameter(numbered(assembly.ParameterCapacityMin, app.InstanceMin), cfn.Parameter{
			Type: "Number", Description: "The fewest instances of a new group: as a schedule has set it.",
		}, assembly.ValueFrom{GroupSize: &least}).Ref()
	}
	if desired.ScheduledMax {
		most := groupSize(app, assembly.SizeMax)
		most.Default = app.InstanceMax
		s.most = p.parameter(numbered(assembly.ParameterCapacityMax, app.InstanceMax), cfn.Parameter{
			Type: "Number", Description: "The most instances of a new group: as a schedule has set it.",
		}, assembly.ValueFrom{GroupSize: &most}).Ref()
	}
	return s
}

// groupSize returns the source of a size, without its default.
func groupSize(app *schema.AppRegion, of string) assembly.GroupSize {
	size := assembly.GroupSize{Of: of, Min: app.InstanceMin, Max: app.InstanceMax}
	for _, schedule := range app.Scaling.Schedules {
		size.ScheduledMin = size.ScheduledMin || schedule.Min != nil
		size.ScheduledMax = size.ScheduledMax || schedule.Max != nil
	}
	return size
}

// numbered puts the manifest's number into a parameter's name. When the number changes, it is another parameter, whose value deploy
// does not keep.
func numbered(id string, n int) string { return id + strconv.Itoa(n) }

// textOf returns a number as CloudFormation takes sizes.
func textOf(n int) cfn.Value { return cfn.String(strconv.Itoa(n)) }

// awaited makes CloudFormation wait for every instance of a new group; nil when there is none to wait for.
func (s groupSizes) awaited(app *schema.AppRegion) *cfn.CreationPolicy {
	if s.first == nil {
		return nil
	}
	return &cfn.CreationPolicy{ResourceSignal: cfn.ResourceSignal{Count: s.first, Timeout: signalDuration(app)}}
}
