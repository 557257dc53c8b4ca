package compiler

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/content"
	"github.com/pebble/spacel/schema/units"
)

// policy are the statements of a policy in the template.
func (v *stackView) policy(id string) []statement {
	v.t.Helper()
	var document struct{ Statement []statement }
	if err := json.Unmarshal([]byte(v.property(id, "PolicyDocument")), &document); err != nil {
		v.t.Fatal(err)
	}
	return document.Statement
}

// allowed is the one statement that allows an action.
func (v *stackView) allowed(action string) *statement {
	v.t.Helper()
	for _, s := range v.policy("AgentPolicy") {
		if slices.Contains(s.Action, action) {
			return &s
		}
	}
	return nil
}

func (s *statement) on(t *testing.T, resources ...string) {
	t.Helper()
	if s == nil {
		t.Error("not allowed at all")
		return
	}
	var got []string
	for _, r := range s.Resource {
		body, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(body))
	}
	same(t, strings.Join(s.Action, ", "), got, resources...)
}

func everything() appChange {
	return func(app *schema.AppRegion) {
		app.InstanceAvailability, app.ElasticIPs = schema.InternetFacing, true
		app.Services = []units.Service{{Name: "web.service", Image: "web",
			Environment: []content.Variable{{Name: "KEY", Payload: secret("us-east-1")}}}}
		app.Permissions = []schema.Permission{{Effect: "Allow", Actions: []string{"s3:GetObject"},
			Resources: []string{"arn:aws:s3:::shop/*"}}}
	}
}

func secret(region string) *content.Payload {
	return &content.Payload{Version: 1, IV: "aXY=", Key: "a2V5", Ciphertext: "dGV4dA==", KeyRegion: region, Encoding: "utf-8"}
}

func TestAgentPolicy(t *testing.T) {
	v := lower(t, everything())
	v.allowed("cloudformation:SignalResource").on(t, `{"Ref":"AWS::StackId"}`)
	v.allowed("logs:PutLogEvents").on(t, `{"Fn::Sub":"`+own("logs")+`log-group:test-boot:log-stream:web/*"}`)
	v.allowed("dynamodb:BatchGetItem").on(t, `{"Fn::Sub":"`+own("dynamodb")+`table/test-users"}`)
	v.allowed("s3:GetObject").on(t, `{"Fn::Sub":"arn:${AWS::Partition}:s3:::${AgentBucket}/${AgentKeyAmd64}"}`)
	v.allowed("elasticloadbalancing:DescribeTargetHealth").on(t, `"*"`)
	v.allowed("kms:Decrypt").on(t, `{"Fn::Sub":"arn:${AWS::Partition}:kms:us-east-1:${AWS::AccountId}:key/*"}`)
	v.allowed("ec2:AssociateAddress").on(t,
		`{"Fn::Sub":"arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:elastic-ip/${ElasticIp01.AllocationId}"}`,
		`{"Fn::Sub":"arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:elastic-ip/${ElasticIp02.AllocationId}"}`)

	if got := v.allowed("kms:Decrypt").Condition["ForAnyValue:StringEquals"]["kms:ResourceAliases"]; got != "alias/test-web" {
		t.Errorf("kms: %v", got)
	}
	services := v.policy("AgentPolicy")[slices.IndexFunc(v.policy("AgentPolicy"), limitedToKeys)]
	services.on(t, `{"Fn::Sub":"arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/test-services"}`)
	keys, _ := services.Condition["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"].([]any)
	if !slices.Equal(services.Action, []string{"dynamodb:BatchGetItem"}) || !slices.Equal(keys, []any{"web", "SPACE_ELEVATOR_OPERATORS"}) {
		t.Errorf("services: %+v", services)
	}
}

func limitedToKeys(s statement) bool {
	return s.Condition["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"] != nil
}

