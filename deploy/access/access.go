// Package access is who may log in to an orbit's instances: its tables of users and services, one of each in every region.
//
// Regions are isolated, so nothing keeps their tables equal but the commands that write to all of them; Sync repairs what a
// region missed. Every write adds to a set or removes from one, so that two people's writes at once lose nothing.
package access

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/agent/sshkey"
	"github.com/pebble/spacel/deploy/cloud"
)

// Operators is the service whose admins may log in to every instance of the orbit.
const Operators = document.Operators

// answerTimeout is how long one region may take to answer.
const answerTimeout = 30 * time.Second

// Tables are an orbit's, in some of its regions.
type Tables struct {
	cloud   *cloud.Cloud
	orbit   string
	regions []string
}

// New gives the tables of an orbit in these regions.
func New(c *cloud.Cloud, orbit string, regions []string) *Tables { return &Tables{c, orbit, regions} }

// Outcome is what became of a change in one region.
type Outcome struct {
	Region  string
	Changed bool // false: it was so already
	Err     error
}

// Failed says whether any region failed.
func Failed(outcomes []Outcome) bool {
	for _, o := range outcomes {
		if o.Err != nil {
			return true
		}
	}
	return false
}

// inAllRegions tries all regions at once, whatever becomes of the others. Outcomes are in the order of the regions.
func (t *Tables) inAllRegions(ctx context.Context, do func(context.Context, table) (changed bool, err error)) []Outcome {
	outcomes := make([]Outcome, len(t.regions))
	var wait sync.WaitGroup
	for i, region := range t.regions {
		wait.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, answerTimeout)
			defer cancel()
			changed, err := do(ctx, t.in(region))
			outcomes[i] = Outcome{region, changed, t.explain(region, err)}
		})
	}
	wait.Wait()
	return outcomes
}

func (t *Tables) in(region string) table {
	return table{client: t.cloud.Region(region).DynamoDB(), orbit: t.orbit, region: region}
}

func (t *Tables) explain(region string, err error) error {
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing {
		return fmt.Errorf("orbit %s has no tables in %s: deploy the orbit there first", t.orbit, region)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s did not answer within %s", region, answerTimeout)
	}
	return cloud.Explain(err)
}

// CheckUser refuses a name that no instance could make a user of.
func CheckUser(name string) error { return sshkey.CheckUser(name) }
