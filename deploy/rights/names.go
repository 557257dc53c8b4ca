package rights

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/staging"
)

// naming says how the resources of an IAM resource type get their names: from a property, or from CloudFormation, which begins a
// name with the stack's (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html).
type naming struct {
	kind     string // of CloudFormation
	property string // the name, if a template sets it
	lower    bool   // the service wants names in lower case
	variable string // that stands for the name in the ARN; "" for the first
	short    bool   // names have 63 or 64 characters at most, so that CloudFormation may cut the stack's name
}

// namings are the resource types whose ARN ends with such a name, by service and resource type. Load balancers and cache clusters have too
// short names for the stack's name, and EC2 has ids. Their ARNs are narrowed to account and region.
var namings = map[string]naming{
	"autoscaling autoScalingGroup": {"AWS::AutoScaling::AutoScalingGroup", "AutoScalingGroupName", false, "${GroupFriendlyName}", false},
	"cloudwatch alarm":             {"AWS::CloudWatch::Alarm", "AlarmName", false, "", false},
	"dynamodb table":               {"AWS::DynamoDB::Table", "TableName", false, "", false},
	"iam group":                    {"AWS::IAM::Group", "GroupName", false, "", true},
	"iam instance-profile":         {"AWS::IAM::InstanceProfile", "InstanceProfileName", false, "", true},
	"iam policy":                   {"AWS::IAM::ManagedPolicy", "ManagedPolicyName", false, "", false},
	"iam role":                     {"AWS::IAM::Role", "RoleName", false, "", true},
	"iam user":                     {"AWS::IAM::User", "UserName", false, "", true},
	"kms alias":                    {"AWS::KMS::Alias", "AliasName", false, "", false},
	"lambda function":              {"AWS::Lambda::Function", "FunctionName", false, "", true},
	"logs log-group":               {"AWS::Logs::LogGroup", "LogGroupName", false, "", false},
	"rds db":                       {"AWS::RDS::DBInstance", "DBInstanceIdentifier", true, "", true},
	"rds pg":                       {"AWS::RDS::DBParameterGroup", "DBParameterGroupName", true, "", false},
	"rds subgrp":                   {"AWS::RDS::DBSubnetGroup", "DBSubnetGroupName", true, "", false},
	"s3 bucket":                    {"AWS::S3::Bucket", "BucketName", true, "", true},
	"s3 object":                    {"AWS::S3::Bucket", "BucketName", true, "", true},
	"secretsmanager Secret":        {"AWS::SecretsManager::Secret", "Name", false, "", false},
	"sns topic":                    {"AWS::SNS::Topic", "TopicName", false, "", false},
	"sqs queue":                    {"AWS::SQS::Queue", "QueueName", false, "", false},
	"ssm parameter":                {"AWS::SSM::Parameter", "Name", false, "", false},
}

// shortest is how much of a stack's name CloudFormation keeps at least in a short name: of 63 characters, 24 are the logical id's at most
// and 12 are random, with two hyphens between.
const shortest = 63 - 24 - 12 - 2

var variable = regexp.MustCompile(`\$\{[^}]+\}`)

// arns returns the ARNs of a resource type that stacks of this pipeline have.
func (s *scope) arns(of resource) []string {
	base := strings.ReplaceAll(of.arn, "${Partition}", "aws")
	base = strings.ReplaceAll(base, "${Account}", s.Account)
	base = strings.ReplaceAll(base, "${Region}", s.region())
	rest := func(arn string) string { return variable.ReplaceAllString(arn, "*") }
	how, named := namings[of.service+" "+of.kind]
	if !named {
		return []string{s.unnamed(of, rest(base))}
	}
	var out []string
	in := cmp.Or(how.variable, variable.FindString(base))
	for _, name := range s.names(how) {
		out = append(out, rest(strings.Replace(base, in, name, 1)))
		// Most actions on a log group want the form that ends with its streams (CloudWatch Logs User Guide, "CloudWatch Logs resources").
		if of.service == "logs" && of.kind == "log-group" && !strings.HasSuffix(name, "*") {
			out = append(out, rest(strings.Replace(base, in, name, 1))+":*")
		}
	}
	return out
}

