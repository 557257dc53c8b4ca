package e2e

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cloudformationtypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/internal/cloudtest"
)

const twoRegions = `{
  "name": "test", "regions": ["us-east-1", "eu-west-1"],
  "all": {"domain": "example.com", "nat": "enabled", "bastion_sources": ["203.0.113.0/24"]}
}`

// shop has everything that moto refuses to make: HTTPS with a certificate, a database, a cache, alarms and scaling.
const shop = `{
  "name": "shop",
  "all": {"instance_type": "t4g.small", "instance_min": 2, "instance_max": 4, "cw_stats": true,
    "hostnames": ["www.example.com"], "health_check": "HTTP:8080/health",
    "public_ports": {"80": {"redirect": 443}, "443": {"internal_port": 8080}},
    "services": {"shop": {"image": "example/shop:1", "ports": {"8080": 8080}, "environment": {"CITY": "Zürich"}}},
    "databases": {"main": {"size": 20}},
    "caches": {"sessions": {}},
    "scaling": {"targets": {"cpu": {"metric": "cpu", "value": 55}}, "schedules": {"day": {"cron": "0 7 * * MON-FRI", "min": 3}}},
    "alarms": {"endpoints": {"ops": {"type": "email", "addresses": ["ops@example.com"]}},
      "triggers": {"errors": {"metric": "backend5xx", "threshold": ">5", "endpoints": ["ops"]}}}}
}`

// broker has a network balancer, and a volume that keeps its data.
const broker = `{
  "name": "broker",
  "all": {"instance_min": 1, "instance_max": 1, "elb_availability": "private",
    "public_ports": {"5432": {"scheme": "TCP"}}, "volumes": {"data": {"size": 20}},
    "services": {"broker": {"image": "example/broker:1", "ports": {"5432": 5432}, "volumes": {"/mnt/data": "/data"}}}}
}`

// The life of an orbit in two regions against a second emulator by others. It makes what moto refuses.
func TestLifecycleInMinistack(t *testing.T) {
	t.Parallel()
	w := newEmulatorEnv(t, cloudtest.Ministack(t))
	manifests := map[string]string{"orbit.json": twoRegions, "shop.json": shop, "broker.json": broker}
	dir := build(t, manifests)

	w.step("deploy", func() {
		w.wantOutcome(w.mustDeploy(dir), activity.WasCreated, 10)
		for _, region := range []string{"us-east-1", "eu-west-1"} {
			w.checkSecureListener(region)
			w.checkMade(region, "test-shop", "AWS::RDS::DBInstance", "AWS::ElastiCache::ReplicationGroup",
				"AWS::CloudWatch::Alarm", "AWS::AutoScaling::ScalingPolicy", "AWS::AutoScaling::ScheduledAction",
				"AWS::Route53::RecordSet", "AWS::CertificateManager::Certificate")
		}
	})
	w.step("again", func() { w.wantOutcome(w.mustDeploy(dir), activity.WasUnchanged, 10) })
	w.step("one field", func() {
		manifests["shop.json"] = written(shop, `"value": 55`, `"value": 60`)
		dir = build(t, manifests)
		w.wantOutcome(w.mustDeploy(dir), activity.WasUpdated, 2)
		w.wantOutcome(w.mustDeploy(dir), activity.WasUnchanged, 10)
	})
	w.step("destroy, and deploy again beside the kept tables", func() {
		w.destroy("test")
		w.wantOutcome(w.mustDeploy(dir), activity.WasCreated, 10)
	})
}

// checkSecureListener checks that the shop's balancer answers HTTPS with a certificate.
func (w *awsEnv) checkSecureListener(region string) {
	w.Helper()
	client := elasticloadbalancingv2.NewFromConfig(w.config(region))
	balancers, err := client.DescribeLoadBalancers(w.Context(), &elasticloadbalancingv2.DescribeLoadBalancersInput{})
	w.fatal(err)
	var kinds []string
	for _, b := range balancers.LoadBalancers {
		listeners, err := client.DescribeListeners(w.Context(),
			&elasticloadbalancingv2.DescribeListenersInput{LoadBalancerArn: b.LoadBalancerArn})
		w.fatal(err)
		for _, l := range listeners.Listeners {
			kinds = append(kinds, fmt.Sprintf("%s %s %d with %d certificates",
				b.Type, l.Protocol, aws.ToInt32(l.Port), len(l.Certificates)))
		}
	}
	slices.Sort(kinds)
	want := []string{"application HTTP 80 with 0 certificates",
		"application HTTPS 443 with 1 certificates", "network TCP 5432 with 0 certificates"}
	if !slices.Equal(kinds, want) {
		w.Errorf("%s has the listeners %q, want %q", region, kinds, want)
	}
}

// checkMade checks that the emulator itself says that a stack's resources of some types exist.
func (w *awsEnv) checkMade(region, stack string, types ...string) {
	w.Helper()
	out, err := cloudformation.NewFromConfig(w.config(region)).DescribeStackResources(w.Context(),
		&cloudformation.DescribeStackResourcesInput{StackName: &stack})
	w.fatal(err)
	made := map[string]bool{}
	for _, r := range out.StackResources {
		made[aws.ToString(r.ResourceType)] = r.ResourceStatus == cloudformationtypes.ResourceStatusCreateComplete
	}
	for _, kind := range types {
		if !made[kind] {
			w.Errorf("%s/%s has no %s: %v", region, stack, kind, made)
		}
	}
}
