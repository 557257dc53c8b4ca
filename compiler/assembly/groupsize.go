package assembly

// GroupSize is a number that deploy takes from the app's live auto scaling group, when a change replaces the group's instances. Other
// changes keep the deployed value, so that scaling makes no difference between an artifact and its stack.
type GroupSize struct {
	Of      string `json:"of"`      // SizeDesired, SizeMin, SizeMax or SizeInService
	Default int    `json:"default"` // of a new app, and after the manifest's own number changed

	// Min and Max are the manifest's limits of the number of instances. A limit that schedules move is the live group's.
	Min          int  `json:"min"`
	Max          int  `json:"max"`
	ScheduledMin bool `json:"scheduledMin,omitempty"`
	ScheduledMax bool `json:"scheduledMax,omitempty"`

	Batch      int  `json:"batch,omitempty"`      // of SizeInService: MaxBatchSize
	MinHealthy *int `json:"minHealthy,omitempty"` // of SizeInService: percent of the instances that stay in service
}

// The numbers of a group.
const (
	SizeDesired   = "desired"   // of a new group: the desired capacity of the old one
	SizeMin       = "min"       // of a new group: the minimum that a schedule has set
	SizeMax       = "max"       // of a new group: the maximum that a schedule has set
	SizeInService = "inService" // MinInstancesInService of a rolling update
)

// Sizes are the sizes of a live group.
type Sizes struct{ Min, Desired, Max int }

// The parameters of a group's limits. The manifest's number follows in their names.
const (
	ParameterCapacityMin = "CapacityMin"
	ParameterCapacityMax = "CapacityMax"
)

// From returns the number for a live group.
func (s GroupSize) From(live Sizes) int {
	least, most := s.Min, s.Max
	if s.ScheduledMin {
		least = live.Min
	}
	if s.ScheduledMax {
		most = live.Max
	}
	least = min(least, most)
	switch s.Of {
	case SizeMin:
		return least
	case SizeMax:
		return most
	case SizeDesired:
		return min(max(live.Desired, least, 1), max(most, 1))
	}
	return s.inService(min(max(live.Desired, least), most), min(s.Max, most))
}

// inService returns MinInstancesInService for a number of instances. CloudFormation enlarges a group until this number and a batch fit
// in, and terminates first when they do not fit into the maximum. Without MinHealthy a group keeps its instances as far as the maximum
// leaves room for a batch. With it the group keeps that percentage, and smaller batches when there is no room. CloudFormation refuses
// the maximum itself.
func (s GroupSize) inService(instances, most int) int {
	if s.MinHealthy == nil {
		return max(min(instances, most-s.Batch), 0)
	}
	return max(min((instances**s.MinHealthy+99)/100, most-1), 0)
}

// Allows reports whether a deployed value is still possible with the manifest's limits.
func (s GroupSize) Allows(value int) bool {
	switch s.Of {
	case SizeInService:
		return value >= 0 && value < s.Max
	case SizeDesired:
		return (s.ScheduledMin || value >= s.Min) && (s.ScheduledMax || value <= s.Max)
	}
	return value >= 0
}
