package e2e

import (
	"testing"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/diff"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/snapshot"
	"github.com/pebble/spacel/deploy/status"
)

// A manifest with an umlaut and an emoji is equal to its deployed stack, although GetTemplate returns ? for such characters.
func TestUnicode(t *testing.T) {
	t.Parallel()
	w, _ := newFakeEnv(t)
	manifest := written(web, `"image": "example/web"`, `"image": "example/web", "environment": {"GREETING": "Grüße 🚀"}`)
	dir := build(t, map[string]string{"orbit.json": threeRegions, "web.json": manifest})
	w.mustDeploy(dir)
	w.wantOutcome(w.mustDeploy(dir), activity.WasUnchanged, 12)

	a, err := assembly.Read(dir)
	w.fatal(err)
	defer a.Close()
	all := func(assembly.StackRef, string) bool { return true }
	r, err := status.Read(t.Context(), w.cloud(), status.Scope{Orbit: "test", Artifact: a, Regions: []string{"us-east-1"}, Wanted: all})
	w.fatal(err)
	if !r.OK || len(r.Stacks) != 12 {
		t.Errorf("status: %+v", r.Stacks)
	}
	deployed, err := snapshot.Take(t.Context(), w.cloud(), live.New(w.cloud()), a, true)
	w.fatal(err)
	defer deployed.Close()
	d, err := diff.Compare(deployed, a)
	w.fatal(err)
	if len(d.Stacks) != 0 {
		t.Errorf("diff --live: %+v", d)
	}
}
