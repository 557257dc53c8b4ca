package doctor

import (
	"context"
	"fmt"

	"github.com/pebble/spacel/deploy/cloud"
)

// owned checks the account and the role of the orbit as a deployment would, and returns the Cloud for a deployment. It is nil
// if the credentials may do nothing for the orbit. An orbit without an account gets no finding.
func owned(ctx context.Context, c *cloud.Cloud, o cloud.Owner) (*cloud.Cloud, []Finding) {
	if o.Account == "" {
		return c, nil
	}
	check := "account"
	if o.Role != "" {
		check = "role"
	}
	entered, err := c.Enter(ctx, c.Default().Name, o, true)
	if err != nil {
		return nil, []Finding{{Check: check, State: Problem, Found: err.Error(),
			Fix: fmt.Sprintf("use credentials for account %s, or correct %s", o.Account, o.At)}}
	}
	found := "the orbit's account"
	if o.Role != "" {
		found = o.Role
	}
	return entered, []Finding{{Check: check, State: OK, Found: found}}
}
