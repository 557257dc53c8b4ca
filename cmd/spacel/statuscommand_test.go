package main

import (
	"strings"
	"testing"

	"github.com/pebble/spacel/deploy/status"
	"github.com/pebble/spacel/internal/cloudtest"
)

func TestStatus(t *testing.T) {
	a := newAccount(t)
	a.expect(a.spacel("status", "build"), exitNo, "test-vpc     not deployed", "stacks: 3 not deployed")
	a.must("deploy", "build", "--yes")
	s := a.must("status", "build")
	a.expect(s, 0, "test-web     good  CREATE_COMPLETE", "    https://web-test.example.com", "stacks: 3 good")

	a.build(web("large"))
	a.expect(a.spacel("status", "build"), exitNo, "test-web     differs", "! the template: deployed sha256 ", "stacks: 2 good, 1 differs")
	a.expect(a.spacel("status", "build", "--stack", "test-vpc"), 0, "stacks: 1 good")
	a.expect(a.spacel("status", "build", "--stack", "test-vcp"), exitError,
		"--stack test-vcp: the directory has none; did you mean test-vpc?")

	// Another app is none of this directory's business; a stack of this app in another region is.
	a.cf.Put(t, cloudtest.Stack{Region: east, Name: "test-other", Status: "CREATE_COMPLETE", Template: vpcTemplate,
		Tags: map[string]string{"spacel:orbit": "test", "spacel:app": "other"}})
	a.cf.Put(t, cloudtest.Stack{Region: east, Name: "test-web2", Status: "CREATE_COMPLETE", Template: vpcTemplate,
		Tags: map[string]string{"spacel:orbit": "test", "spacel:app": "web"}})
	s = a.spacel("status", "build")
	a.expect(s, exitNo, "test-web2    only in AWS", "spacel destroy removes it")
	if strings.Contains(s.stdout, "test-other") {
		t.Error("another app's stack")
	}
	s = a.must("status", "--orbit", "test")
	a.expect(s, 0, "test-other", "stacks: 5 good")
	a.expect(a.spacel("status", "--orbit", "tset"), exitError, "orbit tset has no such stack in this account")
}

func TestStatusJSON(t *testing.T) {
	a := newAccount(t)
	a.must("deploy", "build", "--yes")
	a.cf.Fail(cloudtest.Failure{Region: east, Stack: "test-web", Logical: "Main", When: cloudtest.Update, Reason: "no"})
	a.build(web("large"))
	a.expect(a.spacel("deploy", "build", "--yes"), exitNo)
	s := a.spacel("status", "build", "--output", "json")
	r := decoded[status.Report](t, s.stdout)
	if s.code != exitNo || r.OK || len(r.Stacks) != 3 || r.Stacks[2].State != status.Differs ||
		r.Stacks[2].Status != "UPDATE_ROLLBACK_COMPLETE" || r.Stacks[2].Outputs["SecurityGroup"] == "" {
		t.Errorf("exit code %d: %+v", s.code, r)
	}
}

// Every status of CloudFormation's is one of ours.
func TestStatusOfEachState(t *testing.T) {
	a := newAccount(t)
	for state, want := range map[string]string{
		"CREATE_COMPLETE": "good", "UPDATE_ROLLBACK_COMPLETE": "good", "ROLLBACK_COMPLETE": "failed", "CREATE_FAILED": "failed",
		"DELETE_FAILED": "failed", "UPDATE_ROLLBACK_FAILED": "failed", "UPDATE_IN_PROGRESS": "in progress",
		"REVIEW_IN_PROGRESS": "not deployed", "IMPORT_ROLLBACK_FAILED": "failed",
	} {
		name := "test-" + strings.ToLower(strings.ReplaceAll(state, "_", "-"))
		put := cloudtest.Stack{Region: west, Name: name, Tags: map[string]string{"spacel:orbit": "test"}, Template: vpcTemplate}
		put.Status = put.Status.Values()[0]
		for _, s := range put.Status.Values() {
			if string(s) == state {
				put.Status = s
			}
		}
		if state == "REVIEW_IN_PROGRESS" {
			put.Template = ""
		}
		a.cf.Put(t, put)
		s := a.spacel("status", "--orbit", "test", "--stack", name)
		if !strings.Contains(s.stdout, "  "+want+"  ") || (s.code == 0) != (want == "good") {
			t.Errorf("%s: exit code %d:\n%s", state, s.code, s.stdout)
		}
	}
}

func TestOutputs(t *testing.T) {
	a := newAccount(t)
	a.must("deploy", "build", "--yes")
	a.expect(a.must("outputs", "build", "--app", "web"), 0, "us-east-1/test-web  Endpoint443  https://web-test.example.com\n")
	all := decoded[map[string]map[string]string](t, a.must("outputs", "--orbit", "test", "--output", "json").stdout)
	if all["us-east-1/test-vpc"]["VpcId"] == "" || len(all) != 3 {
		t.Errorf("%v", all)
	}
	a.expect(a.must("outputs", "build", "--output", "env"), 0, "US_EAST_1_TEST_WEB_ENDPOINT443='https://web-test.example.com'\n")
	s := a.must("outputs", "build", "--output", "env", "--stack", "us-east-1/test-web")
	a.expect(s, 0, "ENDPOINT443='https://web-test.example.com'\nSECURITY_GROUP='sg-")
}