// unnamed returns the ARN of a resource type without names of ours. All resources of such a service are one pattern: they are narrowed to
// account and region only, and one by one they would fill several policies.
func (s *scope) unnamed(of resource, arn string) string {
	services := func(key string) bool { return strings.HasPrefix(key, of.service+" ") }
	// Public images and snapshots have no account in their ARNs, so they keep a pattern of their own.
	whole := strings.HasPrefix(of.arn, "arn:${Partition}:"+of.service+":${Region}:${Account}:")
	if whole && !slices.ContainsFunc(slices.Collect(maps.Keys(namings)), services) {
		return "arn:aws:" + of.service + ":" + s.region() + ":" + s.Account + ":*"
	}
	return arn
}

// region returns the one region of the pipeline, or * with a condition in its place: see regional.
func (s *scope) region() string {
	if len(s.regions) == 1 {
		return s.regions[0]
	}
	return "*"
}

// names returns the patterns of the resources' names, sorted. Without a resource of the type, all names that
// begin with a stack's are allowed, such as a role's that another type is given.
func (s *scope) names(how naming) []string {
	var out []string
	add := func(name string) { out = append(out, how.form(name)) }
	// All stacks of the pipeline count, since one policy is for all of them.
	for _, stack := range s.stacks {
		for id, r := range stack.resources {
			name, written := r.Properties[how.property]
			switch {
			case r.Type != how.kind:
			case written:
				add(stack.text(name))
			case how.kind == "AWS::SecretsManager::Secret":
				add(id + "-*") // a secret's name begins with the logical id
			default:
				add(stack.prefix(how.short))
			}
		}
	}
	if how.kind == "AWS::S3::Bucket" {
		s.addBuckets(add)
	}
	if s.FutureApps {
		add(document.StackName(s.orbit, "*"))
	}
	if len(out) == 0 {
		for _, stack := range s.stacks {
			add(stack.prefix(how.short))
		}
	}
	slices.Sort(out)
	return withoutCovered(slices.Compact(out))
}

// form returns a name as it stands in an ARN.
func (how naming) form(name string) string {
	if how.lower {
		name = strings.ToLower(name)
	}
	if how.kind == "AWS::KMS::Alias" {
		name = strings.TrimPrefix(name, document.AliasPrefix) // the ARN has it
	}
	return name
}

// addBuckets adds the buckets for uploads, from which Lambda and CloudFormation read.
func (s *scope) addBuckets(add func(string)) {
	// Each region has a bucket of its own, because Lambda fetches code from its own region only.
	for _, region := range s.regions {
		if len(s.Buckets) == 0 {
			add(staging.OwnName(s.Account, region))
		}
		for _, bucket := range s.Buckets {
			add(strings.ReplaceAll(bucket, "{region}", region))
		}
	}
}

// withoutCovered removes names that another pattern in the list covers.
func withoutCovered(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return slices.ContainsFunc(names, func(other string) bool {
			prefix, open := strings.CutSuffix(other, "*")
			return open && other != name && strings.HasPrefix(name, prefix)
		})
	})
}

// prefix is the pattern of names that CloudFormation makes for the stack's resources.
func (s stack) prefix(short bool) string {
	if short && len(s.ref.Name) > shortest {
		return s.ref.Name[:shortest] + "*"
	}
	return s.ref.Name + "-*"
}

// text returns a name in a template as a pattern: what only a deployment knows is *.
func (s stack) text(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case map[string]any:
		if sub, ok := v["Fn::Sub"].(string); ok {
			return variable.ReplaceAllStringFunc(sub, func(name string) string { return s.reference(name[2 : len(name)-1]) })
		}
		if name, ok := v["Ref"].(string); ok {
			return s.reference(name)
		}
		if join, ok := v["Fn::Join"].([]any); ok && len(join) == 2 {
			return s.joined(join)
		}
	}
	return "*"
}

// joined returns the text of Fn::Join.
func (s stack) joined(join []any) string {
	separator, _ := join[0].(string)
	items, _ := join[1].([]any)
	var texts []string
	for _, item := range items {
		texts = append(texts, s.text(item))
	}
	return strings.Join(texts, separator)
}

// reference returns the value of a pseudo parameter, or of a parameter whose value is in the directory.
func (s stack) reference(name string) string {
	switch name {
	case "AWS::StackName":
		return s.ref.Name
	case "AWS::Region":
		return s.ref.Region
	}
	if literal := s.Parameters[name].Literal; literal != nil {
		return *literal
	}
	return "*"
}

// stackARN returns the ARN of a stack. The part after the name is random.
func (s *scope) stackARN(ref assembly.StackRef) string {
	return "arn:aws:cloudformation:" + ref.Region + ":" + s.Account + ":stack/" + ref.Name + "/*"
}
