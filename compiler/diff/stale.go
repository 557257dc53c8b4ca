package diff

import (
	"path/filepath"

	"github.com/pebble/spacel/compiler/assembly"
)

// Stale counts the resources whose place in the manifests the old source map has wrong. A manifest in another directory is
// no difference: where a build runs is not part of it. A directory without a source map has none wrong.
func Stale(old, now *assembly.Assembly) (int, error) {
	before, err := old.SourceMap()
	if err != nil {
		return 0, err
	}
	after, err := now.SourceMap()
	if err != nil || len(before) == 0 {
		return 0, err
	}
	n := 0
	for stack, places := range after {
		for id, place := range places {
			// The base name has the line and column with it: app.yaml:7:3.
			if was, ok := before[stack][id]; ok && filepath.Base(was) != filepath.Base(place) {
				n++
			}
		}
	}
	return n, nil
}
