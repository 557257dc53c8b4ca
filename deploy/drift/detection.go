package drift

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/compiler/template"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/schedule"
)

// CloudFormation's detection is three calls: DetectStackDrift begins it, DescribeStackDriftDetectionStatus tells its end, and
// DescribeStackResourceDrifts has its results. The status of the stack as a whole is not used: it is IN_SYNC also when the resources that
// differ are of types without detection (aws-cloudformation/cloudformation-coverage-roadmap #2546). Which types have it changes every
// month, and AWS's list is behind, so there is no list here either: a resource without a result was not compared.

// settled are the statuses in which CloudFormation detects drift, but for UPDATE_ROLLBACK_FAILED, in which a stack is half old and
// half new (User Guide, "Detect unmanaged configuration changes to stacks and resources with drift detection").
var settled = []types.StackStatus{
	types.StackStatusCreateComplete, types.StackStatusUpdateComplete, types.StackStatusUpdateRollbackComplete,
	types.StackStatusImportComplete, types.StackStatusImportRollbackComplete,
}

// detectionsAtOnce is the number of stacks of a region whose detection runs at a time. CloudFormation reads each resource from its
// service for us, on the account's own rate: more of them end in "Rate exceeded"
// (aws-cloudformation/cloudformation-coverage-roadmap #801).
const detectionsAtOnce = 5

// detectionPatience is the time limit of a detection: "can take up to several minutes" (API Reference, DetectStackDrift).
const detectionPatience = 10 * time.Minute

// detect runs CloudFormation's drift detection on stacks.
func (r *reading) detect(ctx context.Context, stacks []*deployed) {
	regionOf := func(i int) string { return stacks[i].Region }
	_ = schedule.Each(ctx, len(stacks), detectionsAtOnce, regionOf, func(ctx context.Context, i int) error {
		if err := r.detectStack(ctx, stacks[i]); err != nil {
			r.fail(stacks[i], "", fmt.Errorf("CloudFormation's drift detection: %w", err))
		}
		return nil // the other stacks are compared all the same
	})
}

// detectStack runs the detection on one stack, and takes its results. A failed detection has results for some resources ("Results will be
// available for resources on which CloudFormation successfully completed drift detection", API Reference,
// DescribeStackDriftDetectionStatus).
func (r *reading) detectStack(ctx context.Context, d *deployed) error {
	// The stack's ARN addresses it. By its name it could be a newer stack.
	client := r.cloud.Region(d.Region).CloudFormation()
	began, err := client.DetectStackDrift(ctx, &cloudformation.DetectStackDriftInput{StackName: &d.ID})
	if err != nil {
		return cloud.Explain(err)
	}
	if aws.ToString(began.StackDriftDetectionId) == "" {
		return cloud.Incomplete("cloudformation:DetectStackDrift", "no StackDriftDetectionId")
	}
	status, err := r.awaitDetection(ctx, d, *began.StackDriftDetectionId)
	if err != nil {
		return err
	}
	reasons := failuresIn(aws.ToString(status.DetectionStatusReason))
	results, err := r.results(ctx, d)
	if err != nil {
		return err
	}
	for _, id := range d.template.IDs() {
		// CloudFormation keeps the results of earlier detections. An older one than this detection says nothing about AWS now. Both
		// times are CloudFormation's, so this machine's clock does not matter. Some answers have whole seconds only.
		result, failure := results[id], reasons[id]
		if began := status.Timestamp; began != nil && result.Timestamp != nil && result.Timestamp.Before(began.Truncate(time.Second)) {
			failure = cmp.Or(failure, "CloudFormation's result is of an earlier detection")
		}
		if d.exists(id) {
			r.result(d, id, result, failure)
		}
	}
	// A reason in another form names no resource, so the whole stack counts as not compared.
	if status.DetectionStatus == types.StackDriftDetectionStatusDetectionFailed && len(reasons) == 0 {
		return fmt.Errorf("it failed: %s", cmp.Or(aws.ToString(status.DetectionStatusReason), "AWS gives no reason"))
	}
	return nil
}

