package review

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/assembly/assemblytest"
)

// placed is a part of a template with a mark that no other part has. The mark stands in the statement, the rule or the id of the
// public resource, so a reviewer who sees the mark sees the part.
type placed struct {
	stack, mark string
	resources   string // JSON members
}

// somewhere makes a part at random: a statement in one of the places where policies stand, a rule, or a public resource.
func somewhere(random *rand.Rand, stack string, n int) placed {
	mark := fmt.Sprintf("mark%dx", n)
	statement := fmt.Sprintf(`{"Effect": %q, "Action": ["s3:Get*", "s3:%s"], "Resource": "*", "Condition": {"Bool": {"aws:%s": "true"}}}`,
		[]string{"Allow", "Deny"}[random.IntN(2)], mark, mark)
	document := `{"Version": "2012-10-17", "Statement": [` + statement + `]}`
	text, _ := json.Marshal(document)
	branch := `{"Fn::If": ["C", ` + statement + `, {"Ref": "AWS::NoValue"}]}`
	padding := strings.Repeat(`{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}, `, random.IntN(40))
	cidr := fmt.Sprintf("10.%d.%d.0/24", n/250, n%250)
	id := fmt.Sprintf("R%d", n)
	bodies := []string{
		`"Type": "AWS::IAM::Policy", "Properties": {"PolicyName": "x", "PolicyDocument": {"Statement": [` + padding + statement + `]}}`,
		`"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": ` + document + `}`,
		`"Type": "AWS::IAM::Role", "Properties": {"Policies": [{"PolicyName": "x", "PolicyDocument": ` + document + `}]}`,
		`"Type": "AWS::IAM::Role", "Properties": {"ManagedPolicyArns": ["arn:aws:iam::aws:policy/` + mark + `"]}`,
		`"Type": "AWS::SQS::QueuePolicy", "Properties": {"PolicyDocument": {"Statement": ` + statement + `}}`,
		`"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Statement": [` + branch + `]}}`,
		`"Type": "AWS::Logs::ResourcePolicy", "Properties": {"PolicyDocument": ` + string(text) + `}`,
		`"Type": "AWS::SecretsManager::ResourcePolicy", "Condition": "C", "Properties": {"ResourcePolicy": ` + document + `}`,
		`"Type": "AWS::Lambda::Permission", "Properties": {"Action": "lambda:Invoke", "Principal": "` + mark + `"}`,
		`"Type": "AWS::EC2::SecurityGroupIngress", "Properties": {"GroupId": {"Ref": "Sg"}, "IpProtocol": "tcp", "FromPort": 1, "ToPort": 2,
			"CidrIp": "` + cidr + `"}`,
		`"Type": "AWS::EC2::SecurityGroup", "Properties": {"SecurityGroupIngress": [{"IpProtocol": "-1", "CidrIp": "` + cidr + `"}]}`,
		`"Type": "AWS::EC2::SecurityGroupEgress", "Properties": {"GroupId": {"Ref": "Sg"}, "IpProtocol": "-1", "CidrIp": "` + cidr + `"}`,
		`"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": {"Scheme": "internet-facing"}`,
		`"Type": "AWS::RDS::DBInstance", "Properties": {"PubliclyAccessible": true}`,
		`"Type": "AWS::EC2::EIP"`,
		`"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "{{resolve:ssm:` + mark + `}}"}`,
	}
	body := bodies[random.IntN(len(bodies))]
	seen := mark
	switch {
	case strings.Contains(body, cidr):
		seen = cidr
	case !strings.Contains(body, mark):
		id, seen = "Public"+mark, "Public"+mark
	}
	return placed{stack, seen, fmt.Sprintf(`%q: {%s}`, id, body)}
}

// written puts parts into an artifact.
func written(t *testing.T, parts []placed) *assembly.Assembly {
	side := assemblytest.New(t)
	stacks := map[string][]string{}
	for _, p := range parts {
		stacks[p.stack] = append(stacks[p.stack], p.resources)
	}
	for _, stack := range slices.Sorted(maps.Keys(stacks)) {
		region, name, _ := strings.Cut(stack, "/")
		side.Stack(name, `"Conditions": {"C": {"Fn::Equals": ["a", "a"]}}, "Resources": {"Sg": {"Type": "AWS::EC2::SecurityGroup"}, `+
			strings.Join(stacks[stack], ", ")+`}`, func(s *assembly.Stack) {
			s.Region = region
			s.App = strings.TrimPrefix(name, "test-")
		})
	}
	return side.Assembly()
}

// TestNothingIsHidden holds for random pairs of artifacts that every statement, rule, public resource and dynamic reference that only
// one side has appears in every output form, in front of the details, and however short the comment must be.
func TestNothingIsHidden(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 60 {
		var old, now []placed
		changed := map[string]bool{}
		for n := range 1 + random.IntN(60) {
			stack := []string{"us-east-1/test-a", "us-east-1/test-b", "eu-west-1/test-a", "eu-west-1/test-c"}[random.IntN(4)]
			p := somewhere(random, stack, round*100+n)
			onOld, onNow := random.IntN(2) == 0, random.IntN(2) == 0
			if onOld {
				old = append(old, p)
			}
			if onNow {
				now = append(now, p)
			}
			changed[p.mark] = onOld != onNow
		}
		r, err := Compare(written(t, old), written(t, now))
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range forms(t, r) {
			for mark, differs := range changed {
				if differs && !strings.Contains(text, mark) {
					t.Fatalf("round %d: %s: nothing of %s in\n%s", round, name, mark, text)
				}
			}
		}
	}
}

// forms are all outputs, each up to the begin of the details.
func forms(t *testing.T, r *Review) map[string]string {
	t.Helper()
	var text, markdownText, jsonText bytes.Buffer
	for _, err := range []error{Text(&text, r, false), Markdown(&markdownText, r), JSON(&jsonText, r)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	begin := func(text string, end string) string { return strings.SplitN(text, end, 2)[0] }
	return map[string]string{
		"text":     begin(text.String(), "\n\n"),
		"markdown": begin(markdownText.String(), "| stack |"),
		"short":    begin(markdown(r, 1500), "| stack |"),
		"json":     begin(jsonText.String(), `"summary":`),
	}
}
