package status

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/internal/cloudtest"
)

const east = "us-east-1"

// running is an account with the app web of the orbit test: three instances, of which some are unhealthy, and two alarms.
func running(t *testing.T, unhealthy int) *cloudtest.CloudFormation {
	t.Helper()
	cf := cloudtest.NewCloudFormation(t)
	cf.OnGroup(func(g *cloudtest.Group) {
		g.Watch = func(g *cloudtest.Group) {
			for i, instance := range g.Instances {
				instance.Unhealthy = i < unhealthy
			}
		}
	})
	for _, app := range []string{"web", "web-admin"} {
		cf.Put(t, cloudtest.Stack{
			Region: east, Name: "test-" + app, Status: "UPDATE_COMPLETE", Parameters: map[string]string{"Version": "1.4"},
			Tags: map[string]string{document.TagOrbit: "test", document.TagApp: app},
			Template: `{"Parameters": {"Version": {"Type": "String"}}, "Resources": {"Asg": {"Type": "AWS::AutoScaling::AutoScalingGroup",
				"Properties": {"MinSize": "3", "MaxSize": "3"}}}, "Outputs": {"AutoScalingGroup": {"Value": {"Ref": "Asg"}}}}`,
		})
	}
	alarms := cloudtest.Alarms{Account: cf, Region: east}
	alarms.Set("test-web-AlarmErrors-1A2B", "ALARM", "Threshold Crossed")
	alarms.Set("test-web-AlarmLatency-1A2B", "OK", "")
	alarms.Set("test-web-admin-AlarmErrors-1A2B", "ALARM", "Threshold Crossed")
	alarms.Set("testing-AlarmErrors-1A2B", "ALARM", "of another orbit")
	return cf
}

// read reads the status of the app web.
func read(t *testing.T, url string) (*Report, error) {
	t.Helper()
	return Read(t.Context(), cloud.New(cloudtest.Config(t, url, east), cloud.Access{}), Scope{Orbit: "test", Regions: []string{east},
		Wanted: func(_ assembly.StackRef, app string) bool { return strings.HasPrefix(app, "web") }})
}

func TestRunning(t *testing.T) {
	r, err := read(t, running(t, 1).URL)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%+v", *r.Stacks[0].Running)
	if want := "{Version:1.4 Healthy:2 Instances:3 Desired:3 Alarms:[test-web-AlarmErrors-1A2B]}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if !r.OK || r.Stacks[0].State != Good {
		t.Errorf("%+v", r)
	}
	if got := r.Stacks[1].Running.Alarms; fmt.Sprint(got) != "[test-web-admin-AlarmErrors-1A2B]" {
		t.Errorf("the alarms of web-admin are %v", got)
	}
}

// A stack is not good when none of its instances is healthy, although CloudFormation calls it UPDATE_COMPLETE.
func TestDown(t *testing.T) {
	r, err := read(t, running(t, 3).URL)
	if err != nil {
		t.Fatal(err)
	}
	if s := r.Stacks[0]; r.OK || s.State != Down || !strings.Contains(fmt.Sprint(s.Why), "no healthy instance: the group wants 3") {
		t.Errorf("%+v", s)
	}
}

// Without the permission to read groups or alarms the stacks' states are told, and what is not known is named. Any other failure is
// an error: a report without it would look complete.
func TestRunningWithoutPermission(t *testing.T) {
	cf := recorded(t)
	for _, service := range []string{"autoscaling", "monitoring"} {
		refuse := func(code string) string {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !strings.Contains(r.Header.Get("Authorization"), "/"+service+"/") {
					cf.ServeHTTP(w, r)
					return
				}
				if service == "monitoring" {
					w.Header().Set("smithy-protocol", "rpc-v2-cbor")
					w.Header().Set("Content-Type", "application/cbor")
					w.WriteHeader(http.StatusForbidden)
					fmt.Fprintf(w, "\xa2\x66__type%c%s\x67message\x62no", 0x60+len(code), code)
					return
				}
				w.WriteHeader(http.StatusForbidden)
				fmt.Fprintf(w, "<ErrorResponse><Error><Code>%s</Code><Message>no</Message></Error></ErrorResponse>", code)
			}))
			t.Cleanup(s.Close)
			return s.URL
		}
		r, err := read(t, refuse("AccessDenied"))
		if err != nil || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "not known") {
			t.Errorf("%s: %v, %+v", service, err, r)
		}
		if _, err := read(t, refuse("InvalidParameter")); err == nil {
			t.Errorf("%s: an unknown refusal gives no error", service)
		}
	}
}
