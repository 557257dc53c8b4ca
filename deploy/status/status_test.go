package status

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/deploy/live"
)

func TestEndpoints(t *testing.T) {
	for want, outputs := range map[string]map[string]string{
		"[{Endpoint80 http://a} {Endpoint443 https://a}]": {"Endpoint443": "https://a", "Endpoint80": "http://a", "BalancerDNSName": "elb",
			"VpcId": "vpc-1"},
		"[{BalancerDNSName elb}]": {"BalancerDNSName": "elb", "Endpoint80": ""},
		"[{DnsRecord01 bastion}]": {"DnsRecord01": "bastion", "ElasticIp01": "1.2.3.4"},
		"[]":                      {"SecurityGroup": "sg-1"},
	} {
		if got := fmt.Sprint(Endpoints(outputs)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// A stack that was never updated was changed when it was made.
func TestChanged(t *testing.T) {
	made := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	s := describe(&live.Stack{Status: types.StackStatusCreateComplete, Created: made})
	if s.Changed == nil || !s.Changed.Equal(made) || s.State != Good {
		t.Errorf("%+v", s)
	}
	s = describe(&live.Stack{Status: types.StackStatusRollbackFailed, Reason: "no", Created: made, Updated: made.Add(time.Hour)})
	if !s.Changed.Equal(made.Add(time.Hour)) || s.State != Failed || fmt.Sprint(s.Why) != "[no]" {
		t.Errorf("%+v", s)
	}
}

// A status that is in no list is never good. AWS may add one, and an answer may leave it out.
func TestUnknownStatus(t *testing.T) {
	for _, status := range []types.StackStatus{"", "UPDATE_DREAMT", "COMPLETE", "GOOD_COMPLETE"} {
		if s := describe(&live.Stack{Status: status}); s.State != Unknown || s.State.OK() || len(s.Why) != 1 {
			t.Errorf("%s: got %+v", status, s)
		}
	}
	for _, status := range types.StackStatus("").Values() {
		if s := describe(&live.Stack{Status: status}); s.State == Unknown {
			t.Errorf("%s is not known", status)
		}
	}
}
