package rights

import (
	"slices"
	"strings"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/live"
)

// stackActions are the calls of deploy, redeploy, rollback and destroy on the pipeline's stacks. UpdateStack unbinds stacks from ones
// that destroy deletes.
const stackActions = `cloudformation:CancelUpdateStack cloudformation:ContinueUpdateRollback cloudformation:CreateChangeSet
	cloudformation:DeleteChangeSet cloudformation:DeleteStack cloudformation:DescribeChangeSet cloudformation:DescribeEvents
	cloudformation:DescribeStackEvents cloudformation:DescribeStackResources cloudformation:DescribeStacks
	cloudformation:ExecuteChangeSet cloudformation:GetTemplate cloudformation:ListChangeSets cloudformation:ListStackResources
	cloudformation:RollbackStack cloudformation:TagResource cloudformation:UntagResource cloudformation:UpdateStack
	cloudformation:UpdateTerminationProtection`

// changeSetActions are calls that name a change set by its ARN, and no stack. IAM's reference has the change set for one of them and the
// stack for the others, so both are allowed. A change set is only made with the right to CreateChangeSet on its stack.
const changeSetActions = `cloudformation:DeleteChangeSet cloudformation:DescribeChangeSet cloudformation:DescribeEvents
	cloudformation:ExecuteChangeSet cloudformation:GetTemplate cloudformation:TagResource`

// bucketActions and objectActions are for uploads, and to make a bucket of spacel's own.
const (
	bucketActions = `s3:CreateBucket s3:GetBucketOwnershipControls s3:GetBucketPolicy s3:GetBucketPublicAccessBlock s3:GetBucketTagging
		s3:GetBucketVersioning s3:GetEncryptionConfiguration s3:ListBucket s3:ListBucketVersions s3:PutBucketOwnershipControls
		s3:PutBucketPolicy s3:PutBucketPublicAccessBlock s3:PutBucketTagging s3:PutBucketVersioning s3:PutEncryptionConfiguration`
	objectActions = `s3:DeleteObject s3:DeleteObjectVersion s3:GetObject s3:GetObjectVersion s3:PutObject`
)

// anywhere are the calls that IAM allows on * only, or that ask for many things at once. None changes anything.
const anywhere = `acm:ListCertificates autoscaling:DescribeAutoScalingGroups autoscaling:DescribeScalingActivities
	cloudwatch:DescribeAlarmHistory cloudwatch:DescribeAlarms ec2:DescribeAddresses ec2:DescribeImages ec2:DescribeInstanceTypeOfferings
	ec2:DescribeInstanceTypes ec2:DescribeInstances ec2:DescribeManagedPrefixLists ec2:DescribeSnapshots
	ec2:DescribeSubnets ec2:DescribeVolumes ec2:DescribeVpcs ec2:GetEbsDefaultKmsKeyId ecr:DescribePullThroughCacheRules
	ecr:GetAuthorizationToken kms:ListAliases servicequotas:GetServiceQuota`

// grantCalls allows the calls that deploy itself makes.
func (s *scope) grantCalls(all grants) {
	give := func(actions string, resources ...string) {
		for action := range strings.FieldsSeq(actions) {
			if len(resources) > 0 {
				all.add(grant{action: action, resources: resources, condition: condition{}})
			}
		}
	}
	give(stackActions, s.stackARNs()...)
	give("cloudformation:DescribeStacks cloudformation:ListStackResources", s.otherARNs()...)
	give(changeSetActions, "arn:aws:cloudformation:"+s.region()+":"+s.Account+":changeSet/"+live.TokenPrefix+"*")
	give(anywhere, "*")
	s.grantZones(give)
	s.grantRecords(all)
	s.grantBuckets(give)
	s.grantSources(give)
	s.grantPayloads(all)
	s.grantTasks(all)
	s.grantTemporary(all)
	s.grantDrift(all)
	s.grantLinkedRoles(all)
	if !s.NoList {
		// Destroy and some plans look for other stacks of the orbit. The list is one of the whole account, in any of its regions.
		for _, action := range []string{"cloudformation:DescribeStacks", "ec2:DescribeRegions"} {
			all.add(grant{sid: listStatement, action: action, resources: []string{"*"}, condition: condition{}})
		}
	}
}

