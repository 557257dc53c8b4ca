package rights

import (
	"slices"
	"testing"
)

// An app with release tasks has rights on its own locks, and an app without has none. Both write records of releases, to another table.
func TestRightsOnTasks(t *testing.T) {
	const with = "name: web\nall:\n  services: {x: {image: nginx}}\n  release: {tasks: {migrate: {service: x, command: m}}}\n"
	onLocks := func(app, action string) []Statement {
		return slices.DeleteFunc(of(made(t, built(t, oneRegion, app), Request{}), action), func(s Statement) bool {
			return !slices.ContainsFunc(s.Resource, func(arn string) bool {
				return matches(arn, "arn:aws:dynamodb:us-east-1:"+account+":table/test-locks")
			})
		})
	}
	for _, action := range []string{"dynamodb:GetItem", "dynamodb:UpdateItem"} {
		got := onLocks(with, action)
		if len(got) != 1 || !slices.Equal(got[0].Resource, []string{"arn:aws:dynamodb:us-east-1:" + account + ":table/test-locks"}) ||
			!slices.Equal(got[0].Condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"], []string{"web/task/*"}) {
			t.Errorf("%s: %+v", action, got)
		}
		if got := onLocks("name: web\nall: {services: {x: {image: nginx}}}\n", action); len(got) > 0 {
			t.Errorf("%s without tasks: %+v", action, got)
		}
	}
}

// matches reports whether a pattern of a policy, which ends with * if it is open, allows an ARN.
func matches(pattern, arn string) bool {
	return pattern == "*" || pattern == arn || slices.Equal(withoutCovered([]string{arn, pattern}), []string{pattern})
}
