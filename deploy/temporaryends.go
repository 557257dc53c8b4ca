package deploy

import (
	"context"
	"fmt"
	"time"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/temporary"
)

// findTemporary notes for each app the changes by hand that this deployment ends: its scale, its maintenance. A redeploy keeps them,
// since it changes nothing but instances. So does taking drift back, since these changes are no drift. They are read once for each region
// whose orbit has the table for them. What cannot be read is a warning, because the app can be deployed without it.
func (d *Deployment) findTemporary(ctx context.Context) (warnings []string) {
	if d.options.Redeploy || d.options.RevertDrift {
		return nil
	}
	for _, region := range d.regions() {
		apps := map[string]*part{}
		var names []string
		for _, p := range d.parts {
			// A stack without instances has nothing that these commands change.
			deployed := p.plan.deployed
			if p.spec.Region == region && p.spec.App != "" && deployed.Exists() && deployed.Outputs[document.OutputGroup] != "" {
				apps[p.spec.App], names = p, append(names, p.spec.App)
			}
		}
		if len(names) == 0 || !temporary.Kept(ctx, d.live, d.orbit, region) {
			continue
		}
		// One call reads up to fifty apps.
		found, err := temporary.Read(ctx, d.cloud.Region(region), d.orbit, names...)
		if err != nil {
			warnings = append(warnings, fmt.Sprintf("changes by spacel scale and maintenance are not ended: %v", err))
		}
		for app, states := range found {
			apps[app].ends = states
		}
	}
	return warnings
}

// endTemporary ends the changes of each app whose stack matches the artifact now. It comes last: maintenance hides the release from
// visitors until it is there, and an update of the stack may have set the sizes itself. After a failure the changes stay, and the next
// deploy finds them again.
func (d *Deployment) endTemporary(ctx context.Context) (errs []error) {
	for _, p := range d.parts {
		if !p.result.Outcome.OK() || p.plan.deployed == nil {
			continue
		}
		for _, s := range p.ends {
			err := temporary.End(ctx, d.cloud.Region(p.spec.Region), d.orbit, p.plan.deployed.Outputs[document.OutputGroup], s)
			if err != nil {
				errs = append(errs, fmt.Errorf("%w; spacel %s %s off --orbit %s tries it again", err, s.Kind, s.App, d.orbit))
			} else if !s.Over(time.Now()) {
				p.tell(activity.Event{Kind: activity.Note, Reason: s.AfterEnd()})
			}
		}
	}
	return errs
}
