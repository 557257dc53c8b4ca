package impact

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/assembly/assemblytest"
	"github.com/pebble/spacel/compiler/diff"
)

// reportOf compares two stacks of the app web.
func reportOf(t *testing.T, old, now string, change ...func(*assembly.Stack)) *Report {
	t.Helper()
	app := append([]func(*assembly.Stack){func(s *assembly.Stack) { s.App = "web" }}, change...)
	before, after := assemblytest.New(t).Stack("test-web", old, app...), assemblytest.New(t).Stack("test-web", now, app...)
	d, err := diff.Compare(before.Assembly(), after.Assembly())
	if err != nil {
		t.Fatal(err)
	}
	r, err := Of(before.Assembly(), after.Assembly(), d)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// said is what a report's findings say: a mark, the resource and the text.
func said(r *Report) string {
	var out []string
	for _, f := range r.Findings() {
		out = append(out, map[Change]string{Added: "+ ", Removed: "- ", Changed: "~ "}[f.Change]+f.Resource+": "+f.Text)
	}
	return strings.Join(out, "\n")
}

// TestFacts holds the words for each kind of fact. The old side is empty but for a resource that stays.
func TestFacts(t *testing.T) {
	for name, c := range map[string]struct{ resources, want string }{
		"a statement with a condition": {
			`"P": {"Type": "AWS::IAM::Policy", "Properties": {"Roles": ["r"], "PolicyDocument": {"Statement": [{"Effect": "Allow",
			"Action": ["b:B", "a:A"], "Resource": {"Fn::GetAtt": ["T", "Arn"]}, "Condition": {"StringEquals": {"aws:x": ["2", "1"]},
			"Bool": {"aws:y": "true"}}}]}}}`,
			"+ P: Allow a:A, b:B on ${T.Arn} when Bool aws:y = true and StringEquals aws:x = 1, 2\n+ P: Roles: r"},
		"everything but": {
			`"P": {"Type": "AWS::S3::BucketPolicy", "Properties": {"PolicyDocument": {"Statement": {"Effect": "Deny", "NotPrincipal":
			{"AWS": "arn:aws:iam::1:root"}, "NotAction": "s3:Get*", "NotResource": "x"}}}}`,
			"+ P: Deny everybody but AWS arn:aws:iam::1:root: all actions but s3:Get* on all resources but x"},
		"a policy as a text put together": {
			`"P": {"Type": "AWS::Logs::ResourcePolicy", "Properties": {"PolicyDocument": {"Fn::Join": ["",
				["{\"Statement\": [{\"Effect\": ",
			"\"Allow\", \"Principal\": \"*\", \"Action\": \"logs:*\", \"Resource\": \"", {"Ref": "T"}, "\"}]}"]]}}}`,
			"+ P: Allow *: logs:* on ${T}"},
		"a statement made by a function": {
			`"P": {"Type": "AWS::SQS::QueuePolicy", "Properties": {"PolicyDocument": {"Statement": [{"Fn::FindInMap": ["a", "b", "c"]}]}}}`,
			`+ P: PolicyDocument: a statement made by a function: FindInMap("a", "b", "c")`},
		"permissions without a document": {
			`"P": {"Type": "AWS::Lambda::Permission", "Properties": {"Action": "lambda:InvokeFunction", "Principal": "*",
			"FunctionName": {"Ref": "F"}}}`, "+ P: Allow *: lambda:InvokeFunction with FunctionName ${F}"},
		"managed policies and boundaries": {
			`"R": {"Type": "AWS::IAM::Role", "Properties": {"ManagedPolicyArns": ["b", "a"], "PermissionsBoundary": "c", "RoleName": "x"}}`,
			"+ R: ManagedPolicyArns: a\n+ R: ManagedPolicyArns: b\n+ R: PermissionsBoundary: c"},
		"the role of a function": {
			`"F": {"Type": "AWS::Lambda::Function", "Properties": {"Role": {"Fn::GetAtt": ["R", "Arn"]}}}`, "+ F: runs with ${R.Arn}"},
		"a balancer and its rules": {
			`"B": {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": {"SecurityGroups": [{"Ref": "BG"}]}},
			"BG": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"SecurityGroupEgress": []}},
			"I": {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": {"GroupId": {"Fn::GetAtt": ["BG", "GroupId"]},
				"IpProtocol": "tcp",
			"FromPort": 443, "ToPort": 443, "CidrIp": "0.0.0.0/0"}}`,
			"+ I: internet → web:443 (load balancer)\n+ B: load balancer facing the internet"},
		"an internal balancer is not on the internet": {
			`"B": {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": {"Scheme": "internal",
				"SecurityGroups": [{"Ref": "BG"}]}},
			"BG": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"SecurityGroupEgress": []}},
			"I": {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": {"GroupId": {"Ref": "BG"}, "IpProtocol": "tcp", "FromPort": 443,
			"ToPort": 443, "CidrIpv6": "::/0"}}`,
			"+ I: any address of the VPC or a network connected to it (::/0) → web:443 (load balancer)"},
		"a database and its client": {
			`"DatabaseMain": {"Type": "AWS::RDS::DBInstance", "Properties": {"StorageEncrypted": true,
				"VPCSecurityGroups": [{"Ref": "DG"}]}},
			"DG": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"SecurityGroupEgress": [],
			"SecurityGroupIngress": {"IpProtocol": "6", "FromPort": 5432, "ToPort": 5432, "SourceSecurityGroupId": {"Ref": "Report"}}}}`,
			"+ DG: report → main:5432 (database)\n+ DatabaseMain: StorageEncrypted: true"},
		"protocols": {
			`"A": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"SecurityGroupEgress": {"IpProtocol": "udp", "FromPort": 53,
				"ToPort": 54,
			"CidrIp": "10.0.0.0/8"}, "SecurityGroupIngress": [{"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1,
			"SourcePrefixListId": "pl-1"}, {"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535, "CidrIp": "192.0.2.1/32"}]}}`,
			"+ A: out: A → 10.0.0.0/8:53-54/udp\n+ A: the prefix list pl-1 → A icmp\n+ A: 192.0.2.1/32 → A all ports of tcp"},
		"the default rule for traffic out": {`"A": {"Type": "AWS::EC2::SecurityGroup"}`, "+ A: out: A → internet all traffic"},
		"a peering": {`"P": {"Type": "AWS::EC2::VPCPeeringConnection", "Properties": {"VpcId": "a", "PeerVpcId": "b", "Tags": []}}`,
			"+ P: VPC peering: PeerVpcId b; VpcId a"},
		"public things": {
			`"D": {"Type": "AWS::RDS::DBInstance", "Properties": {"PubliclyAccessible": "true", "StorageEncrypted": true}},
			"U": {"Type": "AWS::Lambda::Url", "Properties": {"AuthType": "NONE"}},
			"S": {"Type": "AWS::S3::Bucket", "Properties": {"AccessControl": "PublicRead"}}`,
			"+ D: PubliclyAccessible is true\n+ S: bucket: public access blocked by default, ACL PublicRead\n" +
				"+ U: function URL, authentication NONE\n+ D: StorageEncrypted: true"},
		"what is not encrypted": {`"D": {"Type": "AWS::RDS::DBInstance"}, "V": {"Type": "AWS::EC2::Volume"}`,
			"+ D: StorageEncrypted: (none)\n+ V: Encrypted: (none)"},
		"instance metadata without options": {`"L": {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": {}}}`,
			"+ L: LaunchTemplateData.MetadataOptions: (none): the account's and the image's defaults hold"},
		"dynamic references, whole and put together": {
			`"T2": {"Type": "AWS::CloudWatch::Alarm", "Metadata": {"x": "{{resolve:ssm:b}}"},
				"Properties": {"AlarmDescription": {"Fn::Join":
			["", ["x{{res", "olve:secretsmanager:", {"Ref": "S"}, ":SecretString:p}}{{resolve:ssm:a}}"]]},
			"Threshold": {"Fn::Sub": ["{{res${A}", {"A": "olve:ssm:c}}"}]}}}`,
			"+ T2: AlarmDescription uses {{resolve:secretsmanager:${S}:SecretString:p}}\n+ T2: AlarmDescription uses {{resolve:ssm:a}}\n" +
				"+ T2: Metadata.x uses {{resolve:ssm:b}}\n+ T2: Threshold uses {{resolve:ssm:c}}"},
	} {
		t.Run(name, func(t *testing.T) {
			begin := `"Parameters": {"Report": {"Type": "String"}}, "Resources": {"T": {"Type": "AWS::CloudWatch::Dashboard"}`
			r := reportOf(t, begin+`}`, begin+`, `+c.resources+`}`, func(s *assembly.Stack) {
				s.Parameters = map[string]assembly.ValueFrom{
					"Report": {Output: &assembly.Output{Region: "us-east-1", Stack: "test-report", Output: "SecurityGroup",
						Optional: true}}}
			})
			if d := cmp.Diff(sortedLines(c.want), sortedLines(said(r))); d != "" {
				t.Error(d)
			}
		})
	}
}

// sortedLines are lines without their order.
func sortedLines(text string) []string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return lines
}

