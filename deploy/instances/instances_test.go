package instances

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	compute "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	balancing "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/internal/cloudtest"
)

const region = "us-east-1"

// app is a deployed app, with a group of its own making.
type app struct {
	*testing.T
	cloud *cloud.Cloud
}

func (a app) fatal(err error) {
	a.Helper()
	if err != nil {
		a.Fatal(err)
	}
}

// newApp makes the stack of app laika in orbit test, whose output names the group web.
func newApp(t *testing.T) app {
	a := app{t, cloud.New(cloudtest.Config(t, cloudtest.Moto(t), region), cloud.Access{})}
	_, err := a.cloud.Region(region).CloudFormation().CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName: aws.String("test-laika"),
		TemplateBody: aws.String(`{"Parameters": {"Version": {"Type": "String"}},
			"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}, "Outputs": {"AutoScalingGroup": {"Value": "web"}}}`),
		Parameters: []types.Parameter{{ParameterKey: aws.String("Version"), ParameterValue: aws.String("v7")}},
		Tags: []types.Tag{{Key: aws.String(document.TagOrbit), Value: aws.String("test")},
			{Key: aws.String(document.TagApp), Value: aws.String("laika")}},
	})
	a.fatal(err)
	return a
}

// group makes the group of some instances, in target groups.
func (a app) group(size int32, targets ...string) {
	a.Helper()
	r := a.cloud.Region(region)
	zones, err := r.EC2().DescribeSubnets(a.Context(), &ec2.DescribeSubnetsInput{})
	a.fatal(err)
	_, err = r.EC2().CreateLaunchTemplate(a.Context(), &ec2.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String("web"),
		LaunchTemplateData: &compute.RequestLaunchTemplateData{ImageId: aws.String("ami-12c6146b"),
			InstanceType: compute.InstanceTypeT3Nano},
	})
	a.fatal(err)
	_, err = r.AutoScaling().CreateAutoScalingGroup(a.Context(), &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("web"), MinSize: &size, MaxSize: &size, TargetGroupARNs: targets,
		VPCZoneIdentifier: zones.Subnets[0].SubnetId,
		LaunchTemplate:    &scaling.LaunchTemplateSpecification{LaunchTemplateName: aws.String("web"), Version: aws.String("1")},
	})
	a.fatal(err)
}

func (a app) list(regions ...string) ([]Instance, error) {
	return List(a.Context(), a.cloud, live.New(a.cloud), "test", "laika", regions)
}

func TestList(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	got, err := a.list(region)
	if len(got) != 0 || err == nil || !strings.Contains(err.Error(),
		"the auto scaling group web, which the outputs of stack us-east-1/test-laika name, does not exist") {
		t.Fatalf("while the group that the outputs name is gone: %v, %v", got, err)
	}
	a.group(2)
	got, err = a.list("eu-west-1", region) // it is not deployed in the first
	if err != nil || len(got) != 2 {
		t.Fatalf("got %v, %v", got, err)
	}
	for _, i := range got {
		if !strings.HasPrefix(i.ID, "i-") || i.Region != region || !strings.HasPrefix(i.Zone, region) || i.Type != "t3.nano" ||
			i.PrivateIP == "" || i.State != "InService" || i.Health != "healthy" || i.Version != "v7" || !i.Current ||
			time.Since(i.Launched) > time.Hour {
			t.Errorf("got %+v", i)
		}
	}
	if got[0].ID == got[1].ID {
		t.Error("one instance twice")
	}
}

// What was made from another version of the launch template runs an older version of the app, which nobody knows.
func TestAnOlderInstanceHasNoVersion(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.group(1)
	r := a.cloud.Region(region)
	_, err := r.EC2().CreateLaunchTemplateVersion(t.Context(), &ec2.CreateLaunchTemplateVersionInput{
		LaunchTemplateName: aws.String("web"),
		LaunchTemplateData: &compute.RequestLaunchTemplateData{InstanceType: compute.InstanceTypeT3Micro},
	})
	a.fatal(err)
	_, err = r.AutoScaling().UpdateAutoScalingGroup(t.Context(), &autoscaling.UpdateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("web"),
		LaunchTemplate:       &scaling.LaunchTemplateSpecification{LaunchTemplateName: aws.String("web"), Version: aws.String("2")},
	})
	a.fatal(err)
	got, err := a.list(region)
	if err != nil || len(got) != 1 || got[0].Current || got[0].Version != "" {
		t.Errorf("got %+v, %v", got, err)
	}
}

// Health is the load balancer's word where there is one, and the worst of several.
func TestTargetHealth(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	r := a.cloud.Region(region)
	made, err := r.ELB().CreateTargetGroup(t.Context(), &elasticloadbalancingv2.CreateTargetGroupInput{
		Name: aws.String("web"), Port: aws.Int32(80), Protocol: balancing.ProtocolEnumHttp, VpcId: a.vpc(),
	})
	a.fatal(err)
	arn := *made.TargetGroups[0].TargetGroupArn
	a.group(1, arn)
	said, err := r.ELB().DescribeTargetHealth(t.Context(), &elasticloadbalancingv2.DescribeTargetHealthInput{TargetGroupArn: &arn})
	a.fatal(err)
	got, err := a.list(region)
	if err != nil || len(got) != 1 || len(said.TargetHealthDescriptions) != 1 {
		t.Fatalf("got %v, %v", got, err)
	}
	if want := string(said.TargetHealthDescriptions[0].TargetHealth.State); got[0].Health != want {
		t.Errorf("health %q, want %q", got[0].Health, want)
	}
}

func (a app) vpc() *string {
	out, err := a.cloud.Region(region).EC2().DescribeVpcs(a.Context(), &ec2.DescribeVpcsInput{})
	a.fatal(err)
	return out.Vpcs[0].VpcId
}

// A region that cannot be asked is named, and hides no other.
func TestARegionThatFails(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.group(1)
	proxy := cloudtest.NewProxy(t, cloudtest.Moto(t), cloudtest.Faults{ExpireAfter: 1}) // the stack answers, its group does not
	a.cloud = cloud.New(cloudtest.Config(t, proxy.URL, region), cloud.Access{})
	got, err := a.list(region)
	if err == nil || !strings.HasPrefix(err.Error(), region+": describe the auto scaling group web: ") || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
}
