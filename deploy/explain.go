package deploy

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/deploy/launches"
	"github.com/pebble/spacel/deploy/live"
)

// maxOthers is how many further failures an explanation lists.
const maxOthers = 5

// explainer explains the failure of one stack's turn.
type explainer struct{ *stack }

// explain returns the cause of a failed outcome, and the next command. For a failed operation the cause is the first resource that
// failed by itself.
func (x explainer) explain(ctx context.Context, end outcome) *Failure {
	operation, ok := errors.AsType[*operationError](end.err)
	if !ok {
		return &Failure{StackRef: x.ref(), What: end.err.Error(), Next: "fix that, then run " + x.command()}
	}
	ending := operation.ending
	f := &Failure{StackRef: x.ref(), State: x.describeEnding(ending), Next: "fix the cause, then run " + x.command()}
	causes := rootCauses(ending.Events)
	// No resource failed by itself when an alarm rolled the update back.
	if len(causes) == 0 && ending.Status == types.StackStatusUpdateRollbackComplete {
		if why, origin := guardian(x).breached(ctx, end.plan.Guard, end.plan.began); why != "" {
			f.Reason, f.Origin = why, origin
			f.What = fmt.Sprintf("%s: %s%s, so CloudFormation rolled the update back", x.ref(), place(origin), why)
			return f
		}
	}
	if len(causes) == 0 {
		f.Reason = x.mask(lastReason(ending))
		if deployed := end.plan.deployed; deployed != nil {
			f.Others = x.validationErrors(ctx, &cloudformation.DescribeEventsInput{StackName: &deployed.ID})
		}
		f.What = fmt.Sprintf("%s: %s: %s", x.ref(), ending.Status, f.Reason)
		return f
	}
	x.explainCauses(ctx, f, causes, ending.Events)
	return f
}

// explainCauses names the first cause and lists others. A group of instances that did not start is explained by their boot log.
func (x explainer) explainCauses(ctx context.Context, f *Failure, causes, events []live.Event) {
	root := causes[0]
	f.Resource, f.Type, f.Reason = root.Resource, root.Type, x.mask(reasonOf(root))
	f.Origin = x.origin(f.Resource)
	f.What = fmt.Sprintf("%s: %s%s %s: %s: %s", x.ref(), place(f.Origin), f.Type, f.Resource, root.Status, f.Reason)
	for _, e := range causes[1:min(len(causes), maxOthers+1)] {
		f.Others = append(f.Others, x.mask(describeCause(e, x.origin(e.Resource))))
	}
	if f.Origin != "" {
		f.Next = fmt.Sprintf("fix %s, build again, then run %s", f.Origin, x.command())
	}
	if awaitsSignals(root) {
		x.explainBoot(ctx, f, events)
	}
	if hint := hintFor(f.Reason); hint != "" {
		f.Next = hint + ", then run " + x.command()
	}
	if root.Type == live.GroupType {
		x.explainLaunches(ctx, f, events)
	}
}

// explainLaunches adds the reasons for which EC2 launched no instance. They come before the boot log as a cause: an instance that was
// not launched writes none. That they cannot be read is one more line of the explanation.
func (x explainer) explainLaunches(ctx context.Context, f *Failure, events []live.Event) {
	for _, group := range live.Groups(events) {
		failed, err := launches.Read(ctx, x.cloud.Region(x.spec.Region), group, began(events))
		if err != nil {
			f.Others = append(f.Others, err.Error())
			continue
		}
		f.Launches = append(f.Launches, launches.Distinct(failed)...)
	}
	if len(f.Launches) == 0 || len(f.Boot) > 0 {
		return
	}
	f.Next = "make EC2 able to launch the instances (see its reason), then run " + x.command()
	if hint := launches.Hint(f.Launches[0].Message); hint != "" {
		f.Next = hint + ", then run " + x.command()
	}
}

// describeCause returns one failed resource in one line.
func describeCause(e live.Event, origin string) string {
	return fmt.Sprintf("%s%s %s: %s: %s", place(origin), e.Type, e.Resource, e.Status, reasonOf(e))
}

// reasonOf returns the event's reason in one line.
func reasonOf(e live.Event) string {
	if reason := e.Reason; reason != "" {
		return strings.Join(strings.Fields(reason), " ")
	}
	return "CloudFormation gives no reason"
}