// An instance may write one tag, of itself: the user id of its role's session ends with its own id.
func TestInstancesTagOnlyThemselves(t *testing.T) {
	s := lower(t, everything()).allowed("ec2:CreateTags")
	s.on(t, `{"Fn::Sub":"arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:instance/*"}`)
	if s.Condition["StringLike"]["aws:userid"] != "*:${ec2:InstanceID}" ||
		s.Condition["ForAllValues:StringEquals"]["aws:TagKeys"] != "spacel:ssh-host-key" || len(s.Action) != 1 {
		t.Errorf("got %+v", s)
	}
}

// TestRightsOnlyWhenNeeded wants a plain app to have none of the rights that its parts ask for.
func TestRightsOnlyWhenNeeded(t *testing.T) {
	v := lower(t, availability(schema.Disabled, schema.InternetFacing, false))
	for _, action := range []string{"kms:Decrypt", "ec2:AssociateAddress", "elasticloadbalancing:DescribeTargetHealth",
		"ec2:DescribeInstances"} {
		if v.allowed(action) != nil {
			t.Errorf("%s is allowed", action)
		}
	}
	same(t, "policies", v.resources("AWS::IAM::Policy", ""), "AgentPolicy")
}

// TestAppStarsAreExplained allows * only where AWS knows no resource.
func TestAppStarsAreExplained(t *testing.T) {
	without := []string{"elasticloadbalancing:DescribeTargetHealth", "ec2:DescribeAddresses", "ec2:DescribeInstances"}
	for _, s := range lower(t, everything()).policy("AgentPolicy") {
		for _, action := range s.Action {
			if strings.Contains(action, "*") {
				t.Errorf("action %s", action)
			}
			if slices.Contains(s.Resource, any("*")) && !slices.Contains(without, action) {
				t.Errorf("%s on every resource", action)
			}
		}
	}
}

func TestDecryptionKnowsTheRegionsOfKeys(t *testing.T) {
	v := lower(t, func(app *schema.AppRegion) {
		app.Files = []schema.File{{Name: "b", Text: content.Text{Payload: secret("us-west-2")}},
			{Name: "a", Text: content.Text{Payload: secret("eu-west-1")}}}
		app.Services = []units.Service{{Name: "x.service", UnitFile: &content.Text{Payload: secret("us-west-2")}}}
	})
	v.allowed("kms:Decrypt").on(t,
		`{"Fn::Sub":"arn:${AWS::Partition}:kms:eu-west-1:${AWS::AccountId}:key/*"}`,
		`{"Fn::Sub":"arn:${AWS::Partition}:kms:us-west-2:${AWS::AccountId}:key/*"}`)
}

func TestPermissions(t *testing.T) {
	v := lower(t, func(app *schema.AppRegion) {
		app.Node = at("app.json", 2, "all", "permissions")
		app.Permissions = []schema.Permission{
			{Effect: "Allow", Actions: []string{"s3:GetObject", "s3:PutObject"},
				Resources: []string{"arn:aws:s3:::shop/${aws:PrincipalTag/team}/*"},
				Condition: map[string]map[string][]string{"StringEquals": {"aws:RequestedRegion": {"us-east-1"}, "s3:prefix": {"a", "b"}}}},
			{Effect: "Deny", Actions: []string{"s3:DeleteObject"}, Resources: []string{"*"}},
		}
	})
	v.has("PermissionsPolicy", "PolicyDocument", `{"Statement":[`+
		`{"Action":["s3:GetObject","s3:PutObject"],"Condition":{"StringEquals":{"aws:RequestedRegion":"us-east-1","s3:prefix":["a","b"]}},`+
		`"Effect":"Allow","Resource":["arn:aws:s3:::shop/${aws:PrincipalTag/team}/*"]},`+
		`{"Action":["s3:DeleteObject"],"Effect":"Deny","Resource":["*"]}],"Version":"2012-10-17"}`)
	if got := v.get("Resources", "LaunchTemplate", "Properties", "LaunchTemplateData", "MetadataOptions",
		"HttpPutResponseHopLimit"); got != "2" {
		t.Errorf("a container could not use them: hop limit %s", got)
	}
	if got := v.get("Resources", "Asg", "DependsOn"); !strings.Contains(got, "PermissionsPolicy") {
		t.Errorf("the group waits for %s", got)
	}
	if got := v.origins["PermissionsPolicy"]; got != "app.json:3:1" {
		t.Errorf("origin: %s", got)
	}
}

