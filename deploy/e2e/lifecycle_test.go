package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/route53"

	"github.com/pebble/spacel/deploy/activity"
)

// The life of an orbit in three regions, against an AWS by others.
func TestLifecycle(t *testing.T) {
	t.Parallel()
	w := newMotoEnv(t)
	manifests := map[string]string{"orbit.json": threeRegions, "web.json": web}
	dir := build(t, manifests)

	w.step("deploy", func() {
		w.wantOutcome(w.mustDeploy(dir), activity.WasCreated, 12)
		for _, region := range regions {
			w.checkNetwork(region)
			w.checkBalancer(region, "internet-facing", 80)
			w.checkTables(region)
			w.checkProgram(region)
			w.checkGroup(region, "test-web", 2)
		}
		w.checkRecord("web-test.example.com.", len(regions))
		w.checkSignals("test-web", regions)
	})
	w.step("again", func() {
		w.wantOutcome(w.mustDeploy(dir), activity.WasUnchanged, 12)
	})
	w.step("one field", func() {
		manifests["web.json"] = written(web, `"instance_max": 2`, `"instance_max": 3`)
		dir = build(t, manifests)
		if got := w.plannedChanges(dir); !slices.Equal(got,
			[]string{"eu-west-1/test-web/Asg", "us-east-1/test-web/Asg", "us-west-2/test-web/Asg"}) {
			t.Errorf("one field changes %v", got)
		}
		w.wantOutcome(w.mustDeploy(dir), activity.WasUpdated, 3)
		for _, region := range regions {
			w.checkGroup(region, "test-web", 3)
		}
	})
	w.step("two apps that name each other", func() {
		manifests["left.json"], manifests["right.json"] = left, right
		dir = build(t, manifests)
		w.wantOutcome(w.mustDeploy(dir), activity.WasCreated, 6)
		w.checkRule("eu-west-1", "left", 7000)
		w.wantOutcome(w.mustDeploy(dir), activity.WasUnchanged, 18)
	})
	w.step("fail", func() {
		manifests["bad.json"] = written(written(web, `"web"`, `"bad"`), "t4g.small", "t4g.9xlarge")
		dir = build(t, manifests)
		r, err := w.deploy(dir)
		if err != nil {
			t.Fatal(err)
		}
		w.wantOutcome(outcomes(r), activity.HasFailed, 3)
		w.wantOutcome(outcomes(r), activity.WasUnchanged, 18)
		for _, f := range r.Failures {
			if !strings.Contains(f.Reason, "t4g.9xlarge") || f.Origin == "" {
				t.Errorf("the failure is %+v", f)
			}
		}
	})
	w.step("recover", func() {
		manifests["bad.json"] = written(web, `"web"`, `"bad"`)
		dir = build(t, manifests)
		w.wantOutcome(w.mustDeploy(dir), activity.WasCreated, 3)
	})
	w.step("destroy", func() {
		w.putUser("eu-west-1")
		w.destroy("test")
		for _, region := range regions {
			w.checkNothingLeft(region)
			w.checkTables(region)
		}
		w.checkSignals("test-web", nil)
	})
	w.step("deploy again", func() {
		w.wantOutcome(w.mustDeploy(dir), activity.WasCreated, 21)
		w.checkUser("eu-west-1")
		w.checkNetwork("eu-west-1")
	})
}

func (w *awsEnv) step(name string, do func()) {
	w.Helper()
	if w.Failed() {
		w.FailNow()
	}
	w.Log(name)
	do()
}

func (w *awsEnv) wantOutcome(got map[activity.Outcome][]string, outcome activity.Outcome, n int) {
	w.Helper()
	if len(got[outcome]) != n {
		w.Errorf("%d stacks were %s, want %d: %v", len(got[outcome]), outcome, n, got)
	}
}

