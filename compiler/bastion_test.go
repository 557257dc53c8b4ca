package compiler

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/schema"
)

func bastionPartOf(t *testing.T, change func(*schema.OrbitRegion)) *part {
	t.Helper()
	return orbitStacks(t, orbitRegion(3, change))["bastion"]
}

func TestBastionNames(t *testing.T) {
	for count, want := range map[int]map[string]string{
		1: {"DnsRecord01": "us-east-1.production.example.com"},
		3: {
			"DnsRecord01":      "us-east-1.production.example.com",
			"DnsRecord01Alias": "bastion01.us-east-1.production.example.com",
			"DnsRecord02":      "bastion02.us-east-1.production.example.com",
			"DnsRecord03":      "bastion03.us-east-1.production.example.com",
		},
	} {
		p := bastionPartOf(t, func(r *schema.OrbitRegion) { r.BastionInstanceCount, r.Domain = count, "example.com" })
		got := map[string]string{}
		for id, r := range decoded(t, p).ofType("AWS::Route53::RecordSet") {
			got[id] = r.Properties["Name"].(string)
		}
		if !maps.Equal(got, want) {
			t.Errorf("%d bastions are called %v, want %v", count, got, want)
		}
		if zone := p.sources["HostedZone"].HostedZone; zone == nil || zone.Hostname != "us-east-1.production.example.com" {
			t.Errorf("the hosted zone is looked up as %+v", zone)
		}
	}
}

func TestBastionsWithoutADomainHaveNoNames(t *testing.T) {
	p := bastionPartOf(t, func(r *schema.OrbitRegion) { r.BastionInstanceCount = 2 })
	stack := decoded(t, p)
	if records := stack.ofType("AWS::Route53::RecordSet"); len(records) != 0 || stack.Parameters["HostedZone"] != nil {
		t.Errorf("records %v, parameters %v", records, stack.Parameters)
	}
}

// TestABastionReplacesAnother holds the group to having room for one more instance than must be in service: else
// CloudFormation refuses the update, or there is a time without a way in.
func TestABastionReplacesAnother(t *testing.T) {
	for count := 1; count <= 3; count++ {
		p := bastionPartOf(t, func(r *schema.OrbitRegion) { r.BastionInstanceCount = count })
		stack := decoded(t, p)
		group := stack.Resources["Asg"]
		got := []any{group.Properties["MinSize"], group.Properties["DesiredCapacity"], group.Properties["MaxSize"]}
		want := []any{fmt.Sprint(count), fmt.Sprint(count), fmt.Sprint(count + 1)}
		if !slices.Equal(got, want) {
			t.Errorf("sizes %v, want %v", got, want)
		}
		if !slices.Contains(group.DependsOn, "AgentPolicy") {
			t.Error("instances do not wait for their permissions")
		}
		if addresses := stack.ofType("AWS::EC2::EIP"); len(addresses) != count {
			t.Errorf("%d addresses for %d bastions", len(addresses), count)
		}
	}
}

func TestBastionsReachOnlyTheirOwn(t *testing.T) {
	stack := decoded(t, bastionPartOf(t, func(r *schema.OrbitRegion) { r.BastionInstanceCount = 2 }))
	got := map[string][]string{}
	for _, s := range statementsOf(t, stack) {
		for _, action := range s.Action {
			for _, on := range s.Resource {
				got[action] = append(got[action], fmt.Sprint(text(on), conditionText(s)))
			}
		}
	}
	arn := "arn:${AWS::Partition}:"
	own := arn + "ec2:${AWS::Region}:${AWS::AccountId}:"
	want := map[string][]string{
		"s3:GetObject":                  {arn + "s3:::${AgentBucket}/${AgentKeyAmd64}"},
		"cloudformation:SignalResource": {"AWS::StackId"},
		"logs:CreateLogStream":          {arn + "logs:${AWS::Region}:${AWS::AccountId}:log-group:production-boot:log-stream:bastion/*"},
		"logs:PutLogEvents":             {arn + "logs:${AWS::Region}:${AWS::AccountId}:log-group:production-boot:log-stream:bastion/*"},
		"dynamodb:BatchGetItem":         {arn + "dynamodb:${AWS::Region}:${AWS::AccountId}:table/production-users"},
		"dynamodb:Scan":                 {arn + "dynamodb:${AWS::Region}:${AWS::AccountId}:table/production-services"},
		"ec2:AssociateAddress": {
			own + "elastic-ip/${ElasticIp01.AllocationId}",
			own + "elastic-ip/${ElasticIp02.AllocationId}",
			own + "instance/* when StringEquals aws:ResourceTag/aws:cloudformation:stack-id AWS::StackId",
		},
		"ec2:CreateTags": {own + "instance/* when ForAllValues:StringEquals aws:TagKeys spacel:ssh-host-key and " +
			"StringLike aws:userid *:${ec2:InstanceID}"},
		"ec2:DescribeAddresses": {"*"},
		"ec2:DescribeInstances": {"*"},
	}
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
}