// TestFactsThroughValues holds that a fact differs when something that it refers to does: a default, a source, a mapping, a condition.
func TestFactsThroughValues(t *testing.T) {
	body := func(sections, principal string) string {
		return sections + `, "Resources": {"P": {"Type": "AWS::SNS::TopicPolicy", "Condition": "C", "Properties": {"PolicyDocument":
			{"Statement": [{"Effect": "Allow", "Principal": ` + principal + `, "Action": "sns:Publish", "Resource": "*"}]}}}}`
	}
	condition := `"Conditions": {"D": {"Fn::Equals": [{"Ref": "AWS::Region"}, "x"]}, "C": {"Fn::Not": [{"Condition": "D"}]}}`
	for name, c := range map[string][2]string{
		"default": {
			body(condition+`, "Parameters": {"W": {"Type": "String", "Default": "1"}}`, `{"Ref": "W"}`),
			body(condition+`, "Parameters": {"W": {"Type": "String", "Default": "2"}}`, `{"Ref": "W"}`)},
		"default in a text": {
			body(condition+`, "Parameters": {"W": {"Type": "String", "Default": "1"}}`, `{"Fn::Sub": "arn:${W}"}`),
			body(condition+`, "Parameters": {"W": {"Type": "String", "Default": "2"}}`, `{"Fn::Sub": "arn:${W}"}`)},
		"mapping": {
			body(condition+`, "Mappings": {"M": {"a": {"b": "1"}}}`, `{"Fn::FindInMap": ["M", "a", "b"]}`),
			body(condition+`, "Mappings": {"M": {"a": {"b": "2"}}}`, `{"Fn::FindInMap": ["M", "a", "b"]}`)},
		"condition of a condition": {body(condition, `"1"`), body(strings.Replace(condition, `"x"`, `"y"`, 1), `"1"`)},
	} {
		t.Run(name, func(t *testing.T) {
			r := reportOf(t, c[0], c[1])
			if len(r.Rights) != 2 || r.Rights[0].Change != Removed || r.Rights[1].Change != Added {
				t.Errorf("got %s", said(r))
			}
		})
	}
}

