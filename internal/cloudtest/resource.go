package cloudtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// resource is one resource of a stack.
// Physical is "" until it is created. Definition is as the template has it, Properties are evaluated.
type resource struct {
	Logical, Physical, Type string
	Status                  types.ResourceStatus
	Reason                  string
	Properties              map[string]any
	Definition              definition
	Tags                    map[string]string // the stack's, when it was made or changed last
	Revision                int               // counts updates: a launch template's version
	Imported                bool
	Updated                 time.Time
	region                  string
	account                 string
	group                   *Group // of an auto scaling group
}

// nameProperty names, for each type, the property in which a template can give a resource a name. Two resources of
// one type cannot have the same name.
var nameProperty = map[string]string{
	"AWS::CloudWatch::Alarm":                    "AlarmName",
	"AWS::DynamoDB::Table":                      "TableName",
	"AWS::ElastiCache::ReplicationGroup":        "ReplicationGroupId",
	"AWS::ElasticLoadBalancingV2::LoadBalancer": "Name",
	"AWS::ElasticLoadBalancingV2::TargetGroup":  "Name",
	"AWS::IAM::InstanceProfile":                 "InstanceProfileName",
	"AWS::IAM::ManagedPolicy":                   "ManagedPolicyName",
	"AWS::IAM::Role":                            "RoleName",
	"AWS::IAM::User":                            "UserName",
	"AWS::KMS::Alias":                           "AliasName",
	"AWS::Lambda::Function":                     "FunctionName",
	"AWS::Logs::LogGroup":                       "LogGroupName",
	"AWS::RDS::DBInstance":                      "DBInstanceIdentifier",
	"AWS::S3::Bucket":                           "BucketName",
	"AWS::SecretsManager::Secret":               "Name",
	"AWS::SNS::Topic":                           "TopicName",
	"AWS::SQS::Queue":                           "QueueName",
	"AWS::SSM::Parameter":                       "Name",
}

// idPrefix holds the beginnings of EC2's ids.
var idPrefix = map[string]string{
	"AWS::EC2::VPC":                         "vpc-",
	"AWS::EC2::Subnet":                      "subnet-",
	"AWS::EC2::SecurityGroup":               "sg-",
	"AWS::EC2::RouteTable":                  "rtb-",
	"AWS::EC2::InternetGateway":             "igw-",
	"AWS::EC2::NatGateway":                  "nat-",
	"AWS::EC2::LaunchTemplate":              "lt-",
	"AWS::EC2::Volume":                      "vol-",
	"AWS::EC2::VPCEndpoint":                 "vpce-",
	"AWS::EC2::EgressOnlyInternetGateway":   "eigw-",
	"AWS::EC2::Instance":                    "i-",
	"AWS::EC2::FlowLog":                     "fl-",
	"AWS::EC2::SubnetRouteTableAssociation": "rtbassoc-",
	"AWS::EC2::SecurityGroupIngress":        "sgr-",
	"AWS::EC2::SecurityGroupEgress":         "sgr-",
}

// customName returns the name which a template gives a resource, "" if CloudFormation chooses one.
func customName(kind string, properties map[string]any) string {
	property, ok := nameProperty[kind]
	if !ok || properties[property] == nil {
		return ""
	}
	return text(properties[property])
}

// newPhysical returns an invented physical id. The serial number makes it different each time.
func (s *stack) newPhysical(logical, kind string, properties map[string]any, serial int) string {
	// EC2's ids have 17 hex digits after the prefix.
	unique := digest(17, s.region, s.name, logical, serial)
	if name := customName(kind, properties); name != "" {
		return name
	}
	if prefix, ok := idPrefix[kind]; ok {
		return prefix + unique
	}
	switch kind {
	case "AWS::EC2::EIP":
		return fmt.Sprintf("203.0.%d.%d", serial/250%250, 1+serial%250)
	case "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::ElasticLoadBalancingV2::TargetGroup", "AWS::ElasticLoadBalancingV2::Listener":
		return fmt.Sprintf("arn:aws:elasticloadbalancing:%s:%s:%s/%s", s.region, s.account,
			strings.ToLower(kind[strings.LastIndex(kind, ":")+1:]), unique[:16])
	case "AWS::SNS::Topic":
		return fmt.Sprintf("arn:aws:sns:%s:%s:%s-%s-%s", s.region, s.account, s.name, logical, unique[:12])
	}
	return fmt.Sprintf("%s-%s-%s", s.name, logical, strings.ToUpper(unique[:12]))
}

