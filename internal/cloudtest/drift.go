package cloudtest

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// detection is one run of DetectStackDrift.
type detection struct {
	id    string
	stack *stack
	ready time.Time
	began time.Time
}

// Drift arranges answers of the drift detection.
type Drift struct {
	Unknown map[string]string // reasons by logical id, for which a resource could not be compared
	Fails   string            // DetectionStatusReason of a detection that fails
}

// ArrangeDrift sets the answers of all later detections.
func ArrangeDrift(c *CloudFormation, d Drift) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.engine.drift = d
}

// undetected are types without drift detection, of those in our templates:
//
//	AWS::IAM::Policy                  aws-cloudformation/cloudformation-coverage-roadmap #1686
//	AWS::Route53::RecordSet           #1681
//	AWS::ElastiCache::ReplicationGroup, AWS::SQS::QueuePolicy    not among the types with a read handler (pulumi-aws-native's list)
var undetected = []string{"AWS::IAM::Policy", "AWS::Route53::RecordSet", "AWS::ElastiCache::ReplicationGroup", "AWS::SQS::QueuePolicy"}

// unseen are properties outside of the detection of a type: policies added to a role (#936, #2489), and versions of a launch
// template (#1682). A rule added to a group is not seen when the template has no inline rules (#2091).
var unseen = map[string][]string{
	"AWS::IAM::Role": {"Policies", "ManagedPolicyArns"}, "AWS::EC2::LaunchTemplate": {"LaunchTemplateData"},
}

// detectStackDrift begins a detection. It is refused while an operation is in progress, and in failed states (User Guide, "Detect unmanaged
// configuration changes to stacks and resources with drift detection").
func detectStackDrift(c *call, in *cloudformation.DetectStackDriftInput) (*cloudformation.DetectStackDriftOutput, error) {
	s, err := c.must(in.StackName)
	if err != nil {
		return nil, err
	}
	if !slices.Contains([]types.StackStatus{
		types.StackStatusCreateComplete, types.StackStatusUpdateComplete, types.StackStatusUpdateRollbackComplete,
		types.StackStatusUpdateRollbackFailed, types.StackStatusImportComplete, types.StackStatusImportRollbackComplete,
	}, s.status) {
		return nil, invalid("Drift detection cannot be performed on stack [%s] while in [%s] state.", s.id, s.status)
	}
	c.engine.serial++
	d := &detection{id: digest(36, s.id, c.engine.serial, "drift"), stack: s, began: c.now, ready: c.now.Add(2 * *c.engine.step)}
	c.engine.hand.detections[d.id] = d
	return &cloudformation.DetectStackDriftOutput{StackDriftDetectionId: &d.id}, nil
}

// describeStackDriftDetectionStatus tells whether a detection is done. A stack without any compared resource is IN_SYNC, as is one
// whose differing resources have no detection (#2546).
func describeStackDriftDetectionStatus(c *call, in *cloudformation.DescribeStackDriftDetectionStatusInput) (
	*cloudformation.DescribeStackDriftDetectionStatusOutput, error,
) {
	d := c.engine.hand.detections[aws.ToString(in.StackDriftDetectionId)]
	if d == nil || d.stack.region != c.region {
		return nil, invalid("Drift detection status for ID [%s] does not exist", aws.ToString(in.StackDriftDetectionId))
	}
	out := &cloudformation.DescribeStackDriftDetectionStatusOutput{
		StackDriftDetectionId: &d.id, StackId: &d.stack.id, Timestamp: &d.began,
		DetectionStatus: types.StackDriftDetectionStatusDetectionInProgress,
	}
	if c.now.Before(d.ready) {
		return out, nil
	}
	out.DetectionStatus, out.StackDriftStatus = types.StackDriftDetectionStatusDetectionComplete, types.StackDriftStatusInSync
	if reason := c.engine.drift.Fails; reason != "" {
		out.DetectionStatus, out.DetectionStatusReason = types.StackDriftDetectionStatusDetectionFailed, &reason
	}
	count := int32(0)
	for _, r := range c.engine.drifts(d.stack, c.now) {
		if r.StackResourceDriftStatus != types.StackResourceDriftStatusInSync {
			count++
			out.StackDriftStatus = types.StackDriftStatusDrifted
		}
	}
	out.DriftedStackResourceCount = &count
	return out, nil
}

// describeStackResourceDrifts returns the results of the newest detection, at most 100 in one answer (API Reference). Resources without
// detection are left out.
func describeStackResourceDrifts(c *call, in *cloudformation.DescribeStackResourceDriftsInput) (
	*cloudformation.DescribeStackResourceDriftsOutput, error,
) {
	s, err := c.must(in.StackName)
	if err != nil {
		return nil, err
	}
	results, next := page(c.engine.drifts(s, c.now), in.NextToken, min(c.Page, 100))
	return &cloudformation.DescribeStackResourceDriftsOutput{StackResourceDrifts: append([]types.StackResourceDrift{}, results...),
		NextToken: next}, nil
}

