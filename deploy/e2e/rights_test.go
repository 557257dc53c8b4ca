package e2e

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/rights"
	"github.com/pebble/spacel/internal/cloudtest"
)

// recorded puts a recorder between a deployment and its account.
func (w *awsEnv) recorded() *cloudtest.Recorder {
	r := cloudtest.NewRecorder(w, w.endpoint)
	w.endpoint = r.URL
	return r
}

// policies are those that spacel policy prints for a directory.
func policies(t testing.TB, dir string, request rights.Request) []cloudtest.Policy {
	t.Helper()
	a, err := assembly.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	made, err := rights.Make(a, request)
	if err != nil {
		t.Fatal(err)
	}
	var out []cloudtest.Policy
	for _, d := range made.Documents {
		body, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		p, err := cloudtest.ParsePolicy(body)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}

// refused are the calls that the policies do not allow. GetCallerIdentity needs no right.
func refused(from []cloudtest.Policy, calls []cloudtest.Access) []cloudtest.Access {
	return slices.DeleteFunc(slices.Clone(calls), func(c cloudtest.Access) bool {
		return c.Action == "sts:GetCallerIdentity" || cloudtest.Allows(from, c)
	})
}

// request is for the test's account and bucket.
func (w *awsEnv) request() rights.Request {
	return rights.Request{Account: cloudtest.Account(w), Buckets: []string{w.buckets}}
}

// The printed policies allow every call of the life of an orbit: deploy, change, failure with its rollback, destroy.
func TestPoliciesAllowEveryCall(t *testing.T) {
	t.Parallel()
	w := newMotoEnv(t)
	calls := w.recorded()
	manifests := map[string]string{"orbit.json": threeRegions, "web.json": web, "store.json": store}
	dir := build(t, manifests)
	w.step("deploy", func() { w.mustDeploy(dir); w.mustDeploy(dir) })
	w.step("change", func() {
		manifests["web.json"] = written(web, `"instance_max": 2`, `"instance_max": 3`)
		w.mustDeploy(build(t, manifests))
	})
	w.step("fail", func() {
		manifests["bad.json"] = written(written(web, `"web"`, `"bad"`), "t4g.small", "t4g.9xlarge")
		dir = build(t, manifests)
		r, err := w.deploy(dir)
		w.fatal(err)
		w.wantOutcome(outcomes(r), activity.HasFailed, len(regions))
	})
	w.step("destroy", func() { w.destroy("test") })
	seen := calls.Seen()
	if got := refused(policies(t, dir, w.request()), seen); len(got) > 0 {
		t.Errorf("refused: %+v", got)
	}
	// The list of all stacks is the only thing that its flag takes away.
	without := w.request()
	without.NoList = true
	for _, c := range refused(policies(t, dir, without), seen) {
		if c.Action != "cloudformation:DescribeStacks" || c.Resource != "*" {
			t.Errorf("without the list: %+v", c)
		}
	}
	if len(seen) < 40 {
		t.Errorf("only %d calls: %+v", len(seen), seen)
	}
}

// The pipeline of one app may deploy it, and not touch the orbit's stacks or another app's.
func TestPoliciesOfOneApp(t *testing.T) {
	t.Parallel()
	w, _ := newFakeEnv(t)
	dir := build(t, map[string]string{"orbit.json": threeRegions, "web.json": web, "store.json": store})
	w.mustDeploy(dir)
	calls := w.recorded()
	w.options = func(o *deploy.Options) { o.Apps = []string{"web"} }
	request := w.request()
	request.Apps = []string{"web"}
	w.mustDeploy(build(t, map[string]string{"orbit.json": threeRegions, "web.json": written(web, `"instance_max": 2`, `"instance_max": 3`),
		"store.json": store}))
	own := policies(t, dir, request)
	if got := refused(own, calls.Seen()); len(got) > 0 {
		t.Errorf("refused: %+v", got)
	}
	at := "arn:aws:cloudformation:us-east-1:" + cloudtest.Account(t) + ":stack/"
	for _, c := range []cloudtest.Access{
		{Action: "cloudformation:CreateChangeSet", Resource: at + "test-vpc/id", Region: "us-east-1"},
		{Action: "cloudformation:ExecuteChangeSet", Resource: at + "test-store/id", Region: "us-east-1"},
		{Action: "cloudformation:DeleteStack", Resource: at + "test-webstore/id", Region: "us-east-1"},
		{Action: "cloudformation:CreateChangeSet", Resource: at + "test-web/id", Region: "ap-south-1"},
		{Action: "iam:PutRolePolicy", Resource: "arn:aws:iam::" + cloudtest.Account(t) + ":role/test-store-Role-1", Region: "us-east-1"},
		{Action: "iam:CreateUser", Resource: "*", Region: "us-east-1"},
		{Action: "dynamodb:PutItem", Resource: "arn:aws:dynamodb:us-east-1:" + cloudtest.Account(t) + ":table/test-users",
			Region: "us-east-1"},
		{Action: "kms:Decrypt", Resource: "arn:aws:kms:us-east-1:" + cloudtest.Account(t) + ":key/k", Region: "us-east-1"},
	} {
		if cloudtest.Allows(own, c) {
			t.Errorf("allowed: %+v", c)
		}
	}
}

// The printed policies allow the calls of status --drift and of deploy --revert-drift, with every kind of change by hand.
func TestPoliciesAllowDrift(t *testing.T) {
	t.Parallel()
	w, cf := newFakeEnv(t)
	dir := build(t, map[string]string{"orbit.json": threeRegions, "web.json": web})
	w.mustDeploy(dir)
	for _, touch := range touches {
		touch.change(cf, cloudtest.ByHand{Account: cf, Region: "us-east-1", Stack: "test-web"})
	}
	calls := w.recorded()
	for _, f := range w.drift(dir).Drift {
		if f.IsAddition() {
			w.fatal(f.Remove(t.Context(), w.cloud()))
		} else if f.IsSize() {
			w.fatal(f.Repair(t.Context(), w.cloud()))
		}
	}
	seen := calls.Seen()
	if got := refused(policies(t, dir, w.request()), seen); len(got) > 0 {
		t.Errorf("refused: %+v", got)
	}
	request := w.request()
	request.NoDrift = true
	if got := refused(policies(t, dir, request), seen); len(got) == 0 {
		t.Error("without the statement everything is allowed, too")
	}
	if len(seen) < 15 {
		t.Errorf("only %d calls: %+v", len(seen), seen)
	}
}
