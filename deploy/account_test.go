package deploy

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/pebble/spacel/compiler/assembly"
)

// accountServer answers the calls that ask for the state of an account. The answers are those of EC2, IAM, KMS and Service Quotas, by
// operation; without one the caller may not ask.
func accountServer(t *testing.T, answers map[string]string) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		target := r.Header.Get("X-Amz-Target")
		operation := target[strings.LastIndex(target, ".")+1:] + form.Get("Action")
		answer, ok := answers[operation]
		switch {
		case !ok && target != "":
			w.WriteHeader(http.StatusBadRequest)
			answer = `{"__type": "AccessDeniedException", "message": "no"}`
		case !ok:
			w.WriteHeader(http.StatusForbidden)
			answer = `<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>`
		case strings.Contains(answer, "<Code>"):
			w.WriteHeader(http.StatusNotFound)
		}
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

const accountTemplate = `{"Parameters": {"Image": {"Type": "String"}}, "Resources": {
  "Address": {"Type": "AWS::EC2::EIP"}, "Vpc": {"Type": "AWS::EC2::VPC"},
  "Main": {"Type": "AWS::RDS::DBInstance", "Properties": {"Engine": "postgres"}},
  "Lt": {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": {"ImageId": {"Ref": "Image"}, "InstanceType": "t3.nano",
    "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8}}]}}},
  "Asg": {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": {"MinSize": "2", "MaxSize": "4"}}}}`

func ofImage(ami string) built {
	return testStack(east, "test-web", accountTemplate, func(s *assembly.Stack) {
		s.Parameters["Image"] = assembly.ValueFrom{Image: &assembly.Image{AMI: ami, Architecture: "amd64"}}
	})
}

const quotaOf5 = `{"Quota": {"Value": 5}}`

func image(size int) string {
	return fmt.Sprintf(`<DescribeImagesResponse><imagesSet><item><imageId>ami-0123456789abcdef0</imageId>`+
		`<imageState>available</imageState>`+
		`<architecture>x86_64</architecture><rootDeviceType>ebs</rootDeviceType><rootDeviceName>/dev/xvda</rootDeviceName>`+
		`<blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs><volumeSize>%d</volumeSize></ebs></item></blockDeviceMapping>`+
		`</item></imagesSet></DescribeImagesResponse>`, size)
}

// fullAccount is a fresh account with little room.
func fullAccount() map[string]string {
	return map[string]string{
		"DescribeImages":  image(8),
		"GetServiceQuota": quotaOf5,
		"DescribeAddresses": `<DescribeAddressesResponse><addressesSet>` +
			strings.Repeat(`<item><publicIp>203.0.113.1</publicIp></item>`, 5) +
			`</addressesSet></DescribeAddressesResponse>`,
		"DescribeVpcs": `<DescribeVpcsResponse><vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet></DescribeVpcsResponse>`,
		"DescribeInstances": `<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>i-1</instanceId>` +
			`<instanceType>m5.large</instanceType><cpuOptions><coreCount>1</coreCount>` +
			`<threadsPerCore>2</threadsPerCore></cpuOptions></item>` +
			`</instancesSet></item></reservationSet></DescribeInstancesResponse>`,
		"DescribeInstanceTypes": `<DescribeInstanceTypesResponse><instanceTypeSet><item><instanceType>t3.nano</instanceType>` +
			`<vCpuInfo><defaultVCpus>2</defaultVCpus></vCpuInfo></item></instanceTypeSet></DescribeInstanceTypesResponse>`,
		"GetRole": `<ErrorResponse><Error><Code>NoSuchEntity</Code><Message>no</Message></Error></ErrorResponse>`,
		"GetEbsDefaultKmsKeyId": `<GetEbsDefaultKmsKeyIdResponse><kmsKeyId>arn:aws:kms:us-east-1:123456789012:key/k</kmsKeyId>` +
			`</GetEbsDefaultKmsKeyIdResponse>`,
		"DescribeKey":  `{"KeyMetadata": {"KeyId": "k", "KeyManager": "CUSTOMER"}}`,
		"GetKeyPolicy": `{"Policy": "{\"Statement\": []}"}`,
	}
}

