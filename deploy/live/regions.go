package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
)

// Regions returns the account's regions with stacks of an orbit, sorted. It makes one call in each region.
func Regions(ctx context.Context, c *cloud.Cloud, orbit string) ([]string, error) {
	enabled, err := Enabled(ctx, c)
	if err != nil {
		return nil, err
	}
	stacks := New(c)
	there, errs := make([]bool, len(enabled)), make([]error, len(enabled))
	var wait sync.WaitGroup
	for i, region := range enabled {
		wait.Go(func() {
			// Every region of an orbit has its VPC's stack, so one call for that name answers the question.
			stack, err := stacks.Get(ctx, assembly.StackRef{Region: region, Name: document.StackName(orbit, document.StackVPC)})
			there[i], errs[i] = stack.Exists() && stack.Orbit() == orbit, err
		})
	}
	wait.Wait()
	// A region that did not answer may have the orbit. A list without it would be wrong in silence, so this is an error.
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("look for the regions of orbit %s: %w\nname them with --region, or give the orbit's manifest as --orbit",
			orbit, err)
	}
	var found []string
	for i, region := range enabled {
		if there[i] {
			found = append(found, region)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no region of this account has an orbit %s, that is a stack %s: "+
			"name a region with --region, or check the name and the credentials", orbit, document.StackName(orbit, document.StackVPC))
	}
	return found, nil
}

// Enabled returns the account's enabled regions, sorted.
func Enabled(ctx context.Context, c *cloud.Cloud) ([]string, error) {
	out, err := c.Default().EC2().DescribeRegions(ctx, &ec2.DescribeRegionsInput{})
	if err != nil {
		return nil, fmt.Errorf("list the account's regions: %w", cloud.Explain(err))
	}
	if len(out.Regions) == 0 {
		return nil, fmt.Errorf("list the account's regions: %w", cloud.Incomplete("ec2:DescribeRegions", "no region"))
	}
	var names []string
	for _, r := range out.Regions {
		names = append(names, aws.ToString(r.RegionName))
	}
	slices.Sort(names)
	return names, nil
}
