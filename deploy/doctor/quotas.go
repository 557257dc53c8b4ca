package doctor

import (
	"context"
	"fmt"
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
	{"elastic addresses", "ec2", "L-0263D0A3", addresses},
	{"VPCs", "vpc", "L-F678F1CE", vpcs},
	{"vCPUs of standard instances", "ec2", "L-1216C47A", processors},
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
	out, err := in.ServiceQuotas().GetServiceQuota(ctx, &servicequotas.GetServiceQuotaInput{ServiceCode: &q.service, QuotaCode: &q.code})
	if err != nil {
		return unread(q.check, in.Name, err)
	}
	if out.Quota == nil || out.Quota.Value == nil {
		return unread(q.check, in.Name, cloud.Incomplete("servicequotas:GetServiceQuota", "no Quota of "+q.code+" with a Value"))
	}
	used, err := q.used(ctx, in.EC2())
	if err != nil {
		return unread(q.check, in.Name, err)
	}
	limit := int(aws.ToFloat64(out.Quota.Value))
	f := Finding{Check: q.check, Region: in.Name, State: OK, Found: fmt.Sprintf("%d of %d in use", used, limit)}
	if used >= limit {
		f.State = Warning
		f.Fix = fmt.Sprintf("release some, or ask for more: aws service-quotas request-service-quota-increase --region %s "+
			"--service-code %s --quota-code %s --desired-value %d", in.Name, q.service, q.code, 2*limit)
	}
	return f
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

// isStandard reports whether a type is of a standard family. An answer without a type counts for no quota.
func isStandard(t types.InstanceType) bool {
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
				if i.CpuOptions != nil && i.InstanceLifecycle == "" && isStandard(i.InstanceType) {
					count += int(aws.ToInt32(i.CpuOptions.CoreCount) * aws.ToInt32(i.CpuOptions.ThreadsPerCore))
				}
			}
		}
	}
	return count, nil
}