// awaitDetection waits for the end of a detection.
func (r *reading) awaitDetection(ctx context.Context, d *deployed, id string) (
	*cloudformation.DescribeStackDriftDetectionStatusOutput, error,
) {
	const call = "cloudformation:DescribeStackDriftDetectionStatus"
	for deadline := time.Now().Add(detectionPatience); ; {
		out, err := r.cloud.Region(d.Region).CloudFormation().DescribeStackDriftDetectionStatus(ctx,
			&cloudformation.DescribeStackDriftDetectionStatusInput{StackDriftDetectionId: &id})
		switch {
		case err != nil:
			return nil, cloud.Explain(err)
		case aws.ToString(out.StackDriftDetectionId) != id || aws.ToString(out.StackId) != d.ID:
			return nil, cloud.Incomplete(call, "another stack, "+aws.ToString(out.StackId))
		case out.DetectionStatus == types.StackDriftDetectionStatusDetectionComplete,
			out.DetectionStatus == types.StackDriftDetectionStatusDetectionFailed:
			return out, nil
		case out.DetectionStatus != types.StackDriftDetectionStatusDetectionInProgress:
			return nil, cloud.Incomplete(call, fmt.Sprintf("the status %q", out.DetectionStatus))
		case time.Now().After(deadline):
			return nil, fmt.Errorf("it is not done after %s", detectionPatience)
		}
		if err := cloud.Pause(ctx, cmp.Or(r.scope.Poll, live.DefaultPoll)); err != nil {
			return nil, err
		}
	}
}

// results reads all results of a stack's detection by logical id.
func (r *reading) results(ctx context.Context, d *deployed) (map[string]types.StackResourceDrift, error) {
	const call = "cloudformation:DescribeStackResourceDrifts"
	out := map[string]types.StackResourceDrift{}
	pages := cloudformation.NewDescribeStackResourceDriftsPaginator(r.cloud.Region(d.Region).CloudFormation(),
		&cloudformation.DescribeStackResourceDriftsInput{StackName: &d.ID, MaxResults: aws.Int32(100)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, cloud.Explain(err)
		}
		if page.StackResourceDrifts == nil {
			return nil, cloud.Incomplete(call, "no StackResourceDrifts")
		}
		for _, result := range page.StackResourceDrifts {
			if aws.ToString(result.StackId) != d.ID {
				return nil, cloud.Incomplete(call, "another stack, "+aws.ToString(result.StackId))
			}
			out[aws.ToString(result.LogicalResourceId)] = result
		}
	}
	return out, nil
}

// failuresIn reads the reason of a failed detection, which names the resources:
//
//	{"Summary": "Failed to detect drift on resources […]", "Failures": [{"Resource": "Id", "FailureReason": "Rate exceeded"}]}
//
// (aws-cloudformation/cloudformation-coverage-roadmap #801). Text in another form names none.
func failuresIn(reason string) map[string]string {
	var told struct {
		Failures []struct{ Resource, FailureReason string }
	}
	out := map[string]string{}
	if json.Unmarshal([]byte(reason), &told) == nil {
		for _, f := range told.Failures {
			out[f.Resource] = f.FailureReason
		}
	}
	return out
}

// result takes the result for one resource. A resource of a type without detection has none, and CloudFormation calls the stack IN_SYNC
// all the same.
func (r *reading) result(d *deployed, id string, result types.StackResourceDrift, failure string) {
	kind := d.template.Resources[id].Type
	miss := Unchecked{StackRef: d.StackRef, Resource: id, Type: kind, Why: failure, Failed: failure != ""}
	if failure != "" {
		r.miss(miss) // whatever an earlier detection found
		return
	}
	switch result.StackResourceDriftStatus {
	case types.StackResourceDriftStatusInSync:
		r.check(d, id)
	case types.StackResourceDriftStatusDeleted:
		r.check(d, id)
		if slices.Contains(ruleTypes, kind) {
			return // told with the security group's rules
		}
		r.add(d, id, Finding{Change: Removed, Text: "it does not exist any more: somebody deleted " + d.resources[id].PhysicalID})
	case types.StackResourceDriftStatusModified:
		r.check(d, id)
		r.modified(d, id, result.PropertyDifferences)
	case types.StackResourceDriftStatusUnknown:
		reason := cmp.Or(aws.ToString(result.DriftStatusReason), "it gives no reason")
		miss.Why, miss.Failed = "CloudFormation could not compare it: "+reason, isPassing(reason)
		r.miss(miss)
	default:
		miss.Why = "CloudFormation has no drift detection for this type"
		// NOT_CHECKED: "CloudFormation does not currently return this value". Any other word is one that AWS added since, or a mistake.
		if status := result.StackResourceDriftStatus; status != "" && status != types.StackResourceDriftStatusNotChecked {
			miss.Why, miss.Failed = fmt.Sprintf("CloudFormation gives the status %q", status), true
		}
		r.miss(miss)
	}
}

// isPassing reports whether a reason is a matter of permissions or of load, and not of the type.
func isPassing(reason string) bool {
	reason = strings.ToLower(reason)
	return slices.ContainsFunc([]string{"rate exceeded", "throttl", "not authorized", "access denied", "accessdenied", "internal"},
		func(word string) bool { return strings.Contains(reason, word) })
}

