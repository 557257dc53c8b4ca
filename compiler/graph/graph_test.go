package graph

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/assembly/assemblytest"
)

// web is an app with a balancer and a database, whose internal port is given.
func web(port int, more string) string {
	return fmt.Sprintf(`"Resources": {
		"Asg": {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": {"MinSize": "1", "MaxSize": "2",
			"LaunchTemplate": {"LaunchTemplateId": {"Ref": "L"}}}},
		"L": {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": {"InstanceType": "t3.nano",
			"NetworkInterfaces": [{"AssociatePublicIpAddress": false, "Groups": [{"Ref": "Sg"}]}]}}},
		"B": {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": {"Scheme": "internet-facing",
			"SecurityGroups": [{"Ref": "BSg"}]}},
		"DatabaseMain": {"Type": "AWS::RDS::DBInstance", "Properties": {"DBInstanceClass": "db.x", "StorageEncrypted": true,
			"VPCSecurityGroups": [{"Ref": "DSg"}]}},
		"Sg": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"SecurityGroupIngress": [
			{"IpProtocol": "tcp", "FromPort": %d, "ToPort": %d, "SourceSecurityGroupId": {"Ref": "BSg"}}]}},
		"BSg": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"SecurityGroupIngress": [
			{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "0.0.0.0/0"}]}},
		"DSg": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"SecurityGroupIngress": [
			{"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "SourceSecurityGroupId": {"Ref": "Sg"}}]}}%s}`, port, port, more)
}

// artifact is the app in two regions.
func artifact(t *testing.T, body string) *assembly.Assembly {
	side := assemblytest.New(t)
	for _, region := range []string{"eu-west-1", "us-east-1"} {
		side.Stack("test-web", body, func(s *assembly.Stack) { s.Region, s.App = region, "web" })
	}
	return side.Assembly()
}

func draw(t *testing.T, old, now *assembly.Assembly) *Graph {
	t.Helper()
	g, err := Draw(old, now)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestText(t *testing.T) {
	got := draw(t, nil, artifact(t, web(8080, ""))).Text()
	region := `    web: 1 to 2 instances t3.nano
    main of web: database main db.x
    web's load balancer: internet-facing (public)
  from → to: ports
    internet → web's load balancer: 443
    web → main of web: 5432
    web's load balancer → web: 8080

`
	if d := cmp.Diff("eu-west-1\n"+region+"us-east-1\n"+region, got); d != "" {
		t.Error(d)
	}
}

// TestMermaid holds the picture of a change. Regions that are alike are drawn once.
func TestMermaid(t *testing.T) {
	got := draw(t, artifact(t, web(8080, "")), artifact(t, web(8081, ""))).Mermaid(MaxMermaid)
	want := `flowchart LR
  subgraph region0["eu-west-1, us-east-1"]
    n1(["internet"])
    n2["web<br>1 to 2 instances t3.nano"]
    n3[("main<br>database main db.x")]
    n4{{"web<br>internet-facing"}}
    n1 -- "443" --> n4
    n2 -- "5432" --> n3
    n4 -. "-8080" .-> n2
    n4 == "+8081" ==> n2
  end
  linkStyle 2 stroke:#cf222e
  linkStyle 3 stroke:#1a7f37
  classDef added stroke:#1a7f37,stroke-width:3px
  classDef removed stroke:#cf222e,stroke-dasharray:4
  classDef changed stroke:#9a6700,stroke-width:3px
`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestMermaidStaysBelowItsLimits holds for more apps than Mermaid can draw.
func TestMermaidStaysBelowItsLimits(t *testing.T) {
	many := func(port int) *assembly.Assembly {
		side := assemblytest.New(t)
		for i := range 200 {
			for _, region := range []string{"eu-west-1", "us-east-1"} {
				side.Stack(fmt.Sprintf("test-app%d", i), web(port+i%2, ""), func(s *assembly.Stack) {
					s.Region, s.App = region, fmt.Sprintf("app%d-%s", i, region)
				})
			}
		}
		return side.Assembly()
	}
	for name, g := range map[string]*Graph{"one": draw(t, nil, many(80)), "both": draw(t, many(80), many(81))} {
		text := g.Mermaid(MaxMermaid)
		edges := strings.Count(text, "-->") + strings.Count(text, "==>") + strings.Count(text, ".->")
		if len(text) > MaxMermaid || edges > maxMermaidEdges || edges < 50 {
			t.Errorf("%s: %d bytes, %d edges", name, len(text), edges)
		}
		if !strings.Contains(text, "left out") && !strings.Contains(text, "only a part is drawn") {
			t.Errorf("%s: nothing says that something is missing", name)
		}
	}
}

// TestHostileNames holds that no name leaves its place in the page or the picture.
func TestHostileNames(t *testing.T) {
	evil := `\"]; click x <script>alert(1)</script> --> ]]` + `\u001b[31m`
	more := `, "X": {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": {"GroupId": {"Ref": "Sg"}, "IpProtocol": "tcp", "FromPort": 1,
		"ToPort": 1, "CidrIp": "` + evil + `"}}`
	g := draw(t, nil, artifact(t, web(80, more)))
	var page bytes.Buffer
	if err := g.HTML(&page); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(page.String(), "<script") {
		t.Error("a script is on the page")
	}
	for line := range strings.Lines(g.Mermaid(MaxMermaid)) {
		leaves := strings.Count(line, `"`) != 2 || strings.Contains(line, "<s") || strings.Contains(line, "\x1b")
		if strings.Contains(line, "click") && leaves {
			t.Errorf("a name leaves its quotes: %q", line)
		}
	}
}

// TestDeterministic holds that equal artifacts give equal bytes.
func TestDeterministic(t *testing.T) {
	forms := func() string {
		g := draw(t, artifact(t, web(80, "")), artifact(t, web(81, "")))
		var page bytes.Buffer
		if err := g.HTML(&page); err != nil {
			t.Fatal(err)
		}
		return g.Text() + g.Mermaid(MaxMermaid) + page.String()
	}
	first := forms()
	for range 20 {
		if forms() != first {
			t.Fatal("another picture")
		}
	}
	for _, address := range []string{"http://", "https://", "url(", "<link", "src=", "@import"} {
		if strings.Contains(first, address) {
			t.Errorf("the page needs something outside: %s", address)
		}
	}
}