func TestTooManyPermissions(t *testing.T) {
	orbit := testOrbit("us-east-1")
	asking := func(size int) appChange {
		return func(app *schema.AppRegion) {
			app.Permissions = []schema.Permission{{Effect: "Allow", Actions: []string{"s3:GetObject"},
				Resources: []string{"arn:aws:s3:::" + strings.Repeat("x", size)}}}
		}
	}
	build(t, orbit, testApp(orbit, "web", asking(9000))).reported("at most 8", "characters of IAM policy")

	build(t, orbit, testApp(orbit, "web", asking(8000))).silent()
	addresses := availability(schema.Disabled, schema.InternetFacing, true)
	build(t, orbit, testApp(orbit, "web", asking(8000), addresses, size(5, 5, schema.Rolling))).reported("at most 77",
		"characters of IAM policy")
}

// Payloads of version 1 limit the right to decrypt to their orbit and app. One payload of the 2016 tool takes the limit away.
func TestRightToDecryptIsBound(t *testing.T) {
	orbit := testOrbit("us-east-1")
	for _, versions := range [][]int{{1}, {1, 1}, {1, 0}, {0}} {
		app := testApp(orbit, "web", func(app *schema.AppRegion) {
			for i, version := range versions {
				app.Files = append(app.Files, schema.File{Name: fmt.Sprint("key", i), Mode: "0600", Text: content.Text{
					Payload: &content.Payload{Version: version, IV: "aXY=", Key: "a2V5", Ciphertext: "dGV4dA==", KeyRegion: "us-east-1"}}})
			}
		})
		b := build(t, orbit, app)
		condition := b.view("us-east-1/test-web").allowed("kms:Decrypt").Condition
		got, _ := json.Marshal(condition["StringEquals"])
		if slices.Contains(versions, 0) {
			b.reported("a payload of the 2016 tool names no app")
			if string(got) != "null" {
				t.Errorf("%v: %s", versions, got)
			}
			continue
		}
		b.silent()
		if want := `{"kms:EncryptionContext:app":"web","kms:EncryptionContext:orbit":"test"}`; string(got) != want {
			t.Errorf("%v: got %s", versions, got)
		}
	}
}

// The agent opens the payloads that are values in an environment file, as the 2016 tool's did.
func TestPayloadsInEnvironmentFiles(t *testing.T) {
	line := `KEY={"version": 1, "iv": "aXY=", "key": "a2V5", "ciphertext": "dGV4dA==", "key_region": "eu-west-1", "encoding": "utf-8"}`
	for _, test := range []struct {
		name, body string
		want       bool
	}{
		{"web.env", "A=1\n" + line + "\n", true},
		{"web.json", line, false},
		{"web.env", "A=1\n", false},
		{"web.env", strings.ReplaceAll(line, "eu-west-1", "*:${Role}"), false},
	} {
		v := lower(t, func(app *schema.AppRegion) {
			app.Files = []schema.File{{Name: test.name, Mode: "0644", Text: content.Text{Body: []byte(test.body)}}}
		})
		decrypt := v.allowed("kms:Decrypt")
		if !test.want {
			if decrypt != nil {
				t.Errorf("%s with %s may decrypt with %v", test.name, test.body, decrypt.Resource)
			}
			continue
		}
		decrypt.on(t, `{"Fn::Sub":"arn:${AWS::Partition}:kms:eu-west-1:${AWS::AccountId}:key/*"}`)
	}
}

// own is the first part of an ARN in the stack's own partition, region and account.
func own(service string) string {
	return "arn:${AWS::Partition}:" + service + ":${AWS::Region}:${AWS::AccountId}:"
}
