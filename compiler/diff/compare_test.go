package diff

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/assembly/assemblytest"
	"github.com/pebble/spacel/compiler/template"
)

func compare(t *testing.T, old, now assemblytest.Side) *Diff {
	t.Helper()
	d, err := Compare(old.Assembly(), now.Assembly())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// resources compares two stacks that have nothing but resources.
func resources(t *testing.T, old, now string) *Diff {
	t.Helper()
	return compare(t, assemblytest.New(t).Stack("test-web", `"Resources": {`+old+`}`),
		assemblytest.New(t).Stack("test-web", `"Resources": {`+now+`}`))
}

// outline is a diff on few lines: what a test looks at.
func outline(d *Diff) string {
	var out strings.Builder
	for _, s := range d.Stacks {
		fmt.Fprintf(&out, "%s %s\n", s.Name, s.Status)
		for _, part := range [][]Change{s.Settings, s.Parameters, s.Template, s.Outputs} {
			for _, c := range part {
				fmt.Fprintf(&out, "  %s\n", changeLine(c))
			}
		}
		for _, r := range s.Resources {
			fmt.Fprintf(&out, "  %s %s %s\n", r.ID, r.Status, r.Action)
			for _, c := range append(r.Properties, r.Attributes...) {
				fmt.Fprintf(&out, "    %s\n", changeLine(c))
			}
			if r.Data != nil {
				fmt.Fprintf(&out, "    data: %s\n", r.Data.Policy)
			}
			for _, n := range r.Notes {
				fmt.Fprintf(&out, "    note: %s\n", n)
			}
		}
		for _, n := range s.Notes {
			fmt.Fprintf(&out, "  note: %s\n", n)
		}
	}
	return out.String()
}

func changeLine(c Change) string {
	line := fmt.Sprintf("%s: %s → %s", c.Path, template.Inline(c.Before), template.Inline(c.After))
	if len(c.Lines) > 0 {
		line = c.Path + ":"
	}
	if c.Because != "" {
		line = c.Path + " because " + c.Because
	}
	if c.Action != "" {
		line += " " + string(c.Action)
	}
	for _, l := range c.Lines {
		line += "\n      " + l
	}
	return line
}

func expect(t *testing.T, d *Diff, want string) {
	t.Helper()
	lines := strings.Split(strings.Trim(want, "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(line, "\t\t\t")
	}
	if diff := cmp.Diff(strings.TrimRight(strings.Join(lines, "\n"), "\t\n")+"\n", outline(d)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

const vpc = `"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16", "EnableDnsSupport": true}}`

func TestEqual(t *testing.T) {
	d := resources(t, vpc, vpc)
	if !d.Equal || len(d.Stacks) != 0 {
		t.Errorf("got %s", outline(d))
	}
}

// What CloudFormation would do, by the kind of change.
func TestActions(t *testing.T) {
	subnet := func(properties string) string {
		return `"S": {"Type": "AWS::EC2::Subnet", "Properties": {` + properties + `}}`
	}
	cases := map[string]struct{ old, now, want string }{
		"update in place": {
			subnet(`"CidrBlock": "10.0.0.0/24", "MapPublicIpOnLaunch": false`),
			subnet(`"CidrBlock": "10.0.0.0/24", "MapPublicIpOnLaunch": true`), `
			  S changed update
			    MapPublicIpOnLaunch: false → true update`},
		"replace": {
			subnet(`"CidrBlock": "10.0.0.0/24"`), subnet(`"CidrBlock": "10.0.1.0/24"`), `
			  S changed replace
			    CidrBlock: "10.0.0.0/24" → "10.0.1.0/24" replace`},
		"the worst counts": {
			subnet(`"CidrBlock": "10.0.0.0/24", "MapPublicIpOnLaunch": false`), subnet(`"CidrBlock": "10.0.1.0/24"`), `
			  S changed replace
			    CidrBlock: "10.0.0.0/24" → "10.0.1.0/24" replace
			    MapPublicIpOnLaunch: false → (none) update`},
		"maybe": {
			subnet(`"Ipv6CidrBlock": "2001:db8::/64"`), subnet(`"Ipv6CidrBlock": "2001:db8:1::/64"`), `
			  S changed maybe-replace
			    Ipv6CidrBlock: "2001:db8::/64" → "2001:db8:1::/64" maybe-replace`},
		"nested, with a table entry above": {
			`"C": {"Type": "AWS::CertificateManager::Certificate", "Properties": {"DomainValidationOptions": [{"DomainName": "a", ` +
				`"HostedZoneId": "Z1"}]}}`,
			`"C": {"Type": "AWS::CertificateManager::Certificate", "Properties": {"DomainValidationOptions": [{"DomainName": "a", ` +
				`"HostedZoneId": "Z2"}]}}`, `
			  C changed replace
			    DomainValidationOptions[0].HostedZoneId: "Z1" → "Z2" replace`},
		"create": {vpc, vpc + "," + subnet(`"CidrBlock": "10.0.0.0/24"`), `
			  S added create
			    CidrBlock: (none) → "10.0.0.0/24"`},
		"delete": {vpc + "," + subnet(`"CidrBlock": "10.0.0.0/24"`), vpc, `
			  S removed delete`},
		"another type": {`"S": {"Type": "AWS::SNS::Topic"}`, `"S": {"Type": "AWS::SQS::Queue"}`, `
			  S removed delete
			  S added create
			    note: CloudFormation refuses another type under the same id: rename it, or deploy without it first`},
		"attributes alone": {
			`"S": {"Type": "AWS::SNS::Topic"}`, `"S": {"Type": "AWS::SNS::Topic", "DeletionPolicy": "Retain", "DependsOn": ["A"]}`, `
			  S changed none
			    DeletionPolicy: (none) → "Retain"
			    DependsOn: (none) → ["A"]`},
		"its condition": {
			`"S": {"Type": "AWS::SNS::Topic"}`, `"S": {"Type": "AWS::SNS::Topic", "Condition": "C"}`, `
			  S changed maybe-replace
			    Condition: (none) → "C"
			    note: may be created or deleted: its Condition changes`},
		"an unknown type": {
			`"S": {"Type": "Custom::Thing", "Properties": {"A": 1}}`, `"S": {"Type": "Custom::Thing", "Properties": {"A": 2}}`, `
			  S changed maybe-replace
			    A: 1 → 2 maybe-replace
			    note: which of its properties can change in place is not known offline`},
		"a name of its own": {
			`"S": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupName": "users", "GroupDescription": "a"}}`,
			`"S": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupName": "users", "GroupDescription": "b"}}`, `
			  S changed replace
			    GroupDescription: "a" → "b" replace
			    note: CloudFormation cannot replace a resource with an explicit name: change GroupName, too`},
		"a new name of its own": {
			`"S": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupName": "users", "GroupDescription": "a"}}`,
			`"S": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupName": "people", "GroupDescription": "b"}}`, `
			  S changed replace
			    GroupDescription: "a" → "b" replace
			    GroupName: "users" → "people" replace`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			expect(t, resources(t, c.old, c.now), "test-web changed\n"+strings.TrimLeft(c.want, "\n"))
		})
	}
}

// What follows from a replacement: its id changes, which changes what refers to it.
func TestKnockOn(t *testing.T) {
	chain := func(cidr string) string {
		return `"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "` + cidr + `"}},
			"Subnet": {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/24"}},
			"Group": {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": {"MinSize": "1",` +
			` "VPCZoneIdentifier": [{"Ref": "Subnet"}]},
				"UpdatePolicy": {"AutoScalingRollingUpdate": {"MinInstancesInService": 1}}},
			"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "t"}}`
	}
	d := resources(t, chain("10.0.0.0/16"), chain("10.1.0.0/16"))
	expect(t, d, `
			test-web changed
			  Group affected update
			    VPCZoneIdentifier[0] because Subnet is replaced update
			    note: its instances are replaced in turn, as its UpdatePolicy says
			  Subnet affected replace
			    VpcId because Vpc is replaced replace
			  Vpc changed replace
			    CidrBlock: "10.0.0.0/16" → "10.1.0.0/16" replace`)
}

// A reference may hide in any function; what is not certain stays a maybe.
func TestKnockOnThroughFunctions(t *testing.T) {
	for _, reference := range []string{
		`{"Fn::GetAtt": ["Vpc", "VpcId"]}`, `{"Fn::GetAtt": "Vpc.VpcId"}`, `{"Fn::Sub": "${Vpc}"}`, `{"Fn::Sub": "${Vpc.VpcId}"}`,
		`{"Fn::Sub": ["${x}", {"x": {"Ref": "Vpc"}}]}`, `{"Fn::Join": ["", ["a", {"Ref": "Vpc"}]]}`,
		`{"Fn::Select": [0, [{"Ref": "Vpc"}]]}`,
		`{"Fn::If": ["C", {"Ref": "Vpc"}, "x"]}`, `{"Fn::Base64": {"Ref": "Vpc"}}`,
	} {
		with := func(cidr string) string {
			return `"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {` + cidr +
				`}}, "S": {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": ` + reference + `}}`
		}
		expect(t, resources(t, with(`"CidrBlock": "10.0.0.0/16"`), with(`"CidrBlock": "10.1.0.0/16"`)), `
			test-web changed
			  S affected replace
			    VpcId because Vpc is replaced replace
			  Vpc changed replace
			    CidrBlock: "10.0.0.0/16" → "10.1.0.0/16" replace`)
	}
	literal := func(cidr string) string {
		return `"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "` + cidr +
			`"}}, "S": {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Fn::Sub": ["${!Vpc} ${Vpc}", {"Vpc": "x"}]}}}`
	}
	if d := resources(t, literal("10.0.0.0/16"), literal("10.1.0.0/16")); len(d.Stacks[0].Resources) != 1 {
		t.Errorf("a literal ${!Vpc} or a local ${Vpc} was taken for a reference: %s", outline(d))
	}
}

func TestMaybeStaysMaybe(t *testing.T) {
	with := func(v string) string {
		return `"Thing": {"Type": "Custom::Thing", "Properties": {"A": ` + v + `}},
			"S": {"Type": "AWS::EC2::Subnet", "Properties": {"CidrBlock": {"Fn::GetAtt": ["Thing", "Cidr"]}}},
			"T": {"Type": "AWS::EC2::Subnet", "Properties": {"Tags": [{"Key": "a", "Value": {"Ref": "Thing"}}]}}`
	}
	expect(t, resources(t, with("1"), with("2")), `
			test-web changed
			  S affected maybe-replace
			    CidrBlock because Thing may be replaced maybe-replace
			  T affected update
			    Tags[0].Value because Thing may be replaced update
			  Thing changed maybe-replace
			    A: 1 → 2 maybe-replace
			    note: which of its properties can change in place is not known offline`)
}

// A new launch template version reaches the group through the version's number, and what the group's policy is to do.
func TestNewLaunchTemplateVersion(t *testing.T) {
	group := func(kind, policy string) string {
		return `"Lt": {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": {"InstanceType": "` + kind + `"}}},
			"Asg": {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": {"MinSize": "1", "LaunchTemplate": {
				"LaunchTemplateId": {"Ref": "Lt"}, "Version": {"Fn::GetAtt": ["Lt", "LatestVersionNumber"]}}}` + policy + `}`
	}
	for policy, want := range map[string]string{
		``: `
			  Asg affected update
			    LaunchTemplate.Version because Lt is updated update
			    note: running instances stay as they are: it has no UpdatePolicy`,
		`, "UpdatePolicy": {"AutoScalingRollingUpdate": {"PauseTime": "PT5M"}}`: `
			  Asg affected update
			    LaunchTemplate.Version because Lt is updated update
			    note: its instances are replaced in turn, as its UpdatePolicy says`,
		`, "UpdatePolicy": {"AutoScalingReplacingUpdate": {"WillReplace": true}}`: `
			  Asg affected replace
			    LaunchTemplate.Version because Lt is updated replace
			    note: a new group with new instances takes over, as its UpdatePolicy says`,
	} {
		expect(t, resources(t, group("t3.nano", policy), group("t3.micro", policy)), "test-web changed"+want+`
			  Lt changed update
			    LaunchTemplateData.InstanceType: "t3.nano" → "t3.micro" update`)
	}
}

func TestDataPolicies(t *testing.T) {
	table := func(id, policies string) string {
		return `"T": {"Type": "AWS::DynamoDB::Table", "Properties": {"KeySchema": "` + id + `"}` + policies + `}`
	}
	for policies, want := range map[string][2]string{
		``:                             {"Delete", "Delete"},
		`, "DeletionPolicy": "Retain"`: {"Delete", "Retain"},
		`, "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Snapshot"`: {"Snapshot", "Retain"},
		`, "DeletionPolicy": "RetainExceptOnCreate"`:                      {"Delete", "RetainExceptOnCreate"},
	} {
		replaced := resources(t, table("a", policies), table("b", policies)).Stacks[0].Resources[0]
		if replaced.Data == nil || replaced.Data.Policy != want[0] {
			t.Errorf("%s: replaced: %+v", policies, replaced.Data)
		}
		deleted := resources(t, vpc+","+table("a", policies), vpc).Stacks[0].Resources[0]
		if deleted.Data == nil || deleted.Data.Policy != want[1] {
			t.Errorf("%s: deleted: %+v", policies, deleted.Data)
		}
	}
	database := resources(t, vpc+`, "D": {"Type": "AWS::RDS::DBInstance"}`, vpc).Stacks[0].Resources[0]
	if database.Data.Policy != "Snapshot" {
		t.Errorf("a database without a DeletionPolicy: %+v", database.Data)
	}
	updated := resources(t, `"T": {"Type": "AWS::DynamoDB::Table", "Properties": {"A": 1}}`,
		`"T": {"Type": "AWS::DynamoDB::Table", "Properties": {"A": 2}}`)
	if r := updated.Stacks[0].Resources[0]; r.Data != nil || r.Action != Update {
		t.Errorf("an update loses no data: %+v", r)
	}
}

// Lists: tags by their key, other items aligned, so that one more at the front is one difference.
func TestLists(t *testing.T) {
	with := func(tags, groups string) string {
		return `"I": {"Type": "AWS::EC2::NatGateway", "Properties": {"Tags": ` + tags + `, "SecondaryAllocationIds": ` + groups + `}}`
	}
	expect(t, resources(t,
		with(`[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]`, `["x", "y", "z"]`),
		with(`[{"Key": "c", "Value": "3"}, {"Key": "b", "Value": "4"}, {"Key": "a", "Value": "1"}]`, `["w", "x", "z", {"Ref": "V"}]`)), `
			test-web changed
			  I changed update
			    SecondaryAllocationIds[0]: (none) → "w" update
			    SecondaryAllocationIds[1]: "y" → (none) update
			    SecondaryAllocationIds[3]: (none) → ${V} update
			    Tags[b].Value: "2" → "4" update
			    Tags[c]: (none) → {"Key":"c","Value":"3"} update`)
	order := resources(t, with(`[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]`, `[]`),
		with(`[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "1"}]`, `[]`))
	expect(t, order, `
			test-web changed
			  note: only the order or layout of the template differs`)
	if order.Equal {
		t.Error("another order is a difference")
	}
}

// Long texts are compared line by line, with references as people read them.
func TestTexts(t *testing.T) {
	data := func(line string) string {
		return `"L": {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": {"UserData": {"Fn::Base64": {"Fn::Join": ` +
			`["", [
			"#cloud-config\n", "a: 1\n", "stack: ", {"Ref": "AWS::StackId"}, "\n", "b: 2\n", "c: 3\n", "` + line +
			`\n", "e: 5\n", "f: ", {"Fn::GetAtt": ["Db", "Port"]}, "\n"]]}}}}}`
	}
	expect(t, resources(t, data("d: 4"), data("d: 40")), `
			test-web changed
			  L changed update
			    LaunchTemplateData.UserData: update
			      @@ -3,6 +3,6 @@
			       stack: ${AWS::StackId}
			       b: 2
			       c: 3
			      -d: 4
			      +d: 40
			       e: 5
			       f: ${Db.Port}`)
	if got := resources(t, data("d: 4"), data("d: 40")).Stacks[0].Resources[0].Properties[0]; got.Before == nil || got.After == nil {
		t.Error("JSON lacks the values themselves")
	}
}

func TestStacksComeAndGo(t *testing.T) {
	table := `"Resources": {"T": {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "Retain"}}`
	d := compare(t, assemblytest.New(t).Stack("test-old", table), assemblytest.New(t).Stack("test-new", table))
	expect(t, d, `
			test-new added
			  T added create
			test-old removed
			  T removed delete
			    data: Retain
			  note: deploy does not delete a stack that is missing from the directory; deleting it would do this`)
	if d.Summary.Stacks[Added] != 1 || d.Summary.Stacks[Removed] != 1 || d.Summary.Resources[Create] != 1 ||
		d.Summary.Resources[Delete] != 1 {
		t.Errorf("%+v", d.Summary)
	}
}

func TestSettings(t *testing.T) {
	text := func(s string) *string { return &s }
	body := `"Parameters": {"P": {"Type": "String"}}, "Resources": {` + vpc + `}`
	old := assemblytest.New(t).Stack("test-web", body, func(s *assembly.Stack) {
		s.Tags = map[string]string{"team": "a", "env": "x"}
		s.Parameters = map[string]assembly.ValueFrom{"P": {Literal: text("1")}}
	})
	now := assemblytest.New(t).Stack("test-web", body, func(s *assembly.Stack) {
		s.Tags = map[string]string{"team": "b"}
		s.TerminationProtection = true
		s.Capabilities = []string{"CAPABILITY_IAM"}
		s.DependsOn = []assembly.StackRef{{Region: "us-east-1", Name: "test-vpc"}}
		s.Parameters = map[string]assembly.ValueFrom{"P": {Output: &assembly.Output{Region: "us-east-1", Stack: "test-vpc",
			Output: "VpcId"}}}
	})
	expect(t, compare(t, old, now), `
			test-web changed
			  capabilities[0]: (none) → "CAPABILITY_IAM"
			  dependsOn[0]: (none) → "us-east-1/test-vpc"
			  tags.env: "x" → (none)
			  tags.team: "a" → "b"
			  terminationProtection: false → true
			  P.source.literal: "1" → (none)
			  P.source.output: (none) → {"output":"VpcId","region":"us-east-1","stack":"test-vpc"}
			  note: CloudFormation passes the stack's tags on to every resource that takes tags`)
}

// A parameter whose source changes changes what refers to it. What deploy keeps until told otherwise is a maybe.
func TestParameterSources(t *testing.T) {
	body := `"Parameters": {"P": {"Type": "String"}}, "Resources": {"S": {"Type": "AWS::EC2::Subnet", "Properties": {"CidrBlock": ` +
		`{"Ref": "P"}}}}`
	with := func(source assembly.ValueFrom) assemblytest.Side {
		return assemblytest.New(t).Stack("test-web", body, func(s *assembly.Stack) {
			s.Parameters = map[string]assembly.ValueFrom{"P": source}
		})
	}
	literal := func(s string) assembly.ValueFrom { return assembly.ValueFrom{Literal: &s} }
	expect(t, compare(t, with(literal("a")), with(literal("b"))), `
			test-web changed
			  P.source.literal: "a" → "b"
			  S affected replace
			    CidrBlock because parameter P replace`)
	image := func(debian string) assembly.ValueFrom {
		return assembly.ValueFrom{Image: &assembly.Image{Debian: debian, Architecture: "arm64"}}
	}
	expect(t, compare(t, with(image("12")), with(image("13"))), `
			test-web changed
			  P.source.image.debian: "12" → "13"
			  S affected maybe-replace
			    CidrBlock because parameter P maybe-replace`)
}

// A change travels through outputs into stacks that are the same on both sides, and on from there.
func TestAcrossStacks(t *testing.T) {
	from := func(stack string, optional bool) func(*assembly.Stack) {
		return func(s *assembly.Stack) {
			s.Parameters = map[string]assembly.ValueFrom{"In": {Output: &assembly.Output{Region: "us-east-1", Stack: stack, Output: "Out",
				Optional: optional}}}
		}
	}
	network := func(cidr string) string {
		return `"Resources": {"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "` + cidr +
			`"}}}, "Outputs": {"Out": {"Value": {"Ref": "Vpc"}}, "Fixed": {"Value": "1"}}`
	}
	const middle = `"Parameters": {"In": {"Type": "String"}},
		"Resources": {"S": {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "In"}}}},` +
		` "Outputs": {"Out": {"Value": {"Ref": "S"}}}`
	const last = `"Parameters": {"In": {"Type": "String"}}, "Resources": {"N": {"Type": "AWS::EC2::NatGateway", "Properties": ` +
		`{"SubnetId": {"Ref": "In"}}}}`
	const apart = `"Parameters": {"In": {"Type": "String"}}, "Resources": {"V": {"Type": "AWS::EC2::VPC"}}`
	build := func(cidr string) assemblytest.Side {
		return assemblytest.New(t).Stack("z-vpc", network(cidr)).Stack("m-app", middle, from("z-vpc", false)).Stack("a-app", last,
			from("m-app", false)).
			Stack("b-app", apart, from("z-vpc", false))
	}
	expect(t, compare(t, build("10.0.0.0/16"), build("10.1.0.0/16")), `
			a-app affected
			  In because output Out of us-east-1/m-app, where S is replaced
			  N affected replace
			    SubnetId because output Out of us-east-1/m-app, where S is replaced replace
			m-app affected
			  In because output Out of us-east-1/z-vpc, where Vpc is replaced
			  S affected replace
			    VpcId because output Out of us-east-1/z-vpc, where Vpc is replaced replace
			z-vpc changed
			  Vpc changed replace
			    CidrBlock: "10.0.0.0/16" → "10.1.0.0/16" replace`)

	alone := assemblytest.New(t).Stack("m-app", middle, from("z-vpc", true))
	both := assemblytest.New(t).Stack("m-app", middle, from("z-vpc", true)).Stack("z-vpc", network("10.0.0.0/16"))
	expect(t, compare(t, alone, both), `
			m-app affected
			  In because output Out of us-east-1/z-vpc, which is added
			  S affected maybe-replace
			    VpcId because output Out of us-east-1/z-vpc, which is added maybe-replace
			z-vpc added
			  Vpc added create`)
}

// Two stacks that take from each other end.
func TestMutualOutputs(t *testing.T) {
	body := func(cidr string) string {
		return `"Parameters": {"In": {"Type": "String"}}, "Resources": {"V": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "` +
			cidr + `"}},
			"S": {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "V"}, "CidrBlock": {"Ref": "In"}}}},` +
			` "Outputs": {"Out": {"Value": {"Ref": "S"}}}`
	}
	from := func(stack string) func(*assembly.Stack) {
		return func(s *assembly.Stack) {
			s.Parameters = map[string]assembly.ValueFrom{"In": {Output: &assembly.Output{Region: "us-east-1", Stack: stack, Output: "Out",
				Optional: true}}}
		}
	}
	build := func(cidr string) assemblytest.Side {
		return assemblytest.New(t).Stack("left", body(cidr), from("right")).Stack("right", body("10.9.0.0/16"), from("left"))
	}
	d := compare(t, build("10.0.0.0/16"), build("10.1.0.0/16"))
	if len(d.Stacks) != 2 || d.Stacks[1].Resources[0].Action != Replace {
		t.Errorf("got %s", outline(d))
	}
}

func TestConditions(t *testing.T) {
	body := func(text string) string {
		return `"Parameters": {"P": {"Type": "String"}}, "Conditions": {"A": {"Fn::Equals": [{"Ref": "P"}, "` + text +
			`"]}, "B": {"Fn::Not": [{"Condition": "A"}]}},
			"Resources": {"R": {"Type": "AWS::SNS::Topic", "Condition": "B"}, "S": {"Type": "AWS::EC2::Subnet",` +
			` "Properties": {"CidrBlock": {"Fn::If": ["A", "x", "y"]}}}}`
	}
	expect(t, compare(t, assemblytest.New(t).Stack("test-web", body("1")), assemblytest.New(t).Stack("test-web", body("2"))), `
			test-web changed
			  Conditions.A: Equals(${P}, "1") → Equals(${P}, "2")
			  R affected maybe-replace
			    note: may be created or deleted: its Condition B changes with condition A
			  S affected maybe-replace
			    CidrBlock because condition A maybe-replace`)
}

func TestAssets(t *testing.T) {
	body := `"Parameters": {"Key": {"Type": "String"}, "Bucket": {"Type": "String"}}, "Resources": {` + vpc + `}`
	with := func(document string) assemblytest.Side {
		s := assemblytest.New(t)
		digest := s.Asset(document)
		return s.Stack("test-web", body, func(e *assembly.Stack) {
			e.Parameters = map[string]assembly.ValueFrom{
				"Key":    {Asset: &assembly.AssetPart{Digest: digest, Part: "key"}},
				"Bucket": {Asset: &assembly.AssetPart{Digest: digest, Part: "bucket"}},
			}
		})
	}
	d := compare(t, with(`{"a":1,"b":2}`), with(`{"a":1,"b":3}`))
	if len(d.Assets.Added) != 1 || len(d.Assets.Removed) != 1 {
		t.Errorf("%+v", d.Assets)
	}
	want := []string{"@@ -1,4 +1,4 @@", " {", `   "a": 1,`, `-  "b": 2`, `+  "b": 3`, " }"}
	if diff := cmp.Diff(want, d.Stacks[0].Parameters[1].Lines); diff != "" {
		t.Error(diff)
	}
	if d.Stacks[0].Parameters[0].Lines != nil {
		t.Error("the bucket's parameter shows the document too")
	}
}

func TestTwoOrbits(t *testing.T) {
	d := compare(t, assemblytest.New(t), assemblytest.Orbit(t, "other"))
	if d.Equal || d.Orbit == nil {
		t.Errorf("%+v", d)
	}
}

func TestFrom(t *testing.T) {
	old := assemblytest.New(t).Stack("test-web", `"Resources": {"A": {"Type": "AWS::SNS::Topic"}}`)
	now := assemblytest.New(t).Stack("test-api", `"Resources": {"A": {"Type": "AWS::SNS::Topic"}}`)
	d := compare(t, old, now)
	if got := d.Stacks[0].Resources[0].From + " " + d.Stacks[1].Resources[0].From; got != "test-api.json:1:2 test-web.json:1:2" {
		t.Errorf("got %s", got)
	}
}
