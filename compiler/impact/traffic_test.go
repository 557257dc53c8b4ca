package impact

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// stackOf is a small app: a balancer with a listener on 443, a target group, and a group of instances with an update policy.
type stackOf struct {
	balancer, targets string // logical ids
	protocol, port    string // of the target group
	check             string
	lists             string // more properties of the group
	policy            string
	more              string // further resources
	image             string
}

func newStack() stackOf {
	return stackOf{balancer: "B", targets: "T8080", protocol: "HTTP", port: "8080", check: "/", image: "ami-1",
		lists:  `"MinSize": "2", "MaxSize": "4"`,
		policy: `{"AutoScalingRollingUpdate": {"MaxBatchSize": 1, "MinInstancesInService": 2}}`}
}

func (s stackOf) String() string {
	return fmt.Sprintf(`"Resources": {
		"L": {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": {"ImageId": %q,
			"MetadataOptions": {"HttpTokens": "required"}}}},
		%q: {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer"},
		"Listener": {"Type": "AWS::ElasticLoadBalancingV2::Listener", "Properties": {"LoadBalancerArn": {"Ref": %q}, "Port": 443,
			"Protocol": "HTTPS", "DefaultActions": [{"Type": "forward", "TargetGroupArn": {"Ref": %q}}]}},
		%q: {"Type": "AWS::ElasticLoadBalancingV2::TargetGroup", "Properties": {"Protocol": %q, "Port": %s, "HealthCheckPath": %q}},
		"Asg": {"Type": "AWS::AutoScaling::AutoScalingGroup", "UpdatePolicy": %s, "Properties": {%s, "TargetGroupARNs": [{"Ref": %q}],
			"LaunchTemplate": {"LaunchTemplateId": {"Ref": "L"}, "Version": {"Fn::GetAtt": ["L", "LatestVersionNumber"]}}}}%s}`,
		s.image, s.balancer, s.balancer, s.targets, s.targets, s.protocol, s.port, s.check, s.policy, s.lists, s.targets, s.more)
}

const (
	redblack = `{"AutoScalingReplacingUpdate": {"WillReplace": true}}`
	database = `, "DatabaseMain": {"Type": "AWS::RDS::DBInstance", "DeletionPolicy": "Snapshot", "Properties": {"DBInstanceClass": "a",
		"StorageEncrypted": %s, "MultiAZ": %s}}`
)