// TestOrderIsNoChange holds that facts do not depend on the order of lists that have none.
func TestOrderIsNoChange(t *testing.T) {
	policy := func(statements string) string {
		return `"Resources": {"P": {"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": {"Statement": [` + statements + `]}}}}`
	}
	one := `{"Sid": "One", "Effect": "Allow", "Action": ["a:A", "b:B"], "Resource": "*"}`
	other := `{"Effect": "Allow", "Action": ["b:B", "a:A"], "Resource": ["*"]}`
	two := `{"Effect": "Deny", "Action": "c:C", "Resource": "*"}`
	if r := reportOf(t, policy(one+","+two), policy(two+","+other)); len(r.Findings()) != 0 {
		t.Error(said(r))
	}
}

// TestCirclesEnd holds that conditions that name each other, which CloudFormation refuses, are no endless loop.
func TestCirclesEnd(t *testing.T) {
	body := `"Conditions": {"A": {"Fn::Not": [{"Condition": "B"}]}, "B": {"Fn::Not": [{"Condition": "A"}]}}, "Resources": {"T": {"Type":
		"AWS::EC2::EIP", "Condition": "A"`
	if r := reportOf(t, body+`}}`, body+`, "Properties": {"Domain": "vpc"}}}`); len(r.Findings()) != 0 {
		t.Error(said(r))
	}
}

// TestOddTemplates holds that no shape of a value makes the rules fail.
func TestOddTemplates(t *testing.T) {
	for _, properties := range []string{
		`{"PolicyDocument": null}`, `{"PolicyDocument": {"Statement": null}}`, `{"PolicyDocument": {"Statement": [1, "x", null]}}`,
		`{"GroupId": 1, "IpProtocol": {}}`, `{"SecurityGroupIngress": "x"}`, `{"SecurityGroupIngress": [{"Fn::If": ["C", {}, {}]}]}`,
		`{"LaunchTemplateData": []}`, `{"NetworkInterfaces": [1]}`, `{"X": {"Fn::If": [1]}}`, `{"X": {"Fn::Sub": ["a"]}}`,
		`{"X": "{{resolve:"}`, `{"X": "{{resolve:${"}`, `{"X": {"Fn::FindInMap": [1, 2, 3]}}`, `{"X": {"Fn::Sub": "${"}}`,
	} {
		for _, kind := range []string{"AWS::IAM::Role", "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroup",
			"AWS::EC2::LaunchTemplate",
			"AWS::AutoScaling::AutoScalingGroup", "AWS::ElasticLoadBalancingV2::Listener", "AWS::Lambda::Permission", "AWS::EC2::Route"} {
			reportOf(t, `"Resources": {"R": {"Type": "`+kind+`"}}`,
				`"Resources": {"R": {"Type": "`+kind+`", "Properties": `+properties+`}}`)
		}
	}
}
