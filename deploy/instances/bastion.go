package instances

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	compute "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
)

// Bastion is the way into a region.
type Bastion struct {
	Host    string // its DNS name, or its elastic IP address when the orbit has no names
	Address string // the elastic IP address
	ID      string // of the instance that has the address now; empty when no instance has it
	HostKey string // of SSH, as the instance recorded it
}

// FindBastion returns a region's first bastion. Its addresses are outputs of the bastions' stack, and EC2 knows the instance with
// the address now: a bastion that takes over from another one brings its own host key.
func FindBastion(ctx context.Context, c *cloud.Cloud, stacks *live.Stacks, orbit, region string) (Bastion, error) {
	ref := assembly.StackRef{Region: region, Name: document.StackName(orbit, document.StackBastion)}
	stack, err := stacks.Get(ctx, ref)
	if err != nil {
		return Bastion{}, err
	}
	absent := fmt.Errorf("orbit %s has no bastion in %s: its manifest asks for none, or %s is not deployed", orbit, region, ref.Name)
	if stack == nil {
		return Bastion{}, absent
	}
	// The first address belongs to the first name, as the compiler numbers them.
	b := Bastion{Address: firstOutput(stack.Outputs, document.OutputElasticIP)}
	// A DNS name survives the replacement of the bastion's address, so it is preferred.
	if b.Host = firstOutput(stack.Outputs, document.OutputDNSRecord); b.Host == "" {
		b.Host = b.Address
	}
	if b.Host == "" || b.Address == "" {
		return Bastion{}, absent
	}
	return b, b.identify(ctx, c.Region(region))
}

// firstOutput returns the value of the first output whose name begins so.
func firstOutput(outputs map[string]string, prefix string) string {
	for _, name := range slices.Sorted(maps.Keys(outputs)) {
		if strings.HasPrefix(name, prefix) {
			return outputs[name]
		}
	}
	return ""
}

// identify finds the instance with the address. It is no error when none has it: an update may be moving it.
func (b *Bastion) identify(ctx context.Context, region *cloud.Region) error {
	out, err := region.EC2().DescribeInstances(ctx, &ec2.DescribeInstancesInput{
		Filters: []compute.Filter{{Name: aws.String("ip-address"), Values: []string{b.Address}}},
	})
	if err != nil {
		return fmt.Errorf("find the bastion with the address %s in %s: %w", b.Address, region.Name, cloud.Explain(err))
	}
	if out.Reservations == nil {
		return fmt.Errorf("find the bastion with the address %s in %s: %w", b.Address, region.Name,
			cloud.Incomplete("ec2:DescribeInstances", "no reservationSet"))
	}
	// The address is compared again: an answer about another instance would bring another machine's key.
	for _, reservation := range out.Reservations {
		for _, machine := range reservation.Instances {
			if aws.ToString(machine.PublicIpAddress) == b.Address {
				b.ID, b.HostKey = aws.ToString(machine.InstanceId), hostKey(machine)
			}
		}
	}
	return nil
}

// hostKey returns an instance's recorded SSH host key, "" without one.
func hostKey(machine compute.Instance) string {
	for _, tag := range machine.Tags {
		if aws.ToString(tag.Key) == document.TagHostKey {
			return aws.ToString(tag.Value)
		}
	}
	return ""
}