// rootCauses returns the failures of resources that failed by themselves, the first one first. It leaves out those that
// CloudFormation cancelled because of them, and those of the rollback, unless nothing else failed.
func rootCauses(events []live.Event) []live.Event {
	var before, after []live.Event
	// Events are ordered by time. A failure after the rollback began is a consequence, and only counts if nothing came before.
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

// undoes reports whether CloudFormation rolls back from this event on.
func undoes(e live.Event) bool {
	switch types.StackStatus(e.Status) {
	case types.StackStatusRollbackInProgress, types.StackStatusUpdateRollbackInProgress, types.StackStatusImportRollbackInProgress:
		return true
	}
	return false
}

// isCascade reports whether a resource failed because another one did. The reasons are those of the CloudFormation User Guide,
// "Troubleshooting CloudFormation".
func isCascade(e live.Event) bool {
	reason := strings.ToLower(e.Reason)
	for _, wording := range []string{"creation cancelled", "update cancelled", "operation cancelled",
		"deletion cancelled", "cancelled by user"} {
		if strings.Contains(reason, wording) {
			return true
		}
	}
	return false
}

// lastReason returns the last reason that CloudFormation gave for the stack as a whole.
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

// describeEnding names the state of the stack after the failure, and the effect on the next deploy.
func (x explainer) describeEnding(end live.Ending) string {
	s := &live.Stack{Status: end.Status}
	switch stepFor(s) {
	case toCreate:
		if s.Status == types.StackStatusReviewInProgress {
			return "the creation never began: the next deploy tries again"
		}
		return "the stack was deleted again: nothing is in the way of the next deploy" + x.describeRetained() +
			x.describeSnapshots(end.Events)
	case toUpdate:
		return fmt.Sprintf("the stack is %s: it is as it was before", end.Status)
	}
	return fmt.Sprintf("the stack is %s: the next deploy repairs it", end.Status)
}

// describeRetained mentions the resources which their policies keep when the stack is deleted.
func (x explainer) describeRetained() string {
	if whole, err := x.template.whole(); err != nil || !whole.Retains() {
		return ""
	}
	return "; resources with a Retain policy are kept, and the next deploy imports them"
}

// describeSnapshots names the final snapshots that the deletion of a failed creation leaves behind. CloudFormation makes one of each
// database and cache with the policy Snapshot, also when the creation failed ("DeletionPolicy attribute", Template Reference). They are
// empty, cost money, and count against the quota of 100 manual snapshots.
func (x explainer) describeSnapshots(events []live.Event) string {
	whole, err := x.template.whole()
	if err != nil {
		return ""
	}
	var lines []string
	for _, e := range events {
		if e.Status == string(types.ResourceStatusDeleteComplete) && e.PhysicalID != "" &&
			whole.DeletionPolicy(e.Resource, e.Type) == "Snapshot" {
			lines = append(lines, fmt.Sprintf("%s %s (%s)", e.Type, e.Resource, snapshotsOf(x.spec.Region, e.Type, e.PhysicalID)))
		}
	}
	if len(lines) == 0 {
		return ""
	}
	return "; a final snapshot is left of " + strings.Join(lines, " and of ") + ": delete it if it holds nothing"
}

// snapshotsOf returns the command that lists a deleted resource's snapshots.
func snapshotsOf(region, kind, id string) string {
	switch kind {
	case "AWS::ElastiCache::ReplicationGroup":
		return fmt.Sprintf("aws elasticache describe-snapshots --region %s --replication-group-id %s", region, id)
	case "AWS::RDS::DBCluster":
		return fmt.Sprintf("aws rds describe-db-cluster-snapshots --region %s --db-cluster-identifier %s", region, id)
	case "AWS::RDS::DBInstance":
		return fmt.Sprintf("aws rds describe-db-snapshots --region %s --db-instance-identifier %s", region, id)
	}
	return id
}

// hintFor returns advice for frequent reasons, empty for none.
func hintFor(reason string) string {
	reason = strings.ToLower(reason)
	for _, h := range []struct{ says, hint string }{
		{"limitexceeded", "ask for a higher quota (Service Quotas in the console), or use less"},
		{"limit exceeded", "ask for a higher quota (Service Quotas in the console), or use less"},
		{"maximum number of", "ask for a higher quota (Service Quotas in the console), or use less"},
		{"not authorized to perform", "give your credentials the permission it names"},
		{"rate exceeded", "wait a minute"},
		{"already exists", "remove what has that name, or rename the orbit or the app"},
	} {
		if strings.Contains(reason, h.says) {
			return h.hint
		}
	}
	return ""
}

// signalWords match the reasons of a group whose instances did not signal success (cfn-signal, sent by the agent).
var signalWords = regexp.MustCompile(`(?i)\bsignal|did not stabilize|resource signal`)

// awaitsSignals reports whether a failure is about instances that did not start.
func awaitsSignals(e live.Event) bool {
	return e.Type == live.GroupType && signalWords.MatchString(e.Reason)
}
