package diff

import (
	"slices"
	"strings"

	"github.com/pebble/spacel/compiler/template"
)

// ownNames are the properties that give a resource a name of its own, which no second one can have meanwhile.
var ownNames = map[string]string{
	"AWS::AutoScaling::AutoScalingGroup":        "AutoScalingGroupName",
	"AWS::CloudWatch::Alarm":                    "AlarmName",
	"AWS::DynamoDB::Table":                      "TableName",
	"AWS::EC2::LaunchTemplate":                  "LaunchTemplateName",
	"AWS::EC2::SecurityGroup":                   "GroupName",
	"AWS::ElastiCache::ReplicationGroup":        "ReplicationGroupId",
	"AWS::ElasticLoadBalancingV2::LoadBalancer": "Name",
	"AWS::ElasticLoadBalancingV2::TargetGroup":  "Name",
	"AWS::IAM::InstanceProfile":                 "InstanceProfileName",
	"AWS::IAM::Role":                            "RoleName",
	"AWS::Lambda::Function":                     "FunctionName",
	"AWS::Logs::LogGroup":                       "LogGroupName",
	"AWS::RDS::DBInstance":                      "DBInstanceIdentifier",
	"AWS::S3::Bucket":                           "BucketName",
	"AWS::SNS::Topic":                           "TopicName",
	"AWS::SQS::Queue":                           "QueueName",
	"AWS::SecretsManager::Secret":               "Name",
}

// nameNote warns of a replacement that CloudFormation refuses. It creates the new resource before it deletes the old
// one, so an explicit name would exist twice.
func nameNote(r template.Resource, direct []difference, action Action) string {
	name, ok := ownNames[r.Type]
	if !ok || action != Replace || r.Properties[name] == nil {
		return ""
	}
	// A changed name lets the two resources exist side by side.
	if slices.ContainsFunc(direct, func(d difference) bool { return strings.HasPrefix(d.path.String(), name) }) {
		return ""
	}
	return "CloudFormation cannot replace a resource with an explicit name: change " + name + ", too"
}
