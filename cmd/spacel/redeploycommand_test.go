package main

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/internal/cloudtest"
)

// redeployable is an app's template with a token, and with a value that nobody is shown.
var redeployable = strings.Replace(strings.Replace(web("small"),
	`"Parameters": {`, `"Parameters": {"Token": {"Type": "String", "Default": ""}, `, 1),
	`"GroupDescription": "web"`, `"GroupDescription": {"Fn::Join": [" ", ["web", {"Ref": "Version"}, {"Ref": "Token"}]]}`, 1)

// put deploys the app with its token, which no directory here declares, as another tool might.
func (a *account) put(status types.StackStatus) {
	a.cf.Put(a.T, cloudtest.Stack{Region: east, Name: "test-web", Status: status, Template: redeployable,
		Parameters: map[string]string{"VpcId": "vpc-1", "Version": "v1", "Token": "old"},
		Tags:       map[string]string{"spacel:orbit": "test", "spacel:app": "web"}})
}

func newRedeployable(t *testing.T) *account {
	a := newAccount(t)
	a.must("deploy", "build", "--yes", "--stack", "test-vpc", "--stack", "test-tables")
	a.put("CREATE_COMPLETE")
	return a
}

// Only the token and the version change, of one app alone.
func TestRedeploy(t *testing.T) {
	a := newRedeployable(t)
	a.unchanged(func() {
		a.expect(a.spacel("redeploy", "web", "--orbit", "test"), exitError, "us-east-1/test-web update", "there is no terminal to ask on")
		a.expect(a.spacel("redeploy", "web", "--orbit", "test", "--dry-run"), exitYes, "us-east-1/test-web update")
	})
	a.expect(a.must("redeploy", "web", "--orbit", "test", "--yes"), exitYes, "us-east-1/test-web  done UPDATE_COMPLETE",
		"stacks: 1 updated")
	now := a.cf.Seen(east, "test-web")
	if p := now.Parameters; p["Token"] == "old" || p["Token"] == "" || p["Version"] != "v1" || p["VpcId"] != "vpc-1" ||
		now.Template != redeployable {
		t.Errorf("got %v of\n%s", p, now.Template)
	}
	token := now.Parameters["Token"]
	a.must("redeploy", "web", "--orbit", "test", "--yes", "--version", "v2")
	if p := a.cf.Seen(east, "test-web").Parameters; p["Token"] == token || p["Version"] != "v2" {
		t.Errorf("got %v", p)
	}
}

// A failure is explained, rolled back, and says how to try again.
func TestRedeployFails(t *testing.T) {
	a := newRedeployable(t)
	a.cf.Fail(cloudtest.Failure{Region: east, Stack: "test-web", Logical: "Sg", When: cloudtest.Update, Reason: "no more groups"})
	s := a.spacel("redeploy", "web", "--orbit", "test", "--yes")
	a.expect(s, exitNo, "us-east-1/test-web failed: ", "no more groups", "UPDATE_ROLLBACK_COMPLETE",
		"spacel redeploy web --orbit test --region us-east-1", "stacks: 1 failed")
	if got := a.cf.Seen(east, "test-web").Parameters["Token"]; got != "old" {
		t.Errorf("the token is %s", got)
	}
}

// What is not deployed soundly is deploy's to mend.
func TestRedeployRefuses(t *testing.T) {
	a := newRedeployable(t)
	a.put("ROLLBACK_COMPLETE")
	a.unchanged(func() {
		a.expect(a.spacel("redeploy", "web", "--orbit", "test", "--yes"), exitError,
			"us-east-1/test-web: the stack is ROLLBACK_COMPLETE, so there is nothing to deploy again: spacel deploy DIR repairs it")
		a.expect(a.spacel("redeploy", "wbe", "--orbit", "test", "--yes"), exitError,
			"orbit test has no app wbe in us-east-1; did you mean web?")
	})
	a.cf.Put(t, cloudtest.Stack{Region: east, Name: "test-web", Status: "CREATE_COMPLETE", Template: vpcTemplate,
		Tags: map[string]string{"spacel:orbit": "test", "spacel:app": "web"}})
	a.expect(a.spacel("redeploy", "web", "--orbit", "test", "--yes"), exitError, "its template has no parameter Token")
}

// Left to itself it goes on, and a second redeploy is not how to follow it.
func TestRedeployDetached(t *testing.T) {
	a := newRedeployable(t)
	a.cf.Hold(east, "test-web")
	a.expect(a.spacel("redeploy", "web", "--orbit", "test", "--yes", "--timeout", "200ms"), exitError, "--timeout",
		"watch it with spacel events web --orbit test --follow")
	a.cf.Release(east, "test-web")
}
