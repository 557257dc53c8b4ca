package schema

import (
	"strconv"
	"strings"
)

// maxBatch is the largest batch of a rolling update (CloudFormation Template Reference, "UpdatePolicy attribute", MaxBatchSize).
const maxBatch = 100

// update returns the pace of rolling updates.
func (b appBuilder) update(a *AppRegion) Update {
	r := b.section.Child("update", nil)
	u := Update{Node: r.Node(), Batch: 1}
	if r.Has("batch") && !b.section.Unknown("instance_max") {
		u.Batch = share(r.Text("batch"), a.InstanceMax)
	}
	if r.Has("min_healthy") && !r.Unknown("min_healthy") {
		percent := int(number64(strings.TrimSuffix(r.Text("min_healthy"), "%")))
		u.MinHealthy = &percent
	}
	if b.section.Has("update") && a.UpdatePolicy != Rolling && !b.section.Unknown("update_policy") {
		b.section.Notef("update", "does nothing with update_policy: %s, since it is the pace of rolling updates", a.UpdatePolicy)
	}
	return u
}

// share returns a number of instances, which is written as one or as a percentage of the most instances. It is at least one.
func share(text string, most int) int {
	digits, percent := strings.CutSuffix(text, "%")
	n, _ := strconv.Atoi(digits) // the definitions have checked the form
	if percent {
		n = most * n / 100
	}
	return min(max(n, 1), maxBatch)
}