// drifts compares the resources of a stack with their services.
func (e *engine) drifts(s *stack, at time.Time) []types.StackResourceDrift {
	var out []types.StackResourceDrift
	for _, r := range s.listed() {
		if !r.exists() || slices.Contains(undetected, r.Type) {
			continue
		}
		result := types.StackResourceDrift{
			LogicalResourceId: &r.Logical, PhysicalResourceId: &r.Physical, ResourceType: &r.Type, StackId: &s.id, Timestamp: &at,
			StackResourceDriftStatus: types.StackResourceDriftStatusInSync,
		}
		reason, unknown := e.drift.Unknown[r.Logical]
		switch actual := e.hand.actual(r); {
		case unknown:
			result.StackResourceDriftStatus, result.DriftStatusReason = types.StackResourceDriftStatusUnknown, &reason
		case actual == nil && r.Properties != nil:
			result.StackResourceDriftStatus = types.StackResourceDriftStatusDeleted
		default:
			result.PropertyDifferences = propertyDifferences(r, actual)
			result.ExpectedProperties, result.ActualProperties = aws.String(compact(r.Properties)), aws.String(compact(actual))
			if len(result.PropertyDifferences) > 0 {
				result.StackResourceDriftStatus = types.StackResourceDriftStatusModified
			}
		}
		out = append(out, result)
	}
	return out
}

// propertyDifferences compares the template's properties. Any other property of the service is a default to CloudFormation
// (User Guide, as above).
func propertyDifferences(r *resource, actual map[string]any) []types.PropertyDifference {
	var out []types.PropertyDifference
	for _, name := range slices.Sorted(maps.Keys(r.Properties)) {
		if slices.Contains(unseen[r.Type], name) || compact(actual[name]) == compact(r.Properties[name]) {
			continue
		}
		kind := types.DifferenceTypeNotEqual
		if actual[name] == nil {
			kind = types.DifferenceTypeRemove
		}
		out = append(out, types.PropertyDifference{
			PropertyPath: aws.String("/" + name), DifferenceType: kind,
			ExpectedValue: aws.String(text(r.Properties[name])), ActualValue: aws.String(strings.TrimSpace(compactOrNull(actual[name]))),
		})
	}
	return out
}

// compactOrNull writes a value as CloudFormation does in differences: texts as they are, the rest as JSON.
func compactOrNull(v any) string {
	if v == nil {
		return "null"
	}
	return text(v)
}

// reverts returns the additional changes of a change set with DeploymentMode REVERT_DRIFT: resources that differ in their service
// (API Reference, CreateChangeSet, DeploymentMode; User Guide, "Using drift-aware change sets"). Policies and rules that were added beside
// the template's are not seen.
func (e *engine) reverts(s *stack, known []types.ResourceChange) []types.ResourceChange {
	var out []types.ResourceChange
	for _, r := range s.listed() {
		if !r.exists() || !e.hand.drifted(r) || slices.Contains(undetected, r.Type) ||
			slices.ContainsFunc(known, func(c types.ResourceChange) bool { return aws.ToString(c.LogicalResourceId) == r.Logical }) {
			continue
		}
		actual := e.hand.actual(r)
		change := types.ResourceChange{Action: types.ChangeActionModify, LogicalResourceId: &r.Logical, PhysicalResourceId: &r.Physical,
			ResourceType: &r.Type, Replacement: types.ReplacementFalse, Scope: []types.ResourceAttribute{types.ResourceAttributeProperties},
			ResourceDriftStatus: types.StackResourceDriftStatusModified}
		if actual == nil {
			change.Action, change.ResourceDriftStatus = types.ChangeActionAdd, types.StackResourceDriftStatusDeleted
		}
		for _, p := range propertyDifferences(r, actual) {
			name := strings.TrimPrefix(*p.PropertyPath, "/")
			change.Details = append(change.Details, types.ResourceChangeDetail{
				Evaluation: types.EvaluationTypeStatic, ChangeSource: types.ChangeSourceNoModification,
				Target: &types.ResourceTargetDefinition{Attribute: types.ResourceAttributeProperties, Name: &name,
					Path: aws.String("/Properties/" + name), BeforeValue: p.ActualValue, AfterValue: p.ExpectedValue,
					BeforeValueFrom: types.BeforeValueFromActualState, RequiresRecreation: recreation(r.Type, name),
					AttributeChangeType: types.AttributeChangeTypeModify},
			})
		}
		out = append(out, change)
	}
	return out
}
