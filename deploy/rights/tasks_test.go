package rights

import (
	"slices"
	"testing"
)

// An app with release tasks has rights on its own locks, and an app without has none.
func TestRightsOnTasks(t *testing.T) {
	const with = "name: web\nall:\n  services: {x: {image: nginx}}\n  release: {tasks: {migrate: {service: x, command: m}}}\n"
	for _, action := range []string{"dynamodb:GetItem", "dynamodb:UpdateItem"} {
		got := of(made(t, built(t, oneRegion, with), Request{}), action)
		if len(got) != 1 || !slices.Equal(got[0].Resource, []string{"arn:aws:dynamodb:us-east-1:" + account + ":table/test-locks"}) ||
			!slices.Equal(got[0].Condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"], []string{"web/task/*"}) {
			t.Errorf("%s: %+v", action, got)
		}
		if got := of(made(t, built(t, oneRegion, "name: web\nall: {services: {x: {image: nginx}}}\n"), Request{}), action); len(got) > 0 {
			t.Errorf("%s without tasks: %+v", action, got)
		}
	}
}
