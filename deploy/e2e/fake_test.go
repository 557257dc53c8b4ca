package e2e

import (
	"testing"

	"github.com/pebble/spacel/deploy"
	"github.com/pebble/spacel/internal/cloudtest"
)

// newFake is a world whose CloudFormation is the tests' own.
func newFake(t testing.TB) (*world, *cloudtest.CloudFormation) {
	t.Helper()
	cf := cloudtest.NewCloudFormation(t)
	return fakeOf(t, cf), cf
}

// fakeOf is the world of an account, to which it gives what a deployment needs.
func fakeOf(t testing.TB, cf *cloudtest.CloudFormation) *world {
	for _, region := range []string{"us-east-1", "us-west-2", "eu-west-1"} {
		cf.Debian(region)
		cf.Bucket(t, region)
	}
	cf.Zone("example.com")
	return &world{TB: t, endpoint: cf.URL, buckets: "spacel-" + cloudtest.Account(t) + "-{region}"}
}

func TestDeployTwice(t *testing.T) {
	t.Parallel()
	w, cf := newFake(t)
	dir := build(t, map[string]string{"orbit.json": threeRegions, "web.json": web})
	if got := len(w.must(dir)[deploy.WasCreated]); got != 12 {
		t.Errorf("%d stacks were created, want 12", got)
	}
	before := cf.Everything()
	cf.ResetCalls()
	if got := len(w.must(dir)[deploy.WasUnchanged]); got != 12 {
		t.Errorf("%d stacks were unchanged, want 12", got)
	}
	if cf.Everything() != before {
		t.Error("a second deployment changed something")
	}
}
