package schema

import (
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// SelectedKeys returns the keys that lead to an app inside of its file, for the place of any of its values. There are none
// unless the app was named by FILE#PATH: the paths of a report begin at the app, and not at the root of the file.
func SelectedKeys(pos report.Pos) []string { return manifest.SelectedKeys(pos.In) }
