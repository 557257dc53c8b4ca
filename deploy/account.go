package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	cloudformation "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/doctor"
	"github.com/pebble/spacel/deploy/live"
)

// needs counts what the plans of one region take from the account.
type needs struct {
	types     map[string]bool // resource types that are new
	addresses int
	vpcs      int
	instances map[string]int // type → new instances
	launches  bool           // a new group, or a changed launch template
}

// accountWarnings compares the plans with the account: roles, keys and quotas on which a stack would fail late. An answer that these
// credentials may not read is no warning, since others may be fine. Nothing is asked for plans that add nothing of the kind.
func (d *Deployment) accountWarnings(ctx context.Context) []string {
	var out []string
	byRegion := map[string]*needs{}
	for _, p := range d.parts {
		n := byRegion[p.spec.Region]
		if n == nil {
			n = &needs{types: map[string]bool{}, instances: map[string]int{}}
			byRegion[p.spec.Region] = n
		}
		if err := n.add(p); err != nil {
			out = append(out, err.Error())
		}
	}
	types := map[string]bool{}
	for _, region := range slices.Sorted(maps.Keys(byRegion)) {
		n := byRegion[region]
		maps.Copy(types, n.types)
		out = append(out, n.quotaWarnings(ctx, d.cloud.Region(region))...)
		if n.launches {
			out = append(out, keyWarning(ctx, d.cloud.Region(region))...)
		}
	}
	return append(missingRoles(ctx, d.cloud, types), out...)
}

// add counts the additions of one stack's plan.
func (n *needs) add(p *part) error {
	for _, c := range p.plan.Changes {
		if c.Type == "AWS::EC2::LaunchTemplate" && c.Action != string(cloudformation.ChangeActionRemove) {
			n.launches = true
		}
		if c.Action != string(cloudformation.ChangeActionAdd) {
			continue
		}
		n.types[c.Type] = true
		switch c.Type {
		case "AWS::EC2::EIP":
			n.addresses++
		case "AWS::EC2::VPC":
			n.vpcs++
		case live.GroupType:
			whole, err := p.template.whole()
			if err != nil {
				return err
			}
			if kind := instanceType(whole); kind != "" {
				n.instances[kind] += firstSize(whole.Resources[c.LogicalID].Properties)
			}
		}
	}
	return nil
}

// instanceType returns the type in the stack's launch template, "" for none.
func instanceType(whole *live.Template) string {
	for _, r := range whole.Resources {
		if data, ok := r.Properties["LaunchTemplateData"].(map[string]any); ok {
			kind, _ := data["InstanceType"].(string)
			return kind
		}
	}
	return ""
}

// firstSize returns the number of instances with which a new group begins.
func firstSize(properties map[string]any) int {
	for _, name := range []string{"DesiredCapacity", "MinSize"} {
		var n int
		if _, err := fmt.Sscan(fmt.Sprint(properties[name]), &n); err == nil {
			return n
		}
	}
	return 0
}

// quotaWarnings compares the additions with the quotas of a region.
func (n *needs) quotaWarnings(ctx context.Context, in *cloud.Region) []string {
	var out []string
	for _, each := range []struct {
		quota, what string
		wanted      func() int
	}{
		{doctor.QuotaAddresses, "elastic addresses", func() int { return n.addresses }},
		{doctor.QuotaVPCs, "VPCs", func() int { return n.vpcs }},
		{doctor.QuotaProcessors, "vCPUs of standard instances", func() int { return n.countProcessors(ctx, in) }},
	} {
		wanted := each.wanted()
		if wanted == 0 {
			continue
		}
		if used, limit, err := doctor.Usage(ctx, in, each.quota); err == nil && used+wanted > limit {
			out = append(out, fmt.Sprintf("%s: this needs %d %s, and %d of %d are in use: release some, or ask for more: %s",
				in.Name, wanted, each.what, used, limit, doctor.AskForMore(in.Name, each.quota, used+wanted)))
		}
	}
	return out
}

