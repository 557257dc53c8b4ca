package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"

	"github.com/pebble/spacel/deploy/cloud"
)

// quota is a limit of an account in a region, with its code in Service Quotas.
type quota struct {
	check, service, code string
	used                 func(context.Context, *ec2.Client) (int, error)
}

// limits are the quotas that a new account meets first: an orbit has a VPC, and an address for each NAT gateway and bastion.
// The codes are those of https://docs.aws.amazon.com/general/latest/gr/ec2-service.html and vpc-service.html.
var limits = []quota{
	{"elastic addresses", "ec2", QuotaAddresses, addresses},
	{"VPCs", "vpc", QuotaVPCs, vpcs},
	{"vCPUs of standard instances", "ec2", QuotaProcessors, processors},
}

// The codes of the quotas.
const (
	QuotaAddresses  = "L-0263D0A3"
	QuotaVPCs       = "L-F678F1CE"
	QuotaProcessors = "L-1216C47A" // of running on-demand standard instances
	QuotaRules      = "L-0EA8095F" // of VPC: rules into or out of a security group
)

// byCode returns the quota with a code. The codes are the constants above.
func byCode(code string) quota {
	return limits[slices.IndexFunc(limits, func(q quota) bool { return q.code == code })]
}

// Limit returns a quota of VPC in a region.
func Limit(ctx context.Context, in *cloud.Region, code string) (int, error) {
	return quota{service: "vpc", code: code}.limit(ctx, in)
}

// Usage returns how much of a quota is in use in a region, and the quota.
func Usage(ctx context.Context, in *cloud.Region, code string) (used, limit int, err error) {
	return byCode(code).usage(ctx, in)
}

// AskForMore returns the command that asks AWS for a higher quota.
func AskForMore(region, code string, desired int) string {
	return fmt.Sprintf("aws service-quotas request-service-quota-increase --region %s --service-code %s --quota-code %s --desired-value %d",
		region, byCode(code).service, code, desired)
}

// quotas compares the quotas with their use.
func quotas(ctx context.Context, c *cloud.Cloud, region string) []Finding {
	var findings []Finding
	for _, q := range limits {
		findings = append(findings, q.compare(ctx, c.Region(region)))
	}
	return findings
}

// compare asks for the quota and for its use, and returns a warning if nothing is left.
func (q quota) compare(ctx context.Context, in *cloud.Region) Finding {
	used, limit, err := q.usage(ctx, in)
	if err != nil {
		return unread(q.check, in.Name, err)
	}
	f := Finding{Check: q.check, Region: in.Name, State: OK, Found: fmt.Sprintf("%d of %d in use", used, limit)}
	if used >= limit {
		f.State = Warning
		f.Fix = "release some, or ask for more: " + AskForMore(in.Name, q.code, 2*limit)
	}
	return f
}

// usage asks for the quota and for its use.
func (q quota) usage(ctx context.Context, in *cloud.Region) (used, limit int, err error) {
	if limit, err = q.limit(ctx, in); err == nil {
		used, err = q.used(ctx, in.EC2())
	}
	return used, limit, err
}

// limit asks for the quota.
func (q quota) limit(ctx context.Context, in *cloud.Region) (int, error) {
	out, err := in.ServiceQuotas().GetServiceQuota(ctx, &servicequotas.GetServiceQuotaInput{ServiceCode: &q.service, QuotaCode: &q.code})
	if err != nil {
		return 0, err
	}
	if out.Quota == nil || out.Quota.Value == nil {
		return 0, cloud.Incomplete("servicequotas:GetServiceQuota", "no Quota of "+q.code+" with a Value")
	}
	return int(aws.ToFloat64(out.Quota.Value)), nil
}

// addresses returns the number of elastic addresses in use in a region, those of other programs included.
func addresses(ctx context.Context, in *ec2.Client) (int, error) {
	out, err := in.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{})
	if err != nil {
		return 0, err
	}
	if out.Addresses == nil {
		return 0, cloud.Incomplete("ec2:DescribeAddresses", "no addressesSet")
	}
	return len(out.Addresses), nil
}

// vpcs returns the number of VPCs in a region. The default VPC counts, too.
func vpcs(ctx context.Context, in *ec2.Client) (int, error) {
	count := 0
	pages := ec2.NewDescribeVpcsPaginator(in, &ec2.DescribeVpcsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, err
		}
		if page.Vpcs == nil {
			return 0, cloud.Incomplete("ec2:DescribeVpcs", "no vpcSet")
		}
		count += len(page.Vpcs)
	}
	return count, nil
}

// standard are the first letters of the instance families that share the quota of standard instances.
const standard = "acdhimrtz"

// IsStandard reports whether a type is of a standard family. An answer without a type counts for no quota.
func IsStandard(t types.InstanceType) bool {
	return t != "" && strings.Contains(standard, string(t)[:1])
}

// processors counts the vCPUs of running standard instances. Spot instances have a quota of their own.
func processors(ctx context.Context, in *ec2.Client) (int, error) {
	count := 0
	running := types.Filter{Name: aws.String("instance-state-name"), Values: []string{"pending", "running"}}
	pages := ec2.NewDescribeInstancesPaginator(in, &ec2.DescribeInstancesInput{Filters: []types.Filter{running}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, err
		}
		if page.Reservations == nil {
			return 0, cloud.Incomplete("ec2:DescribeInstances", "no reservationSet")
		}
		for _, reservation := range page.Reservations {
			for _, i := range reservation.Instances {
				if i.CpuOptions != nil && i.InstanceLifecycle == "" && IsStandard(i.InstanceType) {
					count += int(aws.ToInt32(i.CpuOptions.CoreCount) * aws.ToInt32(i.CpuOptions.ThreadsPerCore))
				}
			}
		}
	}
	return count, nil
}
