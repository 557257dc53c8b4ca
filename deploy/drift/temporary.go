package drift

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/temporary"
)

// spacel scale and spacel maintenance change AWS beside the template, too. They are recorded, and end by themselves, so they are no
// drift. Their rules of a load balancer are in no template, and CloudFormation does not look for such rules. A size of a group is
// compared here, and differs as long as the change is in force.

// Temporary is a change by spacel scale or spacel maintenance that is in force.
type Temporary struct {
	assembly.StackRef
	temporary.State
	End  string `json:"end"`  // the command that ends it
	Text string `json:"text"` // in one line
}

// readTemporary reads the changes in force of the apps of some stacks, by stack. They are known before sizes are compared.
func (r *reading) readTemporary(ctx context.Context, wanted []*deployed) {
	byRegion := map[string]map[string]*deployed{}
	for _, d := range wanted {
		if d.App() == "" {
			continue
		}
		if byRegion[d.Region] == nil {
			byRegion[d.Region] = map[string]*deployed{}
		}
		byRegion[d.Region][d.App()] = d
	}
	for region, apps := range byRegion {
		if !temporary.Kept(ctx, r.stacks, r.scope.Orbit, region) {
			continue
		}
		found, err := temporary.Read(ctx, r.cloud.Region(region), r.scope.Orbit, slices.Sorted(maps.Keys(apps))...)
		if err != nil && !errors.Is(err, temporary.ErrNoTable) {
			tables := assembly.StackRef{Region: region, Name: document.StackName(r.scope.Orbit, document.StackTables)}
			r.miss(Unchecked{StackRef: tables, Failed: true,
				Why: fmt.Sprintf("changes by spacel scale and maintenance are not known: %v", err)})
			continue
		}
		for app, states := range found {
			r.addTemporary(apps[app], states)
		}
	}
}

// addTemporary adds the changes of one app.
func (r *reading) addTemporary(d *deployed, states []temporary.State) {
	if d == nil {
		return
	}
	for _, s := range states {
		d.temporary = append(d.temporary, s)
		if s.Over(time.Now()) {
			continue // AWS ended it, and the record is there until the next deploy
		}
		t := Temporary{StackRef: d.StackRef, State: s, Text: s.String() + ", by " + s.By,
			End: fmt.Sprintf("spacel %s %s off --orbit %s", s.Kind, s.App, r.scope.Orbit)}
		r.temporary = append(r.temporary, t)
	}
}

// scale returns the recorded change of a group by spacel scale, nil for none.
func (d *deployed) scale(group types.AutoScalingGroup) *temporary.State {
	i := slices.IndexFunc(d.temporary, func(s temporary.State) bool {
		return s.Kind == temporary.Scale && s.Set != nil && s.Group == aws.ToString(group.AutoScalingGroupName)
	})
	if i < 0 {
		return nil
	}
	return &d.temporary[i]
}

// expectedSize returns the size that a group should have: the template's, or the one that spacel scale has set for now. The remark says
// where it comes from, or that AWS did not end a change.
func (d *deployed) expectedSize(group types.AutoScalingGroup, property, written, is string) (want, remark string) {
	s := d.scale(group)
	if s == nil {
		return written, ""
	}
	set := strconv.Itoa(s.Set.Max)
	if property == "MinSize" {
		set = strconv.Itoa(s.Set.Min)
	}
	switch {
	case !s.Over(time.Now()):
		return set, fmt.Sprintf("; spacel scale has set it to %s for now", set)
	case is == set:
		return written, fmt.Sprintf("; spacel scale had set it until %s, and AWS did not end that", s.Until.UTC().Format(time.RFC3339))
	}
	return written, ""
}