// What a fresh or full account lacks is said in the plan, and only that.
func TestAccountWarnings(t *testing.T) {
	allows := `{"Policy": "{\"Statement\": [{\"Principal\": {\"AWS\": \"arn:aws:iam::1:role/aws-service-role/autoscaling.amazonaws.com/` +
		`AWSServiceRoleForAutoScaling\"}}]}"}`
	all := []string{"role AWSServiceRoleForAutoScaling yet", "role AWSServiceRoleForRDS yet",
		"us-east-1: this needs 1 elastic addresses, and 5 of 5 are in use", "us-east-1: this needs 4 vCPUs of standard instances, and 2 " +
			"of 5",
		"us-east-1: the default key of EBS volumes is a key of your own, arn:aws:kms:us-east-1:123456789012:key/k"}
	for name, c := range map[string]struct {
		change map[string]string // of an answer; "" forbids it
		want   []string
	}{
		"everything":  {nil, all},
		"no rights":   {map[string]string{"GetServiceQuota": "", "GetRole": "", "GetEbsDefaultKmsKeyId": ""}, nil},
		"AWS's key":   {map[string]string{"DescribeKey": `{"KeyMetadata": {"KeyId": "k", "KeyManager": "AWS"}}`}, all[:4]},
		"a right key": {map[string]string{"GetKeyPolicy": allows}, all[:4]},
		"the roles": {map[string]string{"GetRole": `<GetRoleResponse><GetRoleResult><Role><RoleName>x</RoleName><RoleId>A</RoleId>` +
			`<Path>/</Path><Arn>a</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate></Role></GetRoleResult></GetRoleResponse>`}, all[2:]},
		"room": {map[string]string{"GetServiceQuota": `{"Quota": {"Value": 6}}`}, []string{all[0], all[1], all[4]}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newEnv(t)
			answers := fullAccount()
			for operation, answer := range c.change {
				answers[operation] = answer
				if answer == "" {
					delete(answers, operation)
				}
			}
			b.cf.Forward(accountServer(t, answers))
			got := b.prepared(ofImage("ami-0123456789abcdef0")).Plan.Warnings
			if len(got) != len(c.want) {
				t.Fatalf("got %d warnings: %s", len(got), strings.Join(got, "\n"))
			}
			b.says(strings.Join(got, "\n"), c.want...)
		})
	}
}

// A stack that adds nothing asks nothing.
func TestNoAccountWarnings(t *testing.T) {
	b := newEnv(t)
	b.cf.Forward(accountServer(t, fullAccount()))
	b.deploy(testStack(east, "test-web", topics("A")))
	if got := b.prepared(testStack(east, "test-web", topics("A", "B"))).Plan.Warnings; len(got) > 0 {
		t.Errorf("got %v", got)
	}
	for call := range b.cf.Calls() {
		if strings.HasPrefix(call, "iam:") || strings.HasPrefix(call, "servicequotas:") || strings.HasPrefix(call, "ec2:") {
			t.Errorf("asked %s", call)
		}
	}
}

// An image that needs a larger root volume is refused before anything starts.
func TestImageLargerThanRootVolume(t *testing.T) {
	b := newEnv(t)
	answers := fullAccount()
	answers["DescribeImages"] = image(30)
	b.cf.Forward(accountServer(t, answers))
	_, err := b.prepare(ofImage("ami-0123456789abcdef0"))
	if err == nil {
		t.Fatal("it is planned")
	}
	b.says(err.Error(), "us-east-1/test-web: test-web.cue:3:2: the root volume has 8 GiB, and the image ami-0123456789abcdef0 (ami: "+
		"ami-0123456789abcdef0) needs 30",
		"write root_volume: {size: 30}")
}

// cdn is a group with rules for a prefix list on some ports.
func cdn(ports ...int) built {
	var rules []string
	for _, port := range ports {
		rules = append(rules, fmt.Sprintf(`"Rule%d": {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": {"GroupId": `+
			`{"Fn::GetAtt": ["BalancerSg", "GroupId"]}, "IpProtocol": "tcp", "FromPort": %d, "ToPort": %d, "SourcePrefixListId": `+
			`"pl-3b927c52"}}`,
			port, port, port))
	}
	return testStack(east, "test-web", `{"Resources": {"BalancerSg": {"Type": "AWS::EC2::SecurityGroup"}, `+strings.Join(rules, ", ")+`}}`)
}

// A prefix list counts as its maximum number of entries, or as the weight of AWS's own.
func TestWeightOfPrefixLists(t *testing.T) {
	list := func(name, most string) map[string]string {
		return map[string]string{"DescribeManagedPrefixLists": `<DescribeManagedPrefixListsResponse><prefixListSet><item>` +
			`<prefixListId>pl-3b927c52</prefixListId><prefixListName>` + name + `</prefixListName>` + most + `</item></prefixListSet>` +
			`</DescribeManagedPrefixListsResponse>`}
	}
	cloudfront := list("com.amazonaws.global.cloudfront.origin-facing", "")
	own := list("offices", "<maxEntries>31</maxEntries>")
	for _, c := range []struct {
		name    string
		answers map[string]string
		quota   string
		ports   []int
		want    string
	}{
		{"CloudFront on one port", cloudfront, "", []int{443}, ""},
		{"CloudFront on two ports", cloudfront, "", []int{80, 443},
			"the security group BalancerSg has rules that count as 110, and AWS allows 60: pl-3b927c52 counts as 55"},
		{"a raised quota", cloudfront, `{"Quota": {"Value": 120}}`, []int{80, 443}, ""},
		{"one's own, by its maximum", own, "", []int{80, 443}, "count as 62, and AWS allows 60: pl-3b927c52 counts as 31"},
		{"no rights", map[string]string{}, "", []int{80, 443}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newEnv(t)
			if c.quota != "" {
				c.answers = map[string]string{"GetServiceQuota": c.quota,
					"DescribeManagedPrefixLists": c.answers["DescribeManagedPrefixLists"]}
			}
			b.cf.Forward(accountServer(t, c.answers))
			got := strings.Join(b.prepared(cdn(c.ports...)).Plan.Warnings, "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("got %q", got)
			}
		})
	}
}