// listStatement is the id of the statement that may be left out.
const listStatement = "ListAllStacks"

// stackARNs returns the ARNs of the pipeline's stacks.
func (s *scope) stackARNs() []string {
	if s.FutureApps {
		return []string{s.stackARN(assembly.StackRef{Region: s.region(), Name: document.StackName(s.orbit, "*")})}
	}
	var out []string
	for _, stack := range s.stacks {
		out = append(out, s.stackARN(assembly.StackRef{Region: s.region(), Name: stack.ref.Name}))
	}
	return out
}

// otherARNs returns the ARNs of the stacks whose outputs the pipeline reads.
func (s *scope) otherARNs() []string {
	var out []string
	for _, ref := range s.others {
		out = append(out, s.stackARN(assembly.StackRef{Region: s.region(), Name: ref.Name}))
	}
	return out
}

// grantZones allows reads that narrow to the pipeline's own resources: the boot log, the tables, the groups, the images of containers.
func (s *scope) grantZones(give func(string, ...string)) {
	at := func(service, resource string) string {
		return "arn:aws:" + service + ":" + s.region() + ":" + s.Account + ":" + resource
	}
	give("logs:DescribeLogStreams", at("logs", "log-group:"+document.BootLogGroup(s.orbit)+":*"))
	give("logs:GetLogEvents", at("logs", "log-group:"+document.BootLogGroup(s.orbit)+":log-stream:*"))
	give("dynamodb:DescribeTable dynamodb:ListTagsOfResource", at("dynamodb", "table/"+document.TableName(s.orbit, "*")))
	give("dynamodb:Query", at("dynamodb", "table/"+document.TableName(s.orbit, document.VolumesTable)))
	give("autoscaling:SetDesiredCapacity", s.resources("autoscaling:SetDesiredCapacity")...)
	give("kms:DescribeKey kms:GetKeyPolicy", at("kms", "key/*"))
	give("route53:ListHostedZones", "*")
	give("route53:ListResourceRecordSets", "arn:aws:route53:::hostedzone/*")
	give("acm:DescribeCertificate", at("acm", "certificate/*"))
	for _, stack := range s.stacks {
		for _, image := range stack.Images {
			give("ecr:BatchGetImage ecr:GetDownloadUrlForLayer", repositoryARN(image.Image))
		}
	}
}

// grantRecords allows the records of releases: their table, and their key by its alias, since no build knows the key's id
// (kms:RequestAlias, https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html).
func (s *scope) grantRecords(all grants) {
	table := "arn:aws:dynamodb:" + s.region() + ":" + s.Account + ":table/" + document.TableName(s.orbit, document.ReleasesTable)
	for _, action := range []string{"dynamodb:BatchWriteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"} {
		all.add(grant{action: action, resources: []string{table}, condition: condition{}})
	}
	for _, action := range []string{"kms:GenerateMac", "kms:VerifyMac"} {
		all.add(grant{action: action, resources: []string{"arn:aws:kms:" + s.region() + ":" + s.Account + ":key/*"},
			condition: condition{}.with("StringEquals", "kms:RequestAlias", document.ReleasesKeyAlias(s.orbit))})
	}
}

// repositoryARN returns the ARN of an image's repository in Amazon ECR: ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG.
func repositoryARN(image string) string {
	host, name, _ := strings.Cut(image, "/")
	parts := strings.Split(host, ".")
	name, _, _ = strings.Cut(name, "@")
	if colon := strings.LastIndex(name, ":"); colon >= 0 {
		name = name[:colon]
	}
	if len(parts) < 4 {
		return "arn:aws:ecr:*:*:repository/" + name
	}
	return "arn:aws:ecr:" + parts[3] + ":" + parts[0] + ":repository/" + name
}

