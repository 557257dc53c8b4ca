package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/drift"
	"github.com/pebble/spacel/internal/cloudtest"
)

// drift reads the drift of the stacks of a directory, which must have no failed reads.
func (w *awsEnv) drift(dir string) *drift.Report {
	w.Helper()
	a, err := assembly.Read(dir)
	w.fatal(err)
	defer a.Close()
	scope := drift.Scope{Orbit: a.Manifest.Orbit, Artifact: a, Poll: poll, Wanted: func(assembly.StackRef, string) bool { return true }}
	for _, s := range a.Manifest.Stacks {
		scope.Regions = append(scope.Regions, s.Region)
	}
	slices.Sort(scope.Regions)
	scope.Regions = slices.Compact(scope.Regions)
	r, err := drift.Read(w.Context(), w.cloud(), scope)
	w.fatal(err)
	return r
}

// wantNoDrift checks that a deployment that nobody touched has no drift, and that each resource was compared, or is named as not compared.
func (w *awsEnv) wantNoDrift(dir string) {
	w.Helper()
	r := w.drift(dir)
	for _, f := range r.Drift {
		w.Errorf("%s %s: nobody touched it: %s", f.StackRef, f.Resource, f.Text)
	}
	for _, u := range r.Unchecked {
		if u.Failed || !strings.Contains(u.Why, "no drift detection") {
			w.Errorf("%s %s is not compared: %s", u.StackRef, u.Resource, u.Why)
		}
	}
	if r.Compared == 0 {
		w.Error("nothing was compared")
	}
}

// touched is a change by hand, and a part of the words in which it must be told.
type touched struct {
	name   string
	change func(c *cloudtest.CloudFormation, app cloudtest.ByHand)
	want   string // in the findings of the app's stack
	id     bool   // it can be removed by name
	line   string // of the manifest
}

var touches = []touched{
	{name: "port 22 is open to everybody", id: true, line: "web.json:",
		change: func(_ *cloudtest.CloudFormation, app cloudtest.ByHand) {
			app.Open("Sg", cloudtest.HandRule{Protocol: "tcp", From: 22, To: 22, Cidr: "0.0.0.0/0", Description: "just for a moment"})
		}, want: `web:22 ("just for a moment")`},
	{name: "a rule from another app's group by its number", id: true,
		change: func(c *cloudtest.CloudFormation, app cloudtest.ByHand) {
			app.Open("Sg", cloudtest.HandRule{Protocol: "-1", From: -1, To: -1, Peer: c.Seen(app.Region, app.Stack).IDs["BalancerSg"]})
		}, want: "web's load balancer → web all traffic"},
	{name: "a way out of the balancer, over IPv6", id: true,
		change: func(_ *cloudtest.CloudFormation, app cloudtest.ByHand) {
			app.Open("BalancerSg", cloudtest.HandRule{Egress: true, Protocol: "tcp", From: 443, To: 443, Cidr6: "::/0"})
		}, want: "out: web's load balancer → internet (IPv6):443"},
	{name: "a rule of the template is gone",
		change: func(_ *cloudtest.CloudFormation, app cloudtest.ByHand) {
			app.Delete("IngressBalancerSgCidr0x0x0x0m0Tcp80")
		},
		want: "somebody closed internet → web:80 (load balancer)"},
	{name: "MaxSize 40", line: "web.json:",
		change: func(_ *cloudtest.CloudFormation, app cloudtest.ByHand) { app.Set("Asg", "MaxSize", 40) },
		want:   "instance_max (MaxSize) is 40, deployed as 2"},
	{name: "a policy in the role", id: true,
		change: func(_ *cloudtest.CloudFormation, app cloudtest.ByHand) {
			app.PutPolicy("Role", "Debug", cloudtest.Document(`{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}`))
		}, want: "somebody added the policy Debug: Allow s3:* on *"},
	{name: "a policy of AWS attached to the role", id: true,
		change: func(_ *cloudtest.CloudFormation, app cloudtest.ByHand) {
			app.Attach("Role", "arn:aws:iam::aws:policy/AdministratorAccess")
		}, want: "somebody attached the policy arn:aws:iam::aws:policy/AdministratorAccess"},
	{name: "the template's own policy widened",
		change: func(_ *cloudtest.CloudFormation, app cloudtest.ByHand) {
			app.PutPolicy("Role", "Agent", cloudtest.Document(`{"Statement": [{"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}]}`))
		}, want: "policy Agent: somebody added Allow * on *"},
	{name: "the template's own policy removed",
		change: func(_ *cloudtest.CloudFormation, app cloudtest.ByHand) { app.PutPolicy("Role", "Agent", nil) },
		want:   "the policy Agent is not in the role any more"},
	{name: "everybody may use the role",
		change: func(_ *cloudtest.CloudFormation, app cloudtest.ByHand) {
			app.Set("Role", "AssumeRolePolicyDocument",
				cloudtest.Document(`{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}`))
		}, want: "who may use the role: somebody added Allow *: sts:AssumeRole"},
	{name: "another launch template version",
		change: func(_ *cloudtest.CloudFormation, app cloudtest.ByHand) {
			app.Launch("LaunchTemplate", "Asg", map[string]any{"InstanceType": "m7g.4xlarge", "KeyName": "mine"})
		}, want: "LaunchTemplateData.KeyName is mine, deployed as (none)"},
	{name: "a record leads elsewhere",
		change: func(c *cloudtest.CloudFormation, app cloudtest.ByHand) {
			app.Set(recordOf(c, app), "AliasTarget", map[string]any{"DNSName": "evil.example.net"})
		}, want: "hostnames (DNSName) is web-test.example.com → evil.example.net"},
	{name: "a record deleted",
		change: func(c *cloudtest.CloudFormation, app cloudtest.ByHand) { app.Delete(recordOf(c, app)) },
		want:   "the record web-test.example.com A does not exist any more"},
	{name: "a property of the balancer",
		change: func(_ *cloudtest.CloudFormation, app cloudtest.ByHand) {
			app.Set("PublicBalancer", "Scheme", "internal")
		},
		want: "Scheme is internal, deployed as internet-facing"},
}