// TestTraffic has a case for each row of the table in docs/review.md. The outcome is KIND[ CAPACITY], with a mark for an offered way.
func TestTraffic(t *testing.T) {
	both := func(old, now func(*stackOf)) [2]func(*stackOf) { return [2]func(*stackOf){old, now} }
	after := func(now func(*stackOf)) [2]func(*stackOf) { return both(func(*stackOf) {}, now) }
	for name, c := range map[string]struct {
		change [2]func(*stackOf)
		want   string
	}{
		"nothing": {after(func(s *stackOf) { s.more = `, "X": {"Type": "AWS::SNS::Topic"}` }), "nothing"},
		"in turn": {after(func(s *stackOf) { s.image = "ami-2" }), "in turn 2"},
		"a batch as large as the group": {both(
			func(s *stackOf) { s.policy = `{"AutoScalingRollingUpdate": {"MaxBatchSize": 9}}` },
			func(s *stackOf) { s.policy = `{"AutoScalingRollingUpdate": {"MaxBatchSize": 9}}`; s.image = "ami-2" }), "stops 0 +"},
		"fixed size": {both(
			func(s *stackOf) { s.lists = `"MinSize": "3", "MaxSize": "3"` },
			func(s *stackOf) { s.lists = `"MinSize": "3", "MaxSize": "3"`; s.image = "ami-2" }), "reduced 2"},
		"a percentage stays": {both(
			func(s *stackOf) {
				s.policy = `{"AutoScalingRollingUpdate": {"MaxBatchSize": 2, "MinActiveInstancesPercent": 50}}`
			},
			func(s *stackOf) {
				s.policy = `{"AutoScalingRollingUpdate": {"MaxBatchSize": 2, "MinActiveInstancesPercent": 50}}`
				s.image = "ami-2"
			}), "reduced 1"},
		"one instance without room": {both(
			func(s *stackOf) {
				s.lists, s.policy = `"MinSize": "1", "MaxSize": "1"`, `{"AutoScalingRollingUpdate": {"MinInstancesInService": 0}}`
			},
			func(s *stackOf) {
				s.lists, s.policy = `"MinSize": "1", "MaxSize": "1"`, `{"AutoScalingRollingUpdate": {"MinInstancesInService": 0}}`
				s.image = "ami-2"
			}), "stops 0 +"},
		"no policy": {both(func(s *stackOf) { s.policy = `{}` }, func(s *stackOf) { s.policy = `{}`; s.image = "ami-2" }), "nothing"},
		"redblack that can be scaled": {both(func(s *stackOf) { s.policy = redblack },
			func(s *stackOf) { s.policy = redblack; s.image = "ami-2" }), "reduced 2"},
		"redblack of a fixed size": {both(func(s *stackOf) { s.policy, s.lists = redblack, `"MinSize": "2", "MaxSize": "2"` },
			func(s *stackOf) { s.policy, s.lists, s.image = redblack, `"MinSize": "2", "MaxSize": "2"`, "ami-2" }), "in turn 2"},
		"redblack from nothing": {both(func(s *stackOf) { s.policy = redblack },
			func(s *stackOf) { s.policy, s.lists, s.image = redblack, `"MinSize": "0", "MaxSize": "2"`, "ami-2" }), "stops 0 +"},
		"internal port": {after(func(s *stackOf) { s.targets, s.port = "T8081", "8081" }), "stops +"},
		"internal port, redblack": {both(func(s *stackOf) { s.policy = redblack }, func(s *stackOf) {
			s.policy, s.targets, s.port, s.image = redblack, "T8081", "8081", "ami-2"
		}), "stops +; reduced 2"},
		"internal port under the same id": {after(func(s *stackOf) { s.port = "8081" }), "stops +"},
		"internal scheme":                 {after(func(s *stackOf) { s.targets, s.protocol = "TS8080", "HTTPS" }), "stops +"},
		"another balancer":                {after(func(s *stackOf) { s.balancer, s.targets = "N", "TN" }), "stops +; address"},
		"health check":                    {after(func(s *stackOf) { s.check = "/ready" }), "reduced +"},
		"fewer at most":                   {after(func(s *stackOf) { s.lists = `"MinSize": "1", "MaxSize": "1"` }), "reduced 1"},
		"fewer at least":                  {after(func(s *stackOf) { s.lists = `"MinSize": "1", "MaxSize": "4"` }), "reduced 1"},
		"none at all":                     {after(func(s *stackOf) { s.lists = `"MinSize": "0", "MaxSize": "0"` }), "stops 0"},
		"an address given up": {both(func(s *stackOf) { s.more = `, "E": {"Type": "AWS::EC2::EIP"}` }, func(s *stackOf) {}),
			"address"},
		"a host name given up": {both(func(s *stackOf) {
			s.more = `, "R": {"Type": "AWS::Route53::RecordSet", "Properties": {"Name": "A.example.com."}}`
		}, func(s *stackOf) {
			s.more = `, "R": {"Type": "AWS::Route53::RecordSet", "Properties": {"Name": "b.example.com"}}`
		}), "address"},
		"the same host name": {both(func(s *stackOf) {
			s.more = `, "R": {"Type": "AWS::Route53::RecordSet", "Properties": {"Name": "A.example.com."}}`
		}, func(s *stackOf) {
			s.more = `, "Q": {"Type": "AWS::Route53::RecordSet", "Properties": {"Name": "a.example.com"}}`
		}), "nothing"},
		"a database deleted": {both(func(s *stackOf) { s.more = fmt.Sprintf(database, "true", "true") }, func(*stackOf) {}), "data"},
		"a database replaced": {both(func(s *stackOf) { s.more = fmt.Sprintf(database, "false", "true") },
			func(s *stackOf) { s.more = fmt.Sprintf(database, "true", "true") }), "data"},
		"a database's type": {both(func(s *stackOf) { s.more = fmt.Sprintf(database, "true", "true") },
			func(s *stackOf) { s.more = strings.Replace(fmt.Sprintf(database, "true", "true"), `"a"`, `"b"`, 1) }), "restarts"},
	} {
		t.Run(name, func(t *testing.T) {
			old, now := newStack(), newStack()
			c.change[0](&old)
			c.change[1](&now)
			r := reportOf(t, old.String(), now.String())
			var got []string
			for _, e := range r.Impact[0].Effects {
				text := string(e.Kind)
				if e.Capacity != nil {
					text += fmt.Sprintf(" %d", *e.Capacity)
				}
				if e.Instead != "" {
					text += " +"
				}
				got = append(got, text)
			}
			if d := cmp.Diff(c.want, strings.Join(got, "; ")); d != "" {
				t.Errorf("%s\n%+v", d, r.Impact[0].Effects)
			}
		})
	}
}
