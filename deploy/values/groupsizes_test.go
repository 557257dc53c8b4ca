package values

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/live"
)

// The parameters' names hold the manifest's numbers: a number that the manifest changed counts more than the live group's.
func TestChangedNumbers(t *testing.T) {
	sizes := &assembly.Sizes{Min: 10, Desired: 18, Max: 30}
	scheduled := func(of string, n int) assembly.GroupSize {
		return assembly.GroupSize{Of: of, Default: n, Min: 2, Max: 20, ScheduledMin: true, ScheduledMax: true}
	}
	now := map[string]assembly.GroupSize{
		"Capacity4": scheduled(assembly.SizeDesired, 4), "CapacityMin2": scheduled(assembly.SizeMin, 2),
		"CapacityMax20": scheduled(assembly.SizeMax, 20),
	}
	for name, c := range map[string]struct{ deployed, want map[string]string }{
		"the first time": {
			map[string]string{"Version": "1"},
			map[string]string{"Capacity4": "18", "CapacityMin2": "10", "CapacityMax20": "30"},
		},
		"nothing changed": {
			map[string]string{"Capacity4": "4", "CapacityMin2": "2", "CapacityMax20": "20"},
			map[string]string{"Capacity4": "18", "CapacityMin2": "10", "CapacityMax20": "30"},
		},
		"instance_desired changed": {
			map[string]string{"Capacity6": "6", "CapacityMin2": "2", "CapacityMax20": "20"},
			map[string]string{"Capacity4": "4", "CapacityMin2": "10", "CapacityMax20": "30"},
		},
		"instance_desired is new": {
			map[string]string{"Capacity": "6", "CapacityMin2": "2", "CapacityMax20": "20"},
			map[string]string{"Capacity4": "4", "CapacityMin2": "10", "CapacityMax20": "30"},
		},
		"instance_max changed": {
			map[string]string{"Capacity4": "4", "CapacityMin2": "2", "CapacityMax40": "40"},
			map[string]string{"Capacity4": "18", "CapacityMin2": "10", "CapacityMax20": "20"},
		},
		"instance_min changed": {
			map[string]string{"Capacity4": "4", "CapacityMin1": "1", "CapacityMax20": "20"},
			map[string]string{"Capacity4": "18", "CapacityMin2": "2", "CapacityMax20": "30"},
		},
	} {
		got := map[string]string{}
		for parameter, size := range now {
			q := question{name: parameter, deployed: &live.Stack{Parameters: c.deployed}}
			got[parameter] = q.sized(size, sizes).Text
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