func text(v any) string {
	if m, ok := v.(map[string]any); ok {
		for _, inner := range m {
			return fmt.Sprint(inner)
		}
	}
	return fmt.Sprint(v)
}

func conditionText(s statement) string {
	var all []string
	for operator, keys := range s.Condition {
		for key, value := range keys {
			all = append(all, operator+" "+key+" "+text(value))
		}
	}
	if len(all) == 0 {
		return ""
	}
	slices.Sort(all)
	return " when " + strings.Join(all, " and ")
}

// TestBastionImages holds that every way to name an image gets a parameter of its own, so that a change of image is one.
func TestBastionImages(t *testing.T) {
	for ami, id := range map[string]string{
		"":                         "ImageDebian12Amd64",
		"ami-0123456789abcdef0":    "ImageAmi0123456789abcdef0X" + hash("ami-0123456789abcdef0") + "Amd64",
		"/platform/images/bastion": "ImagePlatformImagesBastionX" + hash("/platform/images/bastion") + "Amd64",
		"20260901-2230":            "Image202609012230X" + hash("20260901-2230") + "Amd64",
	} {
		p := bastionPartOf(t, func(r *schema.OrbitRegion) { r.BastionImage = schema.Image{Debian: "12", AMI: ami} })
		source := p.sources[id].Image
		if source == nil {
			t.Errorf("the image %q has no parameter %s", ami, id)
			continue
		}
		if want := (assembly.Image{Debian: "12", Architecture: "amd64", AMI: ami}); *source != want {
			t.Errorf("%s is %+v, want %+v", id, *source, want)
		}
	}
}

func TestBastionSourcesOfParameters(t *testing.T) {
	p := bastionPartOf(t, func(r *schema.OrbitRegion) {
		r.BastionArchitecture = "arm64"
		r.BastionImage = schema.Image{Debian: "12", AMI: "20260112-1234"}
	})
	if got, want := *p.sources["Image202601121234X"+hash("20260112-1234")+"Arm64"].Image,
		(assembly.Image{Debian: "12", Architecture: "arm64", AMI: "20260112-1234"}); got != want {
		t.Errorf("the image is %+v, want %+v", got, want)
	}
	for id, part := range map[string]string{"AgentBucket": "bucket", "AgentKeyArm64": "key", "AgentDigestArm64": "digest"} {
		if got, want := *p.sources[id].Binary, (assembly.Binary{Name: "agent", Architecture: "arm64", Part: part}); got != want {
			t.Errorf("%s is %+v, want %+v", id, got, want)
		}
	}
	if p.sources["Token"].Token == nil {
		t.Error("the token has no source")
	}
}

func TestBastionLaunch(t *testing.T) {
	stack := decoded(t, bastionPartOf(t, func(r *schema.OrbitRegion) { r.IPv6 = true }))
	data := stack.Resources["LaunchTemplate"].Properties["LaunchTemplateData"].(map[string]any)
	metadata := data["MetadataOptions"].(map[string]any)
	if metadata["HttpTokens"] != "required" || metadata["HttpPutResponseHopLimit"] != 1.0 {
		t.Errorf("metadata options %v", metadata)
	}
	disk := data["BlockDeviceMappings"].([]any)[0].(map[string]any)
	ebs := disk["Ebs"].(map[string]any)
	if disk["DeviceName"] != "/dev/xvda" || ebs["Encrypted"] != true || ebs["VolumeType"] != "gp3" {
		t.Errorf("root volume %v", disk)
	}
	face := data["NetworkInterfaces"].([]any)[0].(map[string]any)
	if face["AssociatePublicIpAddress"] != true || face["Ipv6AddressCount"] != 1.0 || refOf(face["Groups"].([]any)[0]) != "BastionGroup" {
		t.Errorf("network interface %v", face)
	}
}