// grantBuckets allows uploads.
func (s *scope) grantBuckets(give func(string, ...string)) {
	var buckets, objects []string
	s.addBuckets(func(name string) {
		buckets, objects = append(buckets, "arn:aws:s3:::"+name), append(objects, "arn:aws:s3:::"+name+"/spacel/*")
	})
	give(bucketActions, buckets...)
	give(objectActions, objects...)
}

// grantSources allows reading the values of parameters from elsewhere: secrets, parameters, images, payloads.
func (s *scope) grantSources(give func(string, ...string)) {
	// Each source is read in the region of its stack. Values of other kinds come from the stacks, or from the user.
	for _, stack := range s.stacks {
		in := "arn:aws:%s:" + stack.ref.Region + ":" + s.Account + ":"
		at := func(service, resource string) string { return strings.Replace(in, "%s", service, 1) + resource }
		for _, source := range stack.Parameters {
			switch {
			case source.Image != nil && strings.HasPrefix(source.Image.AMI, "/"):
				give("ssm:GetParameter", at("ssm", "parameter"+source.Image.AMI))
			case source.Image != nil:
				// Debian's own parameters are public, and their ARN has no account.
				give("ssm:GetParameter", "arn:aws:ssm:"+s.region()+"::parameter/aws/service/debian/*")
			case source.Secret == nil:
			case source.Secret.SSM != "":
				give("ssm:GetParameter", at("ssm", "parameter/"+strings.TrimPrefix(source.Secret.SSM, "/")))
			case strings.HasPrefix(source.Secret.SecretsManager, "arn:"):
				give("secretsmanager:GetSecretValue", source.Secret.SecretsManager)
			case source.Secret.SecretsManager != "":
				// Secrets Manager adds six random characters to a name.
				give("secretsmanager:GetSecretValue", at("secretsmanager", "secret:"+source.Secret.SecretsManager+"-??????"))
			}
		}
	}
}

// grantPayloads allows deploy to decrypt the webhooks that stand encrypted in a manifest, with the app's own key.
func (s *scope) grantPayloads(all grants) {
	for _, stack := range s.stacks {
		for _, source := range stack.Parameters {
			if source.Secret == nil || source.Secret.Payload == nil {
				continue
			}
			// The key may be in another region than the stack.
			all.add(grant{action: "kms:Decrypt", resources: []string{"arn:aws:kms:*:" + s.Account + ":key/*"}, anywhere: true,
				condition: condition{}.with("ForAnyValue:StringEquals", "kms:ResourceAliases", document.KeyAlias(s.orbit, stack.App))})
		}
	}
}

// linked are the services with a role of their own in each account, by a type of resource in need of it. AWS makes the role at the
// first use, with the caller's rights (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html).
var linked = map[string]string{
	"AWS::AutoScaling::AutoScalingGroup":        "autoscaling.amazonaws.com",
	"AWS::ElastiCache::ReplicationGroup":        "elasticache.amazonaws.com",
	"AWS::ElasticLoadBalancingV2::LoadBalancer": "elasticloadbalancing.amazonaws.com",
	"AWS::RDS::DBInstance":                      "rds.amazonaws.com",
}

// grantLinkedRoles allows the service-linked roles of the stacks' services, and to look for them.
func (s *scope) grantLinkedRoles(all grants) {
	const roles = "role/aws-service-role/"
	at := "arn:aws:iam::" + s.Account + ":" + roles
	var services []string
	for _, stack := range s.stacks {
		for _, r := range stack.resources {
			if service := linked[r.Type]; service != "" && !slices.Contains(services, service) {
				services = append(services, service)
			}
		}
	}
	// The condition lists all services, to give the grants of one action one condition, and so one statement.
	slices.Sort(services)
	for _, service := range services {
		all.add(grant{action: "iam:CreateServiceLinkedRole", resources: []string{at + service + "/*"},
			condition: condition{}.with("StringEquals", "iam:AWSServiceName", services...)})
	}
	all.add(grant{action: "iam:GetRole", resources: []string{at + "*"}, condition: condition{}})
}
