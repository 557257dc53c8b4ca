package rights

import (
	"github.com/pebble/spacel/agent/document"
)

// grantTemporary allows deploy to find and to end changes by spacel scale and maintenance: to read and delete the records of its apps, to
// set the sizes of their groups back, and to delete rules with the tag of maintenance. The table is the orbit's, so the rights on it go by
// the apps' keys.
func (s *scope) grantTemporary(all grants) {
	var keys []string
	for _, stack := range s.stacks {
		if stack.App != "" {
			keys = append(keys, document.StateKind(stack.App))
		}
	}
	match := "StringEquals"
	if s.FutureApps {
		match, keys = "StringLike", []string{document.StateKind("*")} // of the apps to come, too
	}
	groups := s.resources("autoscaling:SetDesiredCapacity")
	if len(keys) == 0 || len(groups) == 0 {
		return
	}
	at := func(service, resource string) string {
		return "arn:aws:" + service + ":" + s.region() + ":" + s.Account + ":" + resource
	}
	// Null keeps a request without keys, such as a scan, from passing a condition on all of its keys.
	own := condition{}.with("ForAllValues:"+match, "dynamodb:LeadingKeys", keys...).with("Null", "dynamodb:LeadingKeys", "false")
	for _, action := range []string{"dynamodb:BatchGetItem", "dynamodb:DeleteItem"} {
		all.add(grant{action: action, resources: []string{at("dynamodb", "table/"+document.TableName(s.orbit, document.ReleasesTable))},
			condition: own})
	}
	for _, action := range []string{"autoscaling:UpdateAutoScalingGroup", "autoscaling:DeleteScheduledAction"} {
		all.add(grant{action: action, resources: groups, condition: condition{}})
	}
	// A Describe call of Auto Scaling has no resources.
	all.add(grant{action: "autoscaling:DescribeScheduledActions", resources: []string{"*"}, condition: condition{}})
	all.add(grant{action: "elasticloadbalancing:DeleteRule", resources: []string{at("elasticloadbalancing", "listener-rule/app/*")},
		condition: condition{}.with("StringEquals", "aws:ResourceTag/"+document.TagMaintenance, s.orbit)})
	all.add(grant{action: "scheduler:DeleteSchedule", resources: []string{at("scheduler", "schedule/default/spacel-*")},
		condition: condition{}})
}