// attribute returns the value of Fn::GetAtt: the property of that name, else an invented value that names the
// resource.
func (r *resource) attribute(name string) any {
	// The resource is being changed by the change set, so its attributes are not known yet (see difference.resource).
	if r.Revision < 0 {
		return unknown
	}
	switch name {
	case "LatestVersionNumber":
		return fmt.Sprint(r.Revision)
	case "DefaultVersionNumber":
		return "1"
	case "Arn":
		if strings.HasPrefix(r.Physical, "arn:") {
			return r.Physical
		}
		return r.arn()
	case "PublicIp":
		return r.Physical
	case "AllocationId":
		return "eipalloc-" + digest(17, r.Physical)
	case "DNSName":
		return digest(16, r.Physical) + "." + r.region + ".elb.amazonaws.com"
	// AWS has one fixed zone for the load balancers of each region; this is the same for all here.
	case "CanonicalHostedZoneID":
		return "Z35SXDOTRQ7X7K"
	case "GroupId", "SubnetId", "VpcId":
		if r.Properties[name] == nil {
			return r.Physical
		}
	}
	if v, ok := r.Properties[name]; ok {
		return v
	}
	return name + "-of-" + r.Physical
}

// arn returns the ARN of a resource in its service's form (Service Authorization Reference, "Resource types"), else an invented one.
func (r *resource) arn() string {
	service := strings.ToLower(strings.Split(r.Type, "::")[1])
	switch r.Type {
	case "AWS::IAM::Role":
		return fmt.Sprintf("arn:aws:iam::%s:role/%s", r.account, r.Physical)
	case "AWS::IAM::InstanceProfile":
		return fmt.Sprintf("arn:aws:iam::%s:instance-profile/%s", r.account, r.Physical)
	case "AWS::Logs::LogGroup": // with :* at its end (Template Reference, AWS::Logs::LogGroup, Return values)
		return fmt.Sprintf("arn:aws:logs:%s:%s:log-group:%s:*", r.region, r.account, r.Physical)
	case "AWS::DynamoDB::Table":
		return fmt.Sprintf("arn:aws:dynamodb:%s:%s:table/%s", r.region, r.account, r.Physical)
	case "AWS::Lambda::Function":
		return fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", r.region, r.account, r.Physical)
	case "AWS::KMS::Key":
		return fmt.Sprintf("arn:aws:kms:%s:%s:key/%s", r.region, r.account, r.Physical)
	case "AWS::S3::Bucket":
		return "arn:aws:s3:::" + r.Physical
	case "AWS::Events::EventBus":
		return fmt.Sprintf("arn:aws:events:%s:%s:event-bus/%s", r.region, r.account, r.Physical)
	}
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, r.region, r.account, r.Physical)
}

// policyOf returns the policy for a resource that leaves its stack. Without a policy CloudFormation deletes it; for
// database clusters and for instances outside a cluster it makes a snapshot first.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
func policyOf(policy string, d definition) string {
	switch {
	case policy != "":
		return policy
	case d.Type == "AWS::RDS::DBCluster", d.Type == "AWS::RDS::DBInstance" && d.Properties["DBClusterIdentifier"] == nil:
		return "Snapshot"
	}
	return "Delete"
}

// asset is a resource that outlives its stack: a retained one, or a snapshot.
type asset struct {
	Region, Type, Name string
}

// String returns region, type and name.
func (a asset) String() string { return a.Region + " " + a.Type + " " + a.Name }
