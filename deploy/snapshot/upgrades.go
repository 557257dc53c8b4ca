package snapshot

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/schedule"
	"github.com/pebble/spacel/deploy/values"
)

// Upgrade is a value that deploy keeps until --upgrade, and which has a newer one.
type Upgrade struct {
	assembly.StackRef
	What     string `json:"what"` // agent or image: the word for --upgrade
	Deployed string `json:"deployed"`
	Newest   string `json:"newest"`
}

// String returns the upgrade as a sentence.
func (u Upgrade) String() string {
	return fmt.Sprintf("%s: there is a newer %s (deployed %s, newest %s)", u.StackRef, u.What, shortDigest(u.Deployed),
		shortDigest(u.Newest))
}

// shortDigest returns the beginning of a digest, and other values unchanged.
func shortDigest(value string) string {
	if len(value) == 64 {
		return value[:12] + "…"
	}
	return value
}

// Upgrades compares the deployed images and programs with the newest. The resolver must have UpgradeAgent and
// UpgradeImage set, and should be a dry run, so that nothing is uploaded.
func Upgrades(ctx context.Context, r *values.Resolver, stacks *live.Stacks, a *assembly.Assembly) ([]Upgrade, error) {
	written := a.Manifest.Stacks
	found := make([][]Upgrade, len(written))
	regionOf := func(i int) string { return written[i].Region }
	err := schedule.Each(ctx, len(written), 0, regionOf, func(ctx context.Context, i int) (err error) {
		found[i], err = upgradesOf(ctx, r, stacks, written[i])
		return err
	})
	return slices.Concat(found...), err
}

// upgradesOf compares one stack. Only the parameters with an image or a program are resolved, which costs no other calls.
func upgradesOf(ctx context.Context, r *values.Resolver, stacks *live.Stacks, stack assembly.Stack) ([]Upgrade, error) {
	what := upgradable(stack)
	deployed, err := stacks.Get(ctx, stack.Ref())
	if err != nil || !deployed.Exists() || len(what) == 0 {
		return nil, err
	}
	some := stack
	some.Parameters = map[string]assembly.ValueFrom{}
	for name := range what {
		some.Parameters[name] = stack.Parameters[name]
	}
	values, err := r.Resolve(ctx, some, deployed)
	if err != nil {
		return nil, err
	}
	var out []Upgrade
	for _, name := range slices.Sorted(maps.Keys(what)) {
		is, newest := deployed.Parameters[name], values[name].Text
		if is != "" && newest != "" && is != newest {
			out = append(out, Upgrade{stack.Ref(), what[name], is, newest})
		}
	}
	return out, nil
}

// upgradable returns the parameters that --upgrade changes, with the word for --upgrade. Of a program's three
// parameters only the digest counts: the others differ between buckets, too.
func upgradable(stack assembly.Stack) map[string]string {
	out := map[string]string{}
	for name, source := range stack.Parameters {
		if word := source.UpgradeName(); word != "" && (source.Binary == nil || source.Binary.Part == assembly.PartDigest) {
			out[name] = word
		}
	}
	return out
}
