package history

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/staging"
	"github.com/pebble/spacel/internal/hexdigest"
)

// A template and an asset are stored once for all releases that have them, since their keys are their digests. So a release that
// changes one line of a unit adds a manifest, a template and perhaps an asset to the bucket: some ten kilobytes.

// Keep uploads the artifact of an app's release to the buckets of a region: the manifest of all its regions, and the template and the
// assets of this one.
func Keep(ctx context.Context, stage *staging.Stage, a *assembly.Assembly, spec assembly.Stack) (*Artifact, error) {
	manifest, err := a.ReleaseOf(spec.App)
	if err != nil {
		return nil, err
	}
	digest := hexdigest.SHA256(manifest)
	whole, err := stage.Release(ctx, spec.Region, digest, manifest)
	if err != nil {
		return nil, err
	}
	kept := &Artifact{Digest: digest, Bucket: whole.Bucket}
	body, err := a.Template(spec.Ref())
	if err != nil {
		return nil, err
	}
	if _, err := stage.Template(ctx, spec.Region, spec.Digest, body); err != nil {
		return nil, err
	}
	for _, each := range spec.AssetDigests() {
		body, err := a.Asset(each)
		if err != nil {
			return nil, err
		}
		object, err := stage.Asset(ctx, spec.Region, each, body)
		if err != nil {
			return nil, err
		}
		if object.Bucket != kept.Bucket {
			kept.Assets = object.Bucket
		}
	}
	return kept, nil
}

// Fetch returns the artifact of a release's records, one of each region. It reads the kept files from the records' buckets and verifies
// every digest. Change may edit a stack's entry before it is added.
func Fetch(ctx context.Context, stage *staging.Stage, orbit string, records []Record, change func(Record, *assembly.Stack)) (
	*assembly.Assembly, error,
) {
	memory := assembly.NewInMemory(nil, orbit)
	for _, r := range records {
		if err := fetch(ctx, stage, r, memory, change); err != nil {
			return nil, fmt.Errorf("release %d of %s in %s: %w", r.Number, r.App, r.Region, err)
		}
	}
	return memory.Assembly()
}

// ErrNotKept is the error for a release without an artifact: there was no bucket, or it was a redeploy of a release without one.
var ErrNotKept = errors.New("its artifact was not kept")

// fetch adds the stack of one record.
func fetch(ctx context.Context, stage *staging.Stage, r Record, into *assembly.InMemory, change func(Record, *assembly.Stack)) error {
	if r.Artifact == nil {
		return ErrNotKept
	}
	spec, err := manifestOf(ctx, stage, r)
	if err != nil {
		return err
	}
	template, err := stage.FetchTemplate(ctx, r.Artifact.Bucket, spec.Digest)
	if err != nil {
		return err
	}
	for _, digest := range spec.AssetDigests() {
		body, err := stage.FetchAsset(ctx, cmp.Or(r.Artifact.Assets, r.Artifact.Bucket), digest)
		if err != nil {
			return err
		}
		if _, err := into.Asset(body); err != nil {
			return err
		}
	}
	change(r, &spec)
	return into.Stack(spec, template, nil)
}

// manifestOf returns the entry of the record's stack in the kept manifest.
func manifestOf(ctx context.Context, stage *staging.Stage, r Record) (assembly.Stack, error) {
	body, err := stage.FetchRelease(ctx, r.Artifact.Bucket, r.Artifact.Digest)
	if err != nil {
		return assembly.Stack{}, err
	}
	m, err := assembly.ReadManifest(body)
	if err != nil {
		return assembly.Stack{}, fmt.Errorf("its manifest: %w", err)
	}
	i := slices.IndexFunc(m.Stacks, func(s assembly.Stack) bool { return s.App == r.App && s.Region == r.Region })
	if i < 0 || m.Stacks[i].Digest != r.Template {
		return assembly.Stack{}, fmt.Errorf("its manifest has no stack of %s in %s with the recorded template", r.App, r.Region)
	}
	return m.Stacks[i], nil
}
