package deploy

import (
	"fmt"
	"slices"
	"time"
)

// WavePlan is the order in which an app's changes reach its regions.
type WavePlan struct {
	App     string     `json:"app"`
	Waves   [][]string `json:"waves"`   // regions with changes
	Pause   int        `json:"pause"`   // minutes between two waves
	Minutes int        `json:"minutes"` // about how long the release takes: pauses, watches and usual durations
}

// usualUpdate is the usual time of an update of an app's stack: a few instances, replaced one at a time. It is only used to
// compare the whole with the credentials, and a waiting user sees the real times.
const usualUpdate = 10 * time.Minute

// The plan of the waves is for people. Which stack waits for which follows from order, when the run begins, and a changed plan
// changes nothing about it. A wave without changes is left out of the plan, because nothing waits for it or in it.

// wavePlans returns the waves of all apps with changes in at least two of them.
func (d *Deployment) wavePlans() []WavePlan {
	var plans []WavePlan
	if d.options.Rollback != nil {
		return nil
	}
	for _, p := range d.parts {
		if waveOf(p.spec) == 0 || slices.ContainsFunc(plans, func(w WavePlan) bool { return w.App == p.spec.App }) {
			continue
		}
		if plan := d.wavePlan(p.spec.App); len(plan.Waves) > 1 {
			plans = append(plans, plan)
		}
	}
	return plans
}

// wavePlan returns the waves of an app. A wave takes as long as its longest watch and a usual update.
func (d *Deployment) wavePlan(app string) WavePlan {
	plan := WavePlan{App: app}
	waves, watches := map[int][]string{}, map[int]int{}
	for _, p := range d.parts {
		if p.spec.App != app || waveOf(p.spec) == 0 || p.plan.Action == None {
			continue
		}
		wave := waveOf(p.spec)
		waves[wave], plan.Pause = append(waves[wave], p.spec.Region), p.spec.Release.Pause
		if p.spec.Guard != nil {
			watches[wave] = max(watches[wave], p.spec.Guard.Minutes)
		}
	}
	for wave := range d.highestWave() {
		if regions := waves[wave+1]; len(regions) > 0 {
			plan.Waves = append(plan.Waves, regions)
			plan.Minutes += watches[wave+1] + int(usualUpdate/time.Minute)
		}
	}
	plan.Minutes += plan.Pause * (len(plan.Waves) - 1)
	return plan
}

// highestWave returns the number of the last wave of all apps.
func (d *Deployment) highestWave() int {
	last := 0
	for _, p := range d.parts {
		last = max(last, waveOf(p.spec))
	}
	return last
}

// The comparison warns and does not refuse. A release cut off between two waves does no harm: its finished regions serve the new
// version, the others the old one, and the same command goes on with new credentials.

// Session is the life of the credentials of a run. Credentials of a user, and those renewed by the SDK, have no end.
type Session struct {
	End     time.Time // zero: there is none, or nobody knows it
	Unknown bool      // the credentials are of a session whose end nobody knows
}

// lifetimeWarnings compares the time of the waves with the end of the credentials. An operation goes on in CloudFormation without them,
// but the next wave would not begin. AWS has no call that tells the end of a session.
func (o Options) lifetimeWarnings(plans []WavePlan) []string {
	var out []string
	for _, plan := range plans {
		length := time.Duration(plan.Minutes) * time.Minute
		const advice = "make the session longer (--duration-seconds, role-duration-seconds, up to the role's maximum), or run the " +
			"same command again with new credentials: it goes on where it was"
		switch {
		case !o.Session.End.IsZero() && time.Until(o.Session.End) < length:
			out = append(out, fmt.Sprintf("the waves of %s take about %s, and the credentials end at %s: %s", plan.App,
				spoken(plan.Minutes), o.Session.End.UTC().Format("15:04 UTC"), advice))
		case o.Session.Unknown && length > time.Hour:
			out = append(out, fmt.Sprintf("the waves of %s take about %s, and the credentials are of a session whose end AWS does not "+
				"tell. A session of a role that another role assumed ends after an hour: %s", plan.App, spoken(plan.Minutes), advice))
		}
	}
	return out
}

// spoken returns a time in hours and minutes.
func spoken(minutes int) string {
	if minutes < 60 {
		return fmt.Sprintf("%d min", minutes)
	}
	return fmt.Sprintf("%d h %02d min", minutes/60, minutes%60)
}
