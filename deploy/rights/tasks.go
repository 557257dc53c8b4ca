package rights

import "github.com/pebble/spacel/agent/document"

// grantTasks allows deploy to read how release tasks ended, and to give the lock of a failed one back: of the apps with tasks, and of no
// other lock. A task may run in a region outside of the pipeline, whose table is read then.
func (s *scope) grantTasks(all grants) {
	for _, stack := range s.stacks {
		if stack.Release == nil {
			continue
		}
		own := condition{}.with("ForAllValues:StringLike", "dynamodb:LeadingKeys", document.TaskLocks(stack.App)+"*").
			with("Null", "dynamodb:LeadingKeys", "false")
		for _, task := range stack.Release.Tasks {
			table := "arn:aws:dynamodb:" + task.Region + ":" + s.Account + ":table/" + document.TableName(s.orbit, document.LocksTable)
			for _, action := range []string{"dynamodb:GetItem", "dynamodb:UpdateItem"} {
				all.add(grant{action: action, resources: []string{table}, anywhere: true, condition: own})
			}
		}
	}
}
