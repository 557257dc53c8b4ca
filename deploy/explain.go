package deploy

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/deploy/live"
)

// maxOthers is how many further failures an explanation lists.
const maxOthers = 5

// explain says why an operation failed: the first resource that failed by itself, and what came of it.
func (j *job) explain(ctx context.Context, end live.Ending) *Failure {
	f := &Failure{StackRef: j.ref(), State: j.describeEnding(end), Next: "mend what failed, then run " + j.command()}
	causes := rootCauses(end.Events)
	if len(causes) == 0 {
		f.Reason = j.mask(lastReason(end))
		if j.deployed != nil {
			f.Others = j.failedValidations(ctx, &cloudformation.DescribeEventsInput{StackName: &j.deployed.ID})
		}
		f.What = fmt.Sprintf("%s: %s: %s", j.ref(), end.Status, f.Reason)
		return f
	}
	root := causes[0]
	f.Resource, f.Type, f.Reason = root.Resource, root.Type, j.mask(reasonOf(root))
	f.Origin = j.origin(f.Resource)
	f.What = fmt.Sprintf("%s: %s%s %s: %s: %s", j.ref(), place(f.Origin), f.Type, f.Resource, root.Status, f.Reason)
	for _, e := range causes[1:min(len(causes), maxOthers+1)] {
		f.Others = append(f.Others, j.mask(describeCause(e, j.origin(e.Resource))))
	}
	if f.Origin != "" {
		f.Next = fmt.Sprintf("mend %s, build again, then run %s", f.Origin, j.command())
	}
	if awaitsSignals(root) {
		j.explainBoot(ctx, f, end.Events)
	}
	if hint := hintFor(f.Reason); hint != "" {
		f.Next = hint + ", then run " + j.command()
	}
	return f
}

func describeCause(e live.Event, origin string) string {
	return fmt.Sprintf("%s%s %s: %s: %s", place(origin), e.Type, e.Resource, e.Status, reasonOf(e))
}

func reasonOf(e live.Event) string {
	if reason := e.Reason; reason != "" {
		return strings.Join(strings.Fields(reason), " ")
	}
	return "CloudFormation gives no reason"
}

// rootCauses are the resources that failed by themselves, the first one first. What CloudFormation cancelled because of them,
// and what failed again while it was undone, is left out, unless nothing else failed.
func rootCauses(events []live.Event) []live.Event {
	var before, after []live.Event
	undoing := false
	for _, e := range events {
		switch {
		case e.OfStack:
			undoing = undoing || undoes(e)
		case !strings.HasSuffix(e.Status, "_FAILED") || isCascade(e):
		case undoing:
			after = append(after, e)
		default:
			before = append(before, e)
		}
	}
	if len(before) == 0 {
		return after
	}
	return before
}

// undoes says that from this event on CloudFormation rolls back.
func undoes(e live.Event) bool {
	switch types.StackStatus(e.Status) {
	case types.StackStatusRollbackInProgress, types.StackStatusUpdateRollbackInProgress, types.StackStatusImportRollbackInProgress:
		return true
	}
	return false
}

// isCascade knows the reasons of resources that failed because another did (CloudFormation User Guide, "Troubleshooting").
func isCascade(e live.Event) bool {
	reason := strings.ToLower(e.Reason)
	for _, wording := range []string{"creation cancelled", "update cancelled", "operation cancelled", "deletion cancelled", "cancelled by user"} {
		if strings.Contains(reason, wording) {
			return true
		}
	}
	return false
}

// lastReason is the last thing that CloudFormation said about the stack as a whole.
func lastReason(end live.Ending) string {
	for _, e := range slices.Backward(end.Events) {
		if reason := e.Reason; e.OfStack && reason != "" && reason != "User Initiated" {
			return reason
		}
	}
	if end.Reason != "" {
		return end.Reason
	}
	return "CloudFormation gives no reason"
}

// describeEnding says what the stack is now, and what the next deploy does about it.
func (j *job) describeEnding(end live.Ending) string {
	s := &live.Stack{Status: end.Status}
	switch stepFor(s) {
	case toCreate:
		if s.Status == types.StackStatusReviewInProgress {
			return "the creation never began: the next deploy tries again"
		}
		return "the stack was deleted again: nothing is in the way of the next deploy" + j.describeRetained()
	case toUpdate:
		return fmt.Sprintf("the stack is %s: it is as it was before", end.Status)
	}
	return fmt.Sprintf("the stack is %s: the next deploy mends it", end.Status)
}

// describeRetained names what a deleted stack leaves behind by its policies.
func (j *job) describeRetained() string {
	if !j.template.Retains() {
		return ""
	}
	return "; what it had made that is retained is kept, and taken in again"
}

// hintFor is what to do about reasons that many meet.
func hintFor(reason string) string {
	reason = strings.ToLower(reason)
	for _, h := range []struct{ says, hint string }{
		{"limitexceeded", "ask for a higher quota (Service Quotas in the console), or use less"},
		{"limit exceeded", "ask for a higher quota (Service Quotas in the console), or use less"},
		{"maximum number of", "ask for a higher quota (Service Quotas in the console), or use less"},
		{"not authorized to perform", "give your credentials the permission it names"},
		{"insufficientinstancecapacity", "wait, or choose another instance type"},
		{"insufficient capacity", "wait, or choose another instance type"},
		{"rate exceeded", "wait a minute"},
		{"already exists", "remove what has that name, or rename the orbit or the app"},
	} {
		if strings.Contains(reason, h.says) {
			return h.hint
		}
	}
	return ""
}

// signalWords are in the reasons of a group whose instances did not say that they work.
var signalWords = regexp.MustCompile(`(?i)\bsignal|did not stabilize|resource signal`)

// awaitsSignals says that a failure is that of instances which did not start.
func awaitsSignals(e live.Event) bool {
	return e.Type == "AWS::AutoScaling::AutoScalingGroup" && signalWords.MatchString(e.Reason)
}
