package main

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/internal/cloudtest"
)

const groupTemplate = `{"Parameters": {"VpcId": {"Type": "String"}, "Version": {"Type": "String", "Default": "latest"}},
  "Resources": {"Asg": {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": {"MinSize": "1", "MaxSize": "1"}}},
  "Outputs": {"Topic": {"Value": {"Ref": "Asg"}}}}`

// launching is an account in which the app's group launches no instance for a time.
func launching(t *testing.T, lasts time.Duration, recovers bool) *account {
	a := newAccount(t)
	a.build(groupTemplate)
	cloudtest.FailLaunch(a.cf, cloudtest.FailedLaunch{Region: east, Stack: "test-web", Logical: "Asg", Message: cloudtest.LaunchOverQuota,
		Lasts: lasts, Recovers: recovers})
	return a
}

// Without a terminal the reason is a line of the log and a part of the explanation. Events and instances show it, too.
func TestFailedLaunches(t *testing.T) {
	a := launching(t, time.Second, true)
	for name, template := range map[string]string{"test-vpc": vpcTemplate, "test-tables": tablesTemplate} {
		a.cf.Put(t, cloudtest.Stack{Region: east, Name: name, Status: types.StackStatusCreateComplete, Template: template,
			Tags: map[string]string{"spacel:orbit": "test"}})
	}
	a.expect(a.spacel("deploy", "build", "--yes"), 0, "launch-failed: You have requested more vCPU capacity", "higher quota of vCPUs")
	s := a.spacel("events", "web", "--orbit", "test", "--region", east)
	a.expect(s, 0, "Asg (AWS::AutoScaling::AutoScalingGroup) LAUNCH_FAILED: You have requested more vCPU capacity")
	s = a.spacel("instances", "web", "--orbit", "test", "--region", east)
	if !strings.Contains(s.stderr, "us-east-1: EC2 could not launch an instance, last at ") ||
		!strings.Contains(s.stderr, "your current vCPU limit of 5") {
		t.Errorf("%+v", s)
	}
}

func TestFailedLaunchExplained(t *testing.T) {
	a := launching(t, time.Second, false)
	a.expect(a.spacel("deploy", "build", "--yes"), exitNo, "EC2 could not launch an instance at ", "your current vCPU limit of 5",
		"next: ask for a higher quota of vCPUs")
	s := a.spacel("deploy", "build", "--yes", "--output", "json")
	a.expect(s, exitYes, `"kind":"summary"`)
}