func TestVariableName(t *testing.T) {
	for name, want := range map[string]string{
		"us-east-1": "US_EAST_1", "VpcId": "VPC_ID", "BalancerDNSName": "BALANCER_DNS_NAME", "Endpoint443": "ENDPOINT443",
		"ElasticIp01": "ELASTIC_IP01",
	} {
		if got := variableName(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

// No value leaves its quotes, and no two outputs are one variable.
func TestEnvironment(t *testing.T) {
	stack := status.Stack{Outputs: map[string]string{"A": "it's; rm -rf $HOME"}}
	stack.Region, stack.Name = east, "s"
	got, err := environment([]status.Stack{stack}, true)
	if err != nil || got != `A='it'\''s; rm -rf $HOME'`+"\n" {
		t.Errorf("%q, %v", got, err)
	}
	stack.Outputs["a"] = ""
	if _, err := environment([]status.Stack{stack}, true); err == nil || !strings.Contains(err.Error(), "would both be A") {
		t.Errorf("%v", err)
	}
}

func TestLiveDiff(t *testing.T) {
	a := newAccount(t)
	s := a.must("diff", "--live", "build")
	a.expect(s, 0, "us-east-1/test-web added")
	a.must("deploy", "build", "--yes")
	a.expect(a.must("diff", "--live", "build", "--exit-code"), 0, "no differences")

	a.build(web("large"))
	s = a.spacel("diff", "--live", "build", "--exit-code")
	a.expect(s, exitNo, "us-east-1/test-web changed", "web.json:7:5", `DBInstanceClass: "small" → "large"`)
	if strings.Contains(s.stdout, "test-vpc") || strings.Contains(s.stdout, "VpcId") {
		t.Errorf("more than that:\n%s", s.stdout)
	}
	a.expect(a.spacel("diff", "--live", "build", "--orbit", "o"), exitError, "leave --orbit out")
	a.expect(a.spacel("diff", "build", "build", "--profile", "p"), exitError, "--profile is for --live")
}

// A value that is not what the other stack gives by now, and a stack's own settings.
func TestLiveDiffOfInputs(t *testing.T) {
	a := newAccount(t)
	for name, template := range map[string]string{"test-vpc": vpcTemplate, "test-tables": tablesTemplate} {
		a.cf.Put(t, cloudtest.Stack{Region: east, Name: name, Status: "CREATE_COMPLETE", Template: template,
			Tags: map[string]string{"spacel:orbit": "test"}})
	}
	a.cf.Put(t, cloudtest.Stack{Region: east, Name: "test-web", Status: "CREATE_COMPLETE", Template: web("small"), Protected: true,
		Parameters: map[string]string{"VpcId": "vpc-0"}, Tags: map[string]string{"spacel:orbit": "test", "spacel:app": "web"}})
	s := a.must("diff", "--live", "build")
	a.expect(s, 0, "us-east-1/test-web changed", "terminationProtection: true → false", `- VpcId.source.literal: "vpc-0" → (none)`,
		`+ VpcId.source.output: {"output":"VpcId","region":"us-east-1","stack":"test-vpc"}`, "VpcId: changes, as parameter VpcId")
	if strings.Contains(s.stdout, "Version") {
		t.Errorf("a version that is kept is no difference:\n%s", s.stdout)
	}
}

func TestDestroyCommand(t *testing.T) {
	a := newAccount(t)
	a.must("deploy", "build", "--yes")
	a.unchanged(func() {
		a.expect(a.spacel("destroy", "build"), exitError, "- us-east-1/test-web  2 resources",
			"a last snapshot stays: of AWS::RDS::DBInstance Main",
			"stays: AWS::DynamoDB::Table Users (test-users)", "3 stacks of orbit test will be deleted",
			"there is no terminal to ask on: give --confirm test to go ahead")
		a.expect(a.spacel("destroy", "build", "--confirm", "prod"), exitError, "the name to confirm is test; nothing was changed")
		a.expect(a.spacel("destroy", "build", "--dry-run"), 0)
		a.expect(a.spacel("destroy", "--orbit", "test", "--stack", "test-vpc", "--confirm", "test-vpc"), exitError,
			"us-east-1/test-vpc cannot be deleted: us-east-1/test-web takes its parameter VpcId from it")
	})
	a.expect(a.must("destroy", "--orbit", "test", "--app", "web", "--confirm", "web"), 0, "stacks: 1 deleted", "a last snapshot kept")
	s := a.must("destroy", "build", "--confirm", "test", "--output", "json")
	lines := jsonObjects(t, s.stdout)
	if last := lines[len(lines)-1]; lines[0]["kind"] != "plan" || last["kind"] != "summary" || last["ok"] != true {
		t.Errorf("%v", lines)
	}
	a.expect(a.must("destroy", "build", "--confirm", "test"), 0, "nothing to destroy")
	a.expect(a.must("deploy", "build", "--yes"), 0, "adopt", "stacks: 3 created") // the table that was kept
}

func TestDestroyLeavesBehind(t *testing.T) {
	a := newAccount(t)
	a.must("deploy", "build", "--yes")
	a.cf.Fail(cloudtest.Failure{Region: east, Stack: "test-vpc", Logical: "Vpc", When: cloudtest.Delete, Reason: "has dependencies",
		Always: true})
	a.expect(a.spacel("destroy", "build", "--confirm", "test"), exitNo, "us-east-1/test-vpc failed: AWS::EC2::VPC Vpc: has dependencies",
		"--leave-behind", "stacks: 2 deleted, 1 failed")
	a.expect(a.must("destroy", "build", "--confirm", "test", "--leave-behind"), 0, "us-east-1/test-vpc left behind: AWS::EC2::VPC Vpc")
}
