package schema

import (
	"slices"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// AppNames returns the names of the apps of manifests, sorted, without checking the manifests. Those that cannot be read are left
// out. It is for completion, which must be quick and silent.
func AppNames(arguments []string) (names []string) {
	reader := manifest.NewReader(nil, Published, nil)
	for _, argument := range arguments {
		apps, err := reader.ReadApps(argument, &report.Report{})
		if err != nil {
			continue
		}
		for _, app := range apps {
			if name := app.Tree.Lookup("name"); name != nil && name.Kind == manifest.Text {
				names = append(names, name.Text)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// RegionNames returns the regions that an orbit's manifest lists, without checking it. It returns none if the manifest lists none or
// cannot be read.
func RegionNames(orbit string) (names []string) {
	t, err := manifest.NewReader(nil, Published, nil).ReadOne(orbit, &report.Report{})
	if list := t.Lookup("regions"); err == nil && list != nil {
		for _, item := range list.Items {
			names = append(names, item.Text)
		}
	}
	return names
}