// recordOf returns the logical id of the app's record.
func recordOf(c *cloudtest.CloudFormation, app cloudtest.ByHand) string {
	for id := range c.Seen(app.Region, app.Stack).IDs {
		if strings.HasPrefix(id, "DnsRecord") {
			return id
		}
	}
	return ""
}

// Each change is found, in words and at its line, and nothing else is.
func TestDriftByHand(t *testing.T) {
	t.Parallel()
	dir := build(t, map[string]string{"orbit.json": threeRegions, "web.json": web})
	for _, touch := range touches {
		t.Run(touch.name, func(t *testing.T) {
			t.Parallel()
			w, cf := newFakeEnv(t)
			w.mustDeploy(dir)
			app := cloudtest.ByHand{Account: cf, Region: "us-west-2", Stack: "test-web"}
			touch.change(cf, app)
			r := w.drift(dir)
			found := false
			for _, f := range r.Drift {
				if f.Region != app.Region || f.Name != app.Stack {
					t.Errorf("%s %s: %s", f.StackRef, f.Resource, f.Text)
				}
				if strings.Contains(f.Text, touch.want) {
					found = true
					if (f.ID != "") != touch.id || f.IsAddition() != touch.id || !strings.Contains(f.From, touch.line) {
						t.Errorf("%+v", f)
					}
				}
			}
			if !found || r.OK {
				t.Errorf("no %q in %+v", touch.want, r.Drift)
			}
		})
	}
}

// AWS itself changes the desired capacity, and the template's own schedules change the limits. Neither is drift.
func TestNoDrift(t *testing.T) {
	t.Parallel()
	w, cf := newFakeEnv(t)
	dir := build(t, map[string]string{"orbit.json": threeRegions, "web.json": written(web, `"instance_max": 2`,
		`"instance_max": 4, "scaling": {"schedules": {"night": {"cron": "0 22 * * *", "min": 3, "max": 9}}}`)})
	w.mustDeploy(dir)
	for _, region := range []string{"us-east-1", "us-west-2"} {
		app := cloudtest.ByHand{Account: cf, Region: region, Stack: "test-web"}
		app.Set("Asg", "DesiredCapacity", 3)
		app.Set("Asg", "MinSize", 3)
		app.Set("Asg", "MaxSize", 9)
	}
	w.wantNoDrift(dir)
}

// What CloudFormation could not compare is named. A lack of permissions or of its rate is a failure, a type without detection is none.
func TestDriftUnchecked(t *testing.T) {
	t.Parallel()
	w, cf := newFakeEnv(t)
	dir := build(t, map[string]string{"orbit.json": threeRegions, "web.json": web})
	w.mustDeploy(dir)
	cloudtest.ArrangeDrift(cf, cloudtest.Drift{
		Unknown: map[string]string{"PublicBalancer": "User is not authorized to perform: elasticloadbalancing:DescribeLoadBalancers"},
		Fails: `{"Summary":"Failed to detect drift on resources [InstanceProfile]","Failures":[{"Resource":"InstanceProfile",` +
			`"FailureReason":"Rate exceeded"}]}`,
	})
	r := w.drift(dir)
	if r.OK || len(r.Drift) > 0 {
		t.Errorf("%+v", r)
	}
	why := map[string]bool{}
	for _, u := range r.Unchecked {
		if u.Failed {
			why[u.Resource] = true
		}
	}
	if !why["PublicBalancer"] || !why["InstanceProfile"] || len(why) != 2 {
		t.Errorf("%+v", r.Unchecked)
	}
}
