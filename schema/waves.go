package schema

import (
	"slices"
	"strings"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/sections"
)

// Waves is the order in which a release reaches the regions of an app. Regions outside of the app are left out.
type Waves struct {
	sections.Node
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
	if own := releaseOf(b, b.section.Own); own.Has("waves") || own.Has("pause") {
		field := "pause"
		if own.Has("waves") {
			field = "waves"
		}
		own.Errorf(field, "is about all regions: write it in all")
	}
	r := releaseOf(b, b.section.Shared)
	if b.section.All.Tree != nil && b.section.All.Tree.Lookup("release") != nil {
		r = releaseOf(b, b.section.All)
	}
	if !r.Has("waves") {
		if r.Has("pause") && !r.Unknown("waves") {
			r.Errorf("pause", "works only with waves: it is the time between two of them")
		}
		return nil
	}
	if len(r.List("waves")) == 1 && r.Has("pause") {
		r.Notef("pause", "has no effect: it is the time between two waves, and there is one")
	}
	found := &Waves{Node: r.Node(), Pause: minutesOf(r, "pause", maxPause, "24h")}
	named := map[string]bool{}
	valid := !r.Unknown("waves")
	for _, wave := range r.List("waves") {
		var regions []string
		if wave.Tree.Kind == manifest.List && len(wave.Tree.Items) == 0 && len(wave.Tree.Reported) == 0 {
			b.scope.report.Errorf(wave.Pos(), "names no region: remove it")
		}
		for _, item := range wave.List() {
			region := item.Tree.Text
			switch {
			case !b.scope.facts.CheckRegion(b.scope.report, region, item.Pos()):
				valid = false
			case named[region]:
				b.scope.report.Errorf(item.Pos(), "%s is in a wave already", region)
			case b.scope.orbit.Region(region) == nil:
				b.scope.report.Notef(item.Pos(), "%s is skipped: the orbit is not in this region", region)
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
	missing := slices.DeleteFunc(slices.Clone(b.scope.regions), func(region string) bool { return named[region] })
	if valid && len(missing) > 0 {
		r.Errorf("waves", "in no wave: %s: every region of the app must be in one", strings.Join(missing, ", "))
		valid = false
	}
	if !valid || len(found.Regions) < 2 {
		return nil
	}
	return found
}

// releaseOf returns the field release of a part of the manifest.
func releaseOf(b appBuilder, part sections.Value) sections.Record {
	var r sections.Record
	if part.Tree != nil {
		r = part.Record(b.scope.report, nil)
	}
	r.Report = b.scope.report
	return r.Child("release", nil)
}
