package e2e

import (
	"testing"

	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/internal/cloudtest"
)

// newFakeEnv is a world whose CloudFormation is the tests' own.
func newFakeEnv(t testing.TB) (*awsEnv, *cloudtest.CloudFormation) {
	t.Helper()
	cf := cloudtest.NewCloudFormation(t)
	return fakeEnvOf(t, cf), cf
}

// fakeEnvOf is the world of an account, to which it gives what a deployment needs.
func fakeEnvOf(t testing.TB, cf *cloudtest.CloudFormation) *awsEnv {
	for _, region := range []string{"us-east-1", "us-west-2", "eu-west-1"} {
		cf.Debian(region)
		cf.Bucket(t, region)
	}
	cf.Zone("example.com")
	return &awsEnv{TB: t, endpoint: cf.URL, buckets: "spacel-" + cloudtest.Account(t) + "-{region}"}
}

func TestDeployTwice(t *testing.T) {
	t.Parallel()
	w, cf := newFakeEnv(t)
	dir := build(t, map[string]string{"orbit.json": threeRegions, "web.json": web})
	if got := len(w.mustDeploy(dir)[activity.WasCreated]); got != 12 {
		t.Errorf("%d stacks were created, want 12", got)
	}
	before := cf.Everything()
	cf.ResetCalls()
	if got := len(w.mustDeploy(dir)[activity.WasUnchanged]); got != 12 {
		t.Errorf("%d stacks were unchanged, want 12", got)
	}
	if cf.Everything() != before {
		t.Error("a second deployment changed something")
	}
}