// fatal ends the test if AWS could not be asked.
func (w *awsEnv) fatal(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// stackFilter is a filter for what CloudFormation made for the orbit.
func stackFilter(stack string) []ec2types.Filter {
	return []ec2types.Filter{{Name: aws.String("tag:aws:cloudformation:stack-name"), Values: []string{stack}}}
}

// checkNetwork checks the region's VPC: both tiers in each zone, one NAT gateway, and a way to the internet.
func (w *awsEnv) checkNetwork(region string) {
	w.Helper()
	api := ec2.NewFromConfig(w.config(region))
	vpcs, err := api.DescribeVpcs(w.Context(), &ec2.DescribeVpcsInput{Filters: stackFilter("test-vpc")})
	w.fatal(err)
	if len(vpcs.Vpcs) != 1 {
		w.Fatalf("%s has %d networks, want 1", region, len(vpcs.Vpcs))
	}
	within := []ec2types.Filter{{Name: aws.String("vpc-id"), Values: []string{*vpcs.Vpcs[0].VpcId}}}
	subnets, err := api.DescribeSubnets(w.Context(), &ec2.DescribeSubnetsInput{Filters: within})
	w.fatal(err)
	zones := map[string]int{}
	for _, s := range subnets.Subnets {
		zones[aws.ToString(s.AvailabilityZoneId)]++
	}
	for zone, n := range zones {
		if n != len(subnets.Subnets)/len(zones) {
			w.Errorf("%s: zone %s has %d subnets of %d", region, zone, n, len(subnets.Subnets))
		}
	}
	gateways, err := api.DescribeNatGateways(w.Context(), &ec2.DescribeNatGatewaysInput{Filter: within})
	w.fatal(err)
	if len(zones) < 2 || len(gateways.NatGateways) != 1 {
		w.Errorf("%s has %d zones and %d NAT gateways", region, len(zones), len(gateways.NatGateways))
	}
}

// checkBalancer checks web's balancer, and that it passes on to port 8080.
func (w *awsEnv) checkBalancer(region, scheme string, port int32) {
	w.Helper()
	api := elasticloadbalancingv2.NewFromConfig(w.config(region))
	balancers, err := api.DescribeLoadBalancers(w.Context(), &elasticloadbalancingv2.DescribeLoadBalancersInput{})
	w.fatal(err)
	if len(balancers.LoadBalancers) != 1 || string(balancers.LoadBalancers[0].Scheme) != scheme {
		w.Fatalf("%s has balancers %v", region, balancers.LoadBalancers)
	}
	arn := balancers.LoadBalancers[0].LoadBalancerArn
	listeners, err := api.DescribeListeners(w.Context(), &elasticloadbalancingv2.DescribeListenersInput{LoadBalancerArn: arn})
	w.fatal(err)
	groups, err := api.DescribeTargetGroups(w.Context(), &elasticloadbalancingv2.DescribeTargetGroupsInput{LoadBalancerArn: arn})
	w.fatal(err)
	if len(listeners.Listeners) != 1 || *listeners.Listeners[0].Port != port {
		w.Errorf("%s: listeners are %v", region, listeners.Listeners)
	}
	if len(groups.TargetGroups) != 1 || *groups.TargetGroups[0].Port != 8080 || *groups.TargetGroups[0].HealthCheckPath != "/health" {
		w.Errorf("%s: target groups are %v", region, groups.TargetGroups)
	}
}

// checkTables checks that the orbit's tables are there.
func (w *awsEnv) checkTables(region string) {
	w.Helper()
	out, err := dynamodb.NewFromConfig(w.config(region)).ListTables(w.Context(), &dynamodb.ListTablesInput{})
	w.fatal(err)
	if !slices.Equal(out.TableNames, []string{"test-locks", "test-releases", "test-services", "test-users", "test-volumes"}) {
		w.Errorf("%s has tables %v", region, out.TableNames)
	}
}

// putUser writes an item that must outlive everything, which remembers reads.
func (w *awsEnv) putUser(region string) {
	w.Helper()
	_, err := dynamodb.NewFromConfig(w.config(region)).PutItem(w.Context(), &dynamodb.PutItemInput{
		TableName: aws.String("test-users"),
		Item:      map[string]dynamotypes.AttributeValue{"name": &dynamotypes.AttributeValueMemberS{Value: "ada"}},
	})
	w.fatal(err)
}

func (w *awsEnv) checkUser(region string) {
	w.Helper()
	out, err := dynamodb.NewFromConfig(w.config(region)).GetItem(w.Context(), &dynamodb.GetItemInput{
		TableName: aws.String("test-users"),
		Key:       map[string]dynamotypes.AttributeValue{"name": &dynamotypes.AttributeValueMemberS{Value: "ada"}},
	})
	w.fatal(err)
	if len(out.Item) == 0 {
		w.Errorf("%s: the table that was adopted is empty", region)
	}
}

// checkGroup checks the size of a stack's group, and what its instances start with.
func (w *awsEnv) checkGroup(region, stack string, largest int32) {
	w.Helper()
	out, err := autoscaling.NewFromConfig(w.config(region)).DescribeAutoScalingGroups(w.Context(),
		&autoscaling.DescribeAutoScalingGroupsInput{})
	w.fatal(err)
	for _, g := range out.AutoScalingGroups {
		if !strings.HasPrefix(*g.AutoScalingGroupName, stack+"-") {
			continue
		}
		if *g.MaxSize != largest || g.LaunchTemplate == nil || len(g.TargetGroupARNs) != 1 {
			w.Errorf("%s: the group is %d to %d, template %v, targets %v", region, *g.MinSize, *g.MaxSize, g.LaunchTemplate,
				g.TargetGroupARNs)
		}
		return
	}
	w.Errorf("%s has no group of %s", region, stack)
}

// checkRecord checks that a name is there, with as many answers as regions.
func (w *awsEnv) checkRecord(name string, n int) {
	w.Helper()
	api := route53.NewFromConfig(w.config("us-east-1"))
	zones, err := api.ListHostedZones(w.Context(), &route53.ListHostedZonesInput{})
	w.fatal(err)
	records, err := api.ListResourceRecordSets(w.Context(), &route53.ListResourceRecordSetsInput{HostedZoneId: zones.HostedZones[0].Id})
	w.fatal(err)
	var found []string
	for _, r := range records.ResourceRecordSets {
		if *r.Name == name && r.AliasTarget != nil {
			found = append(found, string(r.Region))
		}
	}
	if len(found) != n {
		w.Errorf("%s answers from %v, want %d regions", name, found, n)
	}
}

// checkRule checks that an app's security group lets somebody in at a port.
func (w *awsEnv) checkRule(region, app string, port int32) {
	w.Helper()
	out, err := ec2.NewFromConfig(w.config(region)).DescribeSecurityGroups(w.Context(),
		&ec2.DescribeSecurityGroupsInput{Filters: stackFilter("test-" + app)})
	w.fatal(err)
	for _, g := range out.SecurityGroups {
		for _, rule := range g.IpPermissions {
			if aws.ToInt32(rule.FromPort) == port && len(rule.UserIdGroupPairs) == 1 {
				return
			}
		}
	}
	w.Errorf("%s: %s lets nobody in at %d: %+v", region, app, port, out.SecurityGroups)
}

// checkNothingLeft checks that nothing of the orbit is left that costs money.
func (w *awsEnv) checkNothingLeft(region string) {
	w.Helper()
	api := ec2.NewFromConfig(w.config(region))
	vpcs, err := api.DescribeVpcs(w.Context(), &ec2.DescribeVpcsInput{Filters: stackFilter("test-vpc")})
	w.fatal(err)
	instances, err := api.DescribeInstances(w.Context(),
		&ec2.DescribeInstancesInput{Filters: []ec2types.Filter{{Name: aws.String("instance-state-name"),
			Values: []string{"running", "pending"}}}})
	w.fatal(err)
	addresses, err := api.DescribeAddresses(w.Context(), &ec2.DescribeAddressesInput{})
	w.fatal(err)
	balancers, err := elasticloadbalancingv2.NewFromConfig(w.config(region)).DescribeLoadBalancers(w.Context(),
		&elasticloadbalancingv2.DescribeLoadBalancersInput{})
	w.fatal(err)
	if len(vpcs.Vpcs)+len(instances.Reservations)+len(addresses.Addresses)+len(balancers.LoadBalancers) > 0 {
		w.Errorf("%s still has %d networks, %d instances, %d addresses, %d balancers", region, len(vpcs.Vpcs), len(instances.Reservations),
			len(addresses.Addresses), len(balancers.LoadBalancers))
	}
}
