package activity

// Outcome is the end of one stack's part in a run.
type Outcome string

// The outcomes. A deployment has all but WasDeleted. A deletion has WasDeleted, HasFailed, WasSkipped and WasDetached.
const (
	WasUnchanged Outcome = "unchanged"
	WasCreated   Outcome = "created"
	WasUpdated   Outcome = "updated"
	WasDeleted   Outcome = "deleted"
	HasFailed    Outcome = "failed"
	WasSkipped   Outcome = "skipped"   // not tried
	WasCancelled Outcome = "cancelled" // as Control.Cancel asked
	WasDetached  Outcome = "detached"  // its operation goes on in CloudFormation
)

// OK reports whether the stack is as the run was asked to leave it.
func (o Outcome) OK() bool {
	switch o {
	case WasUnchanged, WasCreated, WasUpdated, WasDeleted:
		return true
	}
	return false
}
