// Package launches reads why an auto scaling group could not launch instances. CloudFormation waits for the signals of instances that
// never start, and says only after its timeout that no signal came. The reason stands in the group's activities from the first minute.
package launches

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"github.com/pebble/spacel/deploy/cloud"
)

// Failed is one launch that failed.
type Failed struct {
	ID      string    `json:"-"`
	Group   string    `json:"group"` // name of the auto scaling group
	Time    time.Time `json:"time"`
	Message string    `json:"message"` // in AWS's words
}

// maxPages limits the activities read, 100 to a page. A group that fails for hours has one activity every few minutes.
const maxPages = 3

// Read returns a group's failed launches since a time, oldest first. A deleted group is found for six weeks after its deletion (API
// Reference, DescribeScalingActivities, IncludeDeletedGroups), so the group of a creation that was rolled back still tells.
func Read(ctx context.Context, in *cloud.Region, group string, since time.Time) ([]Failed, error) {
	pages := autoscaling.NewDescribeScalingActivitiesPaginator(in.AutoScaling(), &autoscaling.DescribeScalingActivitiesInput{
		AutoScalingGroupName: &group, IncludeDeletedGroups: aws.Bool(true), MaxRecords: aws.Int32(100),
	})
	var found []Failed
	for n := 0; pages.HasMorePages() && n < maxPages; n++ {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the activities of the auto scaling group %s: %w", group, cloud.Explain(err))
		}
		if page.Activities == nil {
			return nil, fmt.Errorf("read the activities of the auto scaling group %s: %w", group,
				cloud.Incomplete("autoscaling:DescribeScalingActivities", "no Activities"))
		}
		for _, a := range page.Activities {
			// AWS lists the newest first.
			if aws.ToTime(a.StartTime).Before(since) {
				return oldestFirst(found), nil
			}
			if hasFailed(a) && aws.ToString(a.AutoScalingGroupName) == group {
				found = append(found, Failed{aws.ToString(a.ActivityId), group, aws.ToTime(a.StartTime).UTC(),
					strings.Join(strings.Fields(aws.ToString(a.StatusMessage)), " ")})
			}
		}
	}
	return oldestFirst(found), nil
}

// hasFailed reports whether an activity is a launch that EC2 refused, or whose instance EC2 ended again. With a volume's key that
// cannot be used the instance appears first, and is cancelled when it ends (User Guide, "Troubleshoot: EC2 instance launch failures").
func hasFailed(a types.Activity) bool {
	if a.StatusCode != types.ScalingActivityStatusCodeFailed && a.StatusCode != types.ScalingActivityStatusCodeCancelled {
		return false
	}
	return aws.ToString(a.StatusMessage) != "" && !strings.HasPrefix(aws.ToString(a.Description), "Terminating")
}

// oldestFirst reverses the order of AWS.
func oldestFirst(found []Failed) []Failed {
	slices.Reverse(found)
	return found
}

// Distinct returns the first launch for each message.
func Distinct(all []Failed) []Failed {
	var out []Failed
	for _, f := range all {
		if !slices.ContainsFunc(out, func(other Failed) bool { return other.Message == f.Message }) {
			out = append(out, f)
		}
	}
	return out
}

// hints are the next steps for AWS's messages, in lower case.
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/ts-as-instancelaunchfailure.html
var hints = []struct{ says, hint string }{
	{"vcpu limit", "ask for a higher quota of vCPUs (spacel doctor shows it), or use a smaller instance_type"},
	{"instance limit", "ask for a higher quota of instances (Service Quotas in the console), or use fewer"},
	{"max spot instance count exceeded", "ask for a higher quota of spot instances, or use on-demand ones"},
	{"no spot capacity", "wait, name more instance_types, or use on-demand instances"},
	{"do not have sufficient", "wait, choose another instance_type, or other zones"},
	{"client error on launch", "the key of an encrypted volume or image cannot be used: its policy must let " +
		"AWSServiceRoleForAutoScaling use it (see docs/security.md, encryption keys)"},
	{"invalidkmskey", "the key of an encrypted volume or image cannot be used: enable it, and let AWSServiceRoleForAutoScaling use it"},
	{"smaller than snapshot", "the image needs a larger root volume: raise root_volume.size in the manifest, or take another image"},
	{"is not supported in your requested availability zone", "choose another instance_type, or other zones"},
	{"not authorized", "an account's policy (SCP) or a role's boundary forbids the launch: ask the account's owner"},
	{"invalid iam instance profile", "wait a minute: IAM makes new profiles visible late"},
	{"does not exist", "deploy again: an image, subnet, key or security group in the launch template is gone"},
	{"opt in", "accept the image's terms in the AWS Marketplace, or take another image"},
}

// Hint returns advice for a message, "" if there is none for it.
func Hint(message string) string {
	message = strings.ToLower(message)
	for _, h := range hints {
		if strings.Contains(message, h.says) {
			return h.hint
		}
	}
	return ""
}