// countProcessors counts the vCPUs of the new instances that share the quota of standard instances.
func (n *needs) countProcessors(ctx context.Context, in *cloud.Region) int {
	var kinds []ec2types.InstanceType
	for _, kind := range slices.Sorted(maps.Keys(n.instances)) {
		if doctor.IsStandard(ec2types.InstanceType(kind)) && n.instances[kind] > 0 {
			kinds = append(kinds, ec2types.InstanceType(kind))
		}
	}
	if len(kinds) == 0 {
		return 0
	}
	out, err := in.EC2().DescribeInstanceTypes(ctx, &ec2.DescribeInstanceTypesInput{InstanceTypes: kinds})
	if err != nil {
		return 0
	}
	total := 0
	for _, t := range out.InstanceTypes {
		if t.VCpuInfo != nil {
			total += n.instances[string(t.InstanceType)] * int(aws.ToInt32(t.VCpuInfo.DefaultVCpus))
		}
	}
	return total
}

// linkedRoles are the roles that AWS makes at the first use of a service in an account, by a type of resource that uses it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html
var linkedRoles = []struct{ kind, role, service string }{
	{live.GroupType, "AWSServiceRoleForAutoScaling", "autoscaling.amazonaws.com"},
	{"AWS::ElasticLoadBalancingV2::LoadBalancer", "AWSServiceRoleForElasticLoadBalancing", "elasticloadbalancing.amazonaws.com"},
	{"AWS::RDS::DBInstance", "AWSServiceRoleForRDS", "rds.amazonaws.com"},
	{"AWS::ElastiCache::ReplicationGroup", "AWSServiceRoleForElastiCache", "elasticache.amazonaws.com"},
}

// missingRoles warns of service-linked roles that do not exist yet.
func missingRoles(ctx context.Context, c *cloud.Cloud, types map[string]bool) []string {
	var out []string
	for _, l := range linkedRoles {
		if !types[l.kind] {
			continue
		}
		_, err := c.Default().IAM().GetRole(ctx, &iam.GetRoleInput{RoleName: &l.role})
		if _, absent := errors.AsType[*iamtypes.NoSuchEntityException](err); absent {
			out = append(out, fmt.Sprintf("the account has no role %s yet: AWS makes it now if these credentials have "+
				"iam:CreateServiceLinkedRole; else somebody must run aws iam create-service-linked-role --aws-service-name %s first",
				l.role, l.service))
		}
	}
	return out
}

// keyWarning warns when the default key of EBS volumes is a customer's. Root volumes are encrypted, so no instance starts unless the
// key's policy lets Auto Scaling's role use it, and make grants with it.
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html
func keyWarning(ctx context.Context, in *cloud.Region) []string {
	out, err := in.EC2().GetEbsDefaultKmsKeyId(ctx, &ec2.GetEbsDefaultKmsKeyIdInput{})
	if err != nil || aws.ToString(out.KmsKeyId) == "" || strings.HasSuffix(aws.ToString(out.KmsKeyId), "/aws/ebs") {
		return nil
	}
	key := aws.ToString(out.KmsKeyId)
	described, err := in.KMS().DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &key})
	if err == nil && described.KeyMetadata != nil && described.KeyMetadata.KeyManager == kmstypes.KeyManagerTypeAws {
		return nil
	}
	const role = "AWSServiceRoleForAutoScaling"
	policy, err := in.KMS().GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: &key, PolicyName: aws.String("default")})
	if err == nil && json.Valid([]byte(aws.ToString(policy.Policy))) && strings.Contains(aws.ToString(policy.Policy), role) {
		return nil
	}
	return []string{fmt.Sprintf("%s: the default key of EBS volumes is a key of your own, %s: its policy must let %s and the apps' "+
		"roles use "+
		"it, or no instance starts; see docs/security.md, encryption at rest", in.Name, key, role)}
}
