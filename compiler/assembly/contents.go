package assembly

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unique"

	"github.com/pebble/spacel/internal/hexdigest"
)

// contents collects the manifest and the source map during a build. Its methods may be called from several goroutines,
// since the compiler builds stacks in parallel.
type contents struct {
	mu       sync.Mutex
	manifest Manifest
	places   SourceMap
	paths    map[string]string // of templates, by their lower-case form
	assets   map[string]bool   // digests
}

// newContents starts with an empty list of stacks, which JSON writes as [] and not as null.
func newContents(orbit string) *contents {
	return &contents{
		manifest: Manifest{Format: Format, Orbit: orbit, Stacks: []Stack{}},
		places:   SourceMap{},
		paths:    map[string]string{},
		assets:   map[string]bool{},
	}
}

// From notes the sources of the build.
func (c *contents) From(origin Origin) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.manifest.Origin = origin
}

// addStack notes a stack. Two paths that differ only in letter case would be one file on some machines.
func (c *contents) addStack(stack Stack, template []byte, origins map[string]string) error {
	if digest := hexdigest.SHA256(template); digest != stack.Digest {
		return fmt.Errorf("stack %s: its digest is %s, its template's is %s", stack.Ref(), stack.Digest, digest)
	}
	if problems := stack.problems(); len(problems) > 0 {
		return fmt.Errorf("stack %s: %s", stack.Ref(), strings.Join(problems, "; "))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	folded := strings.ToLower(stack.Template)
	if other, taken := c.paths[folded]; taken {
		return fmt.Errorf("stacks would share a file: %s and %s: rename one of the apps, in more than letter case", other, stack.Template)
	}
	c.paths[folded] = stack.Template
	c.manifest.Stacks = append(c.manifest.Stacks, stack)
	// Logical ids and places are mostly the same in all regions of an app, and the source map of a large orbit is most of a build's memory.
	places := make(map[string]string, len(origins))
	for id, place := range origins {
		places[unique.Make(id).Value()] = unique.Make(place).Value()
	}
	c.places[stack.Ref().String()] = places
	return nil
}

// addAsset notes an asset and says whether it is new.
func (c *contents) addAsset(body []byte) (Asset, bool) {
	asset := AssetOf(body)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.assets[asset.Digest] {
		return asset, false
	}
	c.assets[asset.Digest] = true
	c.manifest.Assets = append(c.manifest.Assets, asset)
	return asset, true
}

// sorted is the manifest in the order it is written in.
func (c *contents) sorted() *Manifest {
	c.mu.Lock()
	defer c.mu.Unlock()
	slices.SortFunc(c.manifest.Stacks, func(a, b Stack) int { return a.Ref().Compare(b.Ref()) })
	slices.SortFunc(c.manifest.Assets, func(a, b Asset) int { return cmp.Compare(a.Digest, b.Digest) })
	return &c.manifest
}

// assetPath returns the only path of an asset.
func assetPath(digest string) string { return assetsDir + "/" + digest }

// AssetOf is the entry of an asset with this content.
func AssetOf(body []byte) Asset {
	digest := hexdigest.SHA256(body)
	return Asset{Digest: digest, Path: assetPath(digest), Size: len(body)}
}
