package schema

import (
	"slices"

	"github.com/pebble/spacel/schema/manifest"
)

// Waves is the order in which a release reaches the regions of an app. Regions outside of the app are left out.
type Waves struct {
	Node
	Regions [][]string // at least two waves, none of them empty
	Pause   int        // minutes between two waves
}

// maxPause is the longest pause in minutes. A longer one would end after the credentials of nearly everybody.
const maxPause = 24 * 60

// Of returns the number of a region's wave, from 1.
func (w *Waves) Of(region string) int {
	return 1 + slices.IndexFunc(w.Regions, func(wave []string) bool { return slices.Contains(wave, region) })
}

// A region that no wave names is an error and not a last wave. A list of waves is written for safety, and a region forgotten in
// it, or added to the orbit later, would get every release unguarded, or last, and nobody decided so. The opposite is
// harmless: waves of an orbit's apps may name regions where an app does not run.
//
// The order within one wave has no meaning, except for the very first region: tasks with once: app run there.

// waves reads the waves of the app, nil when all regions are in one. They are about all regions, so they are those of all or of the
// orbit's apps, also for a region whose own release replaces the others.
func waves(b appBuilder) *Waves {
	if own := releaseOf(b, b.section.own); own.has("waves") || own.has("pause") {
		field := "pause"
		if own.has("waves") {
			field = "waves"
		}
		own.errorf(field, "is about all regions: write it in all")
	}
	r := releaseOf(b, b.section.shared)
	if b.section.all.value != nil && b.section.all.value.Lookup("release") != nil {
		r = releaseOf(b, b.section.all)
	}
	if !r.has("waves") {
		if r.has("pause") && !r.unknown("waves") {
			r.errorf("pause", "works only with waves: it is the time between two of them")
		}
		return nil
	}
	found := &Waves{Node: r.node(), Pause: minutesOf(r, "pause", maxPause, "24h")}
	named := map[string]bool{}
	valid := !r.unknown("waves")
	for _, wave := range r.list("waves") {
		var regions []string
		if wave.value.Kind == manifest.List && len(wave.value.Items) == 0 && len(wave.value.Reported) == 0 {
			b.scope.report.Errorf(wave.pos(), "names no region: remove it")
		}
		for _, item := range listOf(wave) {
			region := item.value.Text
			switch {
			case !knownRegion(b.scope.facts, b.scope.report, region, item.pos()):
				valid = false
			case named[region]:
				b.scope.report.Errorf(item.pos(), "%s is in a wave already", region)
			case b.scope.orbit.Region(region) == nil:
				b.scope.report.Notef(item.pos(), "%s is skipped: the orbit is not in this region", region)
			case slices.Contains(b.scope.regions, region):
				regions = append(regions, region)
			}
			named[region] = true
		}
		if len(regions) > 0 {
			found.Regions = append(found.Regions, regions)
		}
	}
	// After a mistake in a region's name, the region in no wave would be a second message about it.
	for _, region := range b.scope.regions {
		if valid && !named[region] {
			r.errorf("waves", "%s is in no wave: every region of the app must be in one", region)
			valid = false
		}
	}
	if !valid || len(found.Regions) < 2 {
		return nil
	}
	return found
}

// releaseOf returns the field release of a part of the manifest.
func releaseOf(b appBuilder, part node) record {
	var r record
	if part.value != nil {
		r = part.record(b.scope.report, nil)
	}
	r.report = b.scope.report
	return r.child("release", nil)
}
