package schema

import (
	"strconv"
	"strings"
)

// maxBatch is the largest batch of a rolling update (CloudFormation Template Reference, "UpdatePolicy attribute", MaxBatchSize).
const maxBatch = 100

// update returns the pace of rolling updates.
func (b appBuilder) update(a *AppRegion) Update {
	r := b.section.child("update", nil)
	u := Update{Node: r.node(), Batch: 1}
	if r.has("batch") && !b.section.unknown("instance_max") {
		u.Batch = share(r.text("batch"), a.InstanceMax)
	}
	if r.has("min_healthy") && !r.unknown("min_healthy") {
		percent := int(number64(strings.TrimSuffix(r.text("min_healthy"), "%")))
		u.MinHealthy = &percent
	}
	if b.section.has("update") && a.UpdatePolicy != Rolling && !b.section.unknown("update_policy") {
		b.section.notef("update", "does nothing with update_policy: %s, since it is the pace of rolling updates", a.UpdatePolicy)
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
