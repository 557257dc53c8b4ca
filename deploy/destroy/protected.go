package destroy

import (
	"errors"
	"fmt"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/live"
)

// refuseProtected returns an error for each database that is protected from deletion. CloudFormation deletes a database after the
// records, balancers and instances that depend on it, so the refusal of RDS would come when the app is down already.
func (s *survey) refuseProtected(doomed map[assembly.StackRef]bool) error {
	if s.scope.LeaveBehind {
		return nil
	}
	var problems []error
	for _, stack := range s.found {
		if !doomed[stack.StackRef] {
			continue
		}
		for _, r := range s.resources[stack.StackRef] {
			if r.PhysicalID != "" && s.templates[stack.StackRef].Protects(r.LogicalID) {
				problems = append(problems, refusal(stack, r))
			}
		}
	}
	return errors.Join(problems...)
}

// refusal names the two ways to delete a stack with a protected database.
func refusal(stack *live.Stack, r Resource) error {
	return fmt.Errorf("%s: %s %s (%s) is protected from deletion: nothing was changed; write deletion_protection: no into the manifest "+
		"and "+
		"deploy it, then run this again; or give --leave-behind, which deletes the rest and keeps the database in the account",
		stack.StackRef, r.Type, r.LogicalID, r.PhysicalID)
}
