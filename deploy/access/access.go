// Package access manages who may log in to an orbit's instances. Each region of an orbit has two DynamoDB tables:
// users (a user's public SSH keys) and services (the users who may log in to a service's instances).
//
// The tables of two regions are not replicated: a region must go on working when another one is down. A command
// therefore writes to every region, and Sync repairs a region that missed a write. Every write adds strings to a set
// or removes strings from one, so that two people who write at the same time lose nothing.
//
//	access.go   the tables of all regions, and the outcome in each
//	table.go    the calls of DynamoDB, in one region
//	users.go    keys and rights
//	sync.go     compares regions and repairs them
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

// answerTimeout limits the work in one region. Without it a region which is down would hold up the command for as long
// as the SDK's retries last.
const answerTimeout = 30 * time.Second

// Tables gives access to an orbit's tables in some of its regions.
type Tables struct {
	cloud   *cloud.Cloud
	orbit   string
	regions []string
}

// New returns the tables of an orbit in these regions. It calls nothing.
func New(c *cloud.Cloud, orbit string, regions []string) *Tables { return &Tables{c, orbit, regions} }

// Outcome is the result of a change in one region.
type Outcome struct {
	Region  string
	Changed bool // false: the table said so already
	Err     error
}

// Failed reports whether the change failed in any region.
func Failed(outcomes []Outcome) bool {
	for _, o := range outcomes {
		if o.Err != nil {
			return true
		}
	}
	return false
}

// inAllRegions runs do in all regions at once. A failure in one region does not stop the others: a right which is
// taken away must go wherever it can. The outcomes are in the order of the regions.
func (t *Tables) inAllRegions(ctx context.Context, do func(context.Context, table) (changed bool, err error)) []Outcome {
	outcomes := make([]Outcome, len(t.regions))
	var wait sync.WaitGroup
	for i, region := range t.regions {
		wait.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, answerTimeout)
			defer cancel()
			changed, err := do(ctx, t.in(region))
			outcomes[i] = Outcome{region, changed, t.explain(ctx, region, err)}
		})
	}
	wait.Wait()
	return outcomes
}

// in returns the tables of one region, with the client for it.
func (t *Tables) in(region string) table {
	return table{client: t.cloud.Region(region).DynamoDB(), orbit: t.orbit, region: region}
}

// explain turns DynamoDB's ResourceNotFoundException into advice: the tables belong to the stack <orbit>-tables, so
// they are missing where the orbit was never deployed.
// A transport's own time limit is a DeadlineExceeded, too, so the context says whether the time for the region is over.
func (t *Tables) explain(ctx context.Context, region string, err error) error {
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing {
		return fmt.Errorf("orbit %s has no tables in %s: deploy the orbit there first", t.orbit, region)
	}
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil {
		return fmt.Errorf("%s did not answer within %s", region, answerTimeout)
	}
	return cloud.Explain(err)
}

// CheckUser reports an error for a name that no instance could create a Linux user of.
func CheckUser(name string) error { return sshkey.CheckUser(name) }
