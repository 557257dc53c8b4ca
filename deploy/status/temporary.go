package status

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/temporary"
)

// addTemporary adds the changes by hand in force to the stacks of one region, whose orbit has the table for them.
func addTemporary(ctx context.Context, c *cloud.Cloud, region, orbit string, stacks []*Stack) (note string, err error) {
	var apps []string
	for _, stack := range stacks {
		apps = append(apps, stack.App)
	}
	found, err := temporary.Read(ctx, c.Region(region), orbit, apps...)
	switch {
	case errors.Is(err, temporary.ErrNoTable):
		return "", nil
	case cloud.IsDenied(err):
		// The other answers are worth reading without this one, as with health and alarms.
		return fmt.Sprintf("%s: changes by spacel scale and maintenance are not known: %v", region, err), nil
	case err != nil:
		return "", err
	}
	now := time.Now()
	for _, stack := range stacks {
		for _, s := range found[stack.App] {
			// AWS ended it at its time, and the record is there until the next deploy.
			if !s.Over(now) {
				stack.Temporary = append(stack.Temporary, s)
			}
		}
	}
	return "", nil
}
