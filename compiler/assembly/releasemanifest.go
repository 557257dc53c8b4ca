package assembly

import (
	"errors"
	"fmt"
	"slices"

	"github.com/pebble/spacel/internal/jsontext"
)

// ReleaseOf returns the manifest of one app: its stacks in all regions, and the assets of these. Its bytes are the same in each region of
// a release, so one digest names the release's artifact.
func (a *Assembly) ReleaseOf(app string) ([]byte, error) {
	// Owner and origin stay, since they are as much a part of the reviewed directory as the stacks. The source map does not: the places in
	// it are those of a repository that has gone on.
	m := Manifest{Format: Format, Orbit: a.Manifest.Orbit, Owner: a.Manifest.Owner, Origin: a.Manifest.Origin, Stacks: []Stack{}}
	used := map[string]bool{}
	for _, s := range a.Manifest.Stacks {
		if s.App != app {
			continue
		}
		m.Stacks = append(m.Stacks, s)
		for _, digest := range s.AssetDigests() {
			used[digest] = true
		}
	}
	for _, asset := range a.Manifest.Assets {
		if used[asset.Digest] {
			m.Assets = append(m.Assets, asset)
		}
	}
	return jsontext.Indent(m)
}

// AssetDigests returns the digests of the assets in the stack's parameters, sorted.
func (s Stack) AssetDigests() []string {
	var out []string
	for _, source := range s.Parameters {
		if source.Asset != nil {
			out = append(out, source.Asset.Digest)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ReadManifest reads a manifest that ReleaseOf wrote, with the same checks as Read. The caller has verified its digest.
func ReadManifest(body []byte) (*Manifest, error) {
	a := &Assembly{}
	if problem := a.decode(body); problem != "" {
		return nil, errors.New(problem)
	}
	if problems := a.Manifest.problems(); len(problems) > 0 {
		return nil, fmt.Errorf("%s", problems[0])
	}
	return &a.Manifest, nil
}