// modified adds the differing properties of a resource. Properties that this package reads itself, or that AWS changes by itself, are
// left out.
func (r *reading) modified(d *deployed, id string, differences []types.PropertyDifference) {
	kind := d.template.Resources[id].Type
	for _, p := range differences {
		path := propertyPath(aws.ToString(p.PropertyPath))
		top, _, _ := strings.Cut(path, ".")
		if slices.Contains(readElsewhere[kind], top) {
			continue
		}
		if why := unreliable[kind+"."+top]; why != "" {
			r.miss(Unchecked{StackRef: d.StackRef, Resource: id + "." + path, Type: kind, Why: why})
			continue
		}
		// A value of null stands for an absent property.
		f := Finding{Change: Changed, Property: path, Expected: inline(p.ExpectedValue), Actual: inline(p.ActualValue)}
		if d.hides(id, top) {
			f.Expected, f.Actual = live.Masked, live.Masked
		}
		if grows(d, id, f) {
			continue
		}
		switch p.DifferenceType {
		case types.DifferenceTypeAdd:
			f.Change, f.Text = Added, path+": somebody added "+f.Actual
		case types.DifferenceTypeRemove:
			f.Change, f.Text = Removed, path+": somebody removed "+f.Expected
		default:
			f.Text = differs(kind, path, d.App() != "", f.Expected, f.Actual)
		}
		r.add(d, id, f)
	}
}

// hides reports whether a property may hold a secret: it takes a parameter with NoEcho, or it is the environment of a function.
func (d *deployed) hides(id, property string) bool {
	secret := property == "Environment"
	value := d.template.Resources[id].Properties[property]
	template.References(nil, value, func(_ template.Path, r template.Reference) {
		declared, _ := d.template.Parameters[r.Name].(map[string]any)
		secret = secret || fmt.Sprint(declared["NoEcho"]) == "true"
	})
	return secret
}

// grows reports whether RDS raised a database's storage by itself, which it does up to MaxAllocatedStorage (RDS User Guide, "Managing
// capacity automatically with Amazon RDS storage autoscaling").
func grows(d *deployed, id string, f Finding) bool {
	before, errBefore := strconv.Atoi(strings.Trim(f.Expected, `"`))
	after, errAfter := strconv.Atoi(strings.Trim(f.Actual, `"`))
	return f.Property == "AllocatedStorage" && d.template.Resources[id].Properties["MaxAllocatedStorage"] != nil &&
		errBefore == nil && errAfter == nil && after > before
}

// readElsewhere are the properties that this package compares by reads of its own, by type. AWS changes a group's desired capacity by
// itself.
var readElsewhere = map[string][]string{
	groupType:                        {"MinSize", "MaxSize", "DesiredCapacity", "LaunchTemplate", "MixedInstancesPolicy"},
	"AWS::IAM::Role":                 {"AssumeRolePolicyDocument", "ManagedPolicyArns", "Policies", "PermissionsBoundary"},
	"AWS::EC2::SecurityGroup":        {"SecurityGroupIngress", "SecurityGroupEgress"},
	"AWS::EC2::SecurityGroupIngress": {"GroupId", "IpProtocol", "FromPort", "ToPort", "CidrIp", "CidrIpv6", "SourceSecurityGroupId"},
	"AWS::EC2::SecurityGroupEgress":  {"GroupId", "IpProtocol", "FromPort", "ToPort", "CidrIp", "CidrIpv6", "DestinationSecurityGroupId"},
	"AWS::Route53::RecordSet":        {"AliasTarget", "ResourceRecords", "TTL", "Weight", "Region"},
}

// unreliable are properties which CloudFormation's detection is known to report although nobody changed them, with the reason.
var unreliable = map[string]string{
	groupType + ".DefaultInstanceWarmup":                             falsely("1466"),
	"AWS::ElasticLoadBalancingV2::TargetGroup.TargetGroupAttributes": falsely("458"),
}

// falsely says where a false report of CloudFormation is known.
func falsely(issue string) string {
	return "CloudFormation reports this property although nobody changed it (aws-cloudformation/cloudformation-coverage-roadmap #" + issue +
		")"
}

// propertyPath writes a path as spacel does: /Tags/0/Value is Tags.0.Value.
func propertyPath(path string) string {
	return strings.ReplaceAll(strings.TrimPrefix(path, "/"), "/", ".")
}

// inline is a value of CloudFormation, JSON or plain text, on one line. It says "(none)" for null.
func inline(value *string) string {
	text := aws.ToString(value)
	if text == "null" {
		return "(none)"
	}
	if json.Valid([]byte(text)) {
		return template.Inline(json.RawMessage(text))
	}
	return text
}
