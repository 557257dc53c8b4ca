package rights

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/pebble/spacel/compiler"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

const account = "123456789012"

// built compiles an orbit's manifest and apps into a directory.
func built(t testing.TB, orbit string, apps ...string) *assembly.Assembly {
	t.Helper()
	dir := t.TempDir()
	in := schema.Inputs{Orbit: filepath.Join(dir, "orbit.yaml")}
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(in.Orbit, orbit)
	for i, app := range apps {
		in.Apps = append(in.Apps, filepath.Join(dir, fmt.Sprintf("app%d.yaml", i)))
		write(in.Apps[i], app)
	}
	r := &report.Report{}
	model, err := schema.Load(t.Context(), in, r)
	if err != nil || model == nil {
		t.Fatalf("%v %+v", err, r.Problems())
	}
	memory := assembly.NewInMemory(nil, model.Orbit.Name)
	if err := compiler.Compile(model, compiler.Scope{Orbit: true}, r, memory); err != nil || r.Failed(false) {
		t.Fatalf("%v %+v", err, r.Problems())
	}
	a, err := memory.Assembly()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func made(t testing.TB, a *assembly.Assembly, r Request) *Policies {
	t.Helper()
	r.Account = account
	p, err := Make(a, r)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// statements are all statements of the policies.
func statements(p *Policies) []Statement {
	var all []Statement
	for _, d := range p.Documents {
		all = append(all, d.Statement...)
	}
	return all
}

// of are the statements with an action.
func of(p *Policies, action string) []Statement {
	return slices.DeleteFunc(statements(p), func(s Statement) bool {
		return !slices.ContainsFunc(s.Action, func(a string) bool { return covers(a, action) })
	})
}

const (
	oneRegion = "name: test\nregions: [us-east-1]\n"
	manyNames = "{services: {x: {image: nginx}}, databases: {main: {}}, caches: {sessions: {}}, hostnames: [x.example.com], " +
		"alarms: {endpoints: {chat: {type: slack, url: \"ssm:/x/slack\"}}, " +
		"triggers: {busy: {metric: cpu, threshold: \">80\", endpoints: chat}}}}"
)

// Every policy has IAM's size at most, whatever the number of apps, and all together they lose no action and no resource.
func TestPoliciesHaveIAMsSize(t *testing.T) {
	orbit := "name: production\nregions: [us-east-1, eu-west-1]\nall: {domain: example.com}\n"
	var apps []string
	for i := range 60 {
		apps = append(apps, fmt.Sprintf("name: app%02d-with-a-long-name\nall: %s\n", i, strings.ReplaceAll(manyNames, "x.example",
			fmt.Sprintf("x%d.example", i))))
	}
	p := made(t, built(t, orbit, apps...), Request{})
	for i, d := range p.Documents {
		body, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, r := range string(body) {
			if !unicode.IsSpace(r) {
				n++
			}
		}
		if n > 6144 {
			t.Errorf("policy %d has %d characters", i, n)
		}
	}
	names := 0
	for _, s := range of(p, "iam:CreateRole") {
		names += len(s.Resource)
	}
	if names < 60 {
		t.Errorf("roles of %d stacks can be made", names)
	}
	future := made(t, built(t, orbit, apps...), Request{FutureApps: true})
	if len(future.Documents) > 5 || len(p.Documents) < 10 {
		t.Errorf("%d policies, and %d with --future-apps", len(p.Documents), len(future.Documents))
	}
}

// Without an account the template has CloudFormation's, with which a policy must have IAM's size, too.
func TestSizeWithCloudFormationsAccount(t *testing.T) {
	var apps []string
	for i := range 20 {
		all := strings.ReplaceAll(manyNames, "x.example", fmt.Sprintf("x%d.example", i))
		apps = append(apps, fmt.Sprintf("name: app%02d\nall: %s\n", i, all))
	}
	p, err := Make(built(t, oneRegion+"all: {domain: example.com}\n", apps...), Request{})
	if err != nil {
		t.Fatal(err)
	}
	known := strings.NewReplacer(`{"Fn::Sub":"`, `"`, `"}`, `"`, "${AWS::AccountId}", account)
	for i, d := range p.Documents {
		body, err := json.Marshal(policyOf(d, ""))
		if err != nil {
			t.Fatal(err)
		}
		if n := len(known.Replace(string(body))); n > 6144 {
			t.Errorf("policy %d has %d characters", i, n)
		}
	}
}

// Resources are of the orbit's account, regions and names wherever IAM has them.
func TestResourcesAreNarrow(t *testing.T) {
	a := built(t, oneRegion, "name: web\nall: "+manyNames)
	p := made(t, a, Request{Apps: []string{"web"}})
	for _, s := range statements(p) {
		for _, r := range s.Resource {
			if r != "*" && !strings.HasPrefix(r, "arn:aws:") {
				t.Errorf("%v on %q", s.Action, r)
			}
			parts := strings.SplitN(r, ":", 6)
			if len(parts) == 6 && parts[3] != "us-east-1" && parts[3] != "" && s.Action[0] != "kms:Decrypt" {
				t.Errorf("%v: %s is of another region", s.Action, r)
			}
			if strings.Contains(r, ":iam:") && !strings.Contains(r, "role/test-web-") && !strings.Contains(r, "profile/test-web-") &&
				!strings.Contains(r, "role/aws-service-role/") {
				t.Errorf("%v on %s", s.Action, r)
			}
		}
	}
	for action, want := range map[string]string{
		"cloudformation:CreateChangeSet": "arn:aws:cloudformation:us-east-1:123456789012:stack/test-web/*",
		"lambda:CreateFunction":          "arn:aws:lambda:us-east-1:123456789012:function:test-web-*",
		"sns:CreateTopic":                "arn:aws:sns:us-east-1:123456789012:test-web-*",
		"rds:CreateDBInstance":           "arn:aws:rds:us-east-1:123456789012:db:test-web-*",
		"secretsmanager:CreateSecret":    "arn:aws:secretsmanager:us-east-1:123456789012:secret:",
		"autoscaling:SetDesiredCapacity": "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:*:autoScalingGroupName/test-web-*",
		"ssm:GetParameter":               "arn:aws:ssm:us-east-1::parameter/aws/service/debian/*",
		"s3:PutObject":                   "arn:aws:s3:::spacel-123456789012-us-east-1/spacel/*",
	} {
		found := of(p, action)
		if len(found) == 0 || !slices.ContainsFunc(found[0].Resource, func(r string) bool { return strings.HasPrefix(r, want) }) {
			t.Errorf("%s is allowed by %+v", action, found)
		}
	}
	// Items are written into the table of releases only, and signed with its key only.
	const records = "arn:aws:dynamodb:us-east-1:123456789012:table/test-releases"
	if got := of(p, "dynamodb:PutItem"); len(got) != 1 || !slices.Equal(got[0].Resource, []string{records}) {
		t.Errorf("items are written by %+v", got)
	}
	if got := of(p, "kms:GenerateMac"); len(got) != 1 || !slices.Equal(got[0].Condition["StringEquals"]["kms:RequestAlias"],
		[]string{"alias/test/releases"}) {
		t.Errorf("records are signed by %+v", got)
	}
	for _, action := range []string{"iam:CreateUser", "iam:PutUserPolicy", "ssm:GetParametersByPath", "kms:Decrypt"} {
		for _, s := range of(p, action) {
			if s.Condition["StringEquals"]["kms:ViaService"] == nil {
				t.Errorf("%s is allowed by %+v", action, s)
			}
		}
	}
	// Another app's secret may have the same logical id.
	for _, s := range of(p, "secretsmanager:GetSecretValue") {
		if got := s.Condition["StringEquals"]; !slices.Equal(got["aws:ResourceTag/spacel:app"], []string{"web"}) ||
			!slices.Equal(got["aws:ResourceTag/spacel:orbit"], []string{"test"}) {
			t.Errorf("secrets are read under %v", got)
		}
	}
	if got := of(p, "iam:PassRole"); len(got) != 1 || !slices.Equal(got[0].Condition["StringEquals"]["iam:PassedToService"],
		[]string{"ec2.amazonaws.com", "lambda.amazonaws.com"}) {
		t.Errorf("roles are passed by %+v", got)
	}
}

// With a boundary, no role can be made or changed without it, and nobody can take it off.
func TestBoundaryIsDemanded(t *testing.T) {
	p := made(t, built(t, oneRegion+"permissions_boundary: workload\n", "name: web\nall: {services: {x: {image: nginx}}}"), Request{})
	for _, action := range []string{"iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:PutRolePermissionsBoundary"} {
		for _, s := range of(p, action) {
			if got := s.Condition["StringEquals"]["iam:PermissionsBoundary"]; len(got) != 1 ||
				got[0] != "arn:aws:iam::123456789012:policy/workload" {
				t.Errorf("%s under %v", action, s.Condition)
			}
		}
		if len(of(p, action)) == 0 {
			t.Errorf("%s is not allowed", action)
		}
	}
	if got := of(p, "iam:DeleteRolePermissionsBoundary"); len(got) > 0 {
		t.Errorf("%+v", got)
	}
}

// A type that the table lacks is named with its place, and never passed over.
func TestUnknownTypes(t *testing.T) {
	p := made(t, built(t, oneRegion, "name: web\nall:\n  services: {x: {image: nginx}}\n  resources:\n    Resources:\n"+
		"      Thing: {Type: \"AWS::Unheard::Of\"}\n"), Request{})
	if len(p.Unknown) != 1 || p.Unknown[0].Type != "AWS::Unheard::Of" || !strings.HasSuffix(p.Unknown[0].From, "app0.yaml:6:7") {
		t.Errorf("%+v", p.Unknown)
	}
}

// Every type in the expected templates of the repository has rights.
func TestEveryTypeHasRights(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/golden/*/want/*/*.template.json")
	if err != nil || len(paths) < 50 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var template struct {
			Resources map[string]struct{ Type string }
		}
		if err := json.Unmarshal(body, &template); err != nil {
			t.Fatal(err)
		}
		for id, r := range template.Resources {
			if _, known := actionsOf(r.Type); !known {
				t.Errorf("%s: %s is of the unknown type %s", path, id, r.Type)
			}
		}
	}
}

// prefixes are the IAM prefixes of the SDK's packages that differ from their names.
var prefixes = map[string]string{"cloudwatchlogs": "logs", "elasticloadbalancingv2": "elasticloadbalancing"}

// s3Names are the actions of S3's calls that differ from their names.
var s3Names = map[string]string{"HeadBucket": "ListBucket", "HeadObject": "GetObject", "ListObjectVersions": "ListBucketVersions",
	"ListObjectsV2": "ListBucket", "GetBucketEncryption": "GetEncryptionConfiguration", "PutBucketEncryption": "PutEncryptionConfiguration",
	"GetPublicAccessBlock": "GetBucketPublicAccessBlock", "PutPublicAccessBlock": "PutBucketPublicAccessBlock"}

// deploying returns the directories of the packages that deploy and destroy are made of.
func deploying(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", "-f", "{{.Dir}}", "..", "../destroy", "../drift").Output()
	if err != nil {
		t.Fatal(err)
	}
	dirs := slices.DeleteFunc(strings.Fields(string(out)), func(dir string) bool {
		return !strings.Contains(dir+"/", "/deploy/") || strings.Contains(dir, "/pkg/mod/")
	})
	if len(dirs) < 10 {
		t.Fatalf("only %v", dirs)
	}
	return dirs
}

// begins are the calls with which spacel scale and spacel maintenance begin a change. Deploy only ends changes.
var begins = []string{"autoscaling:PutScheduledUpdateGroupAction", "dynamodb:PutItem", "elasticloadbalancing:CreateRule",
	"elasticloadbalancing:DescribeListeners", "elasticloadbalancing:DescribeRules", "scheduler:CreateSchedule"}

// Every call in the code of deploy and destroy has its right: whoever adds a call adds it to calls.go.
func TestEveryCallHasItsRight(t *testing.T) {
	p := made(t, built(t, "name: test\nregions: [us-east-1]\n", "name: web\nall:\n  alarms: {endpoints: {chat: {type: pagerduty, "+
		"url: \"secret:web/pager\"}}, triggers: {busy: {metric: cpu, threshold: \">80\", endpoints: chat}}}\n"+
		"  services: {x: {image: \"123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1\"}}\n"), Request{})
	input := regexp.MustCompile(`\b([a-z][a-z0-9]+)\.([A-Z][A-Za-z0-9]+)Input\b`)
	calls := 0
	for _, dir := range deploying(t) {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatal(dir, err)
		}
		for _, file := range files {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, m := range input.FindAllStringSubmatch(string(body), -1) {
				service, operation := m[1], m[2]
				if prefix, other := prefixes[service]; other {
					service = prefix
				}
				if name, other := s3Names[operation]; other && service == "s3" {
					operation = name
				}
				if service == "sts" || service == "middleware" {
					continue // GetCallerIdentity needs no right, and the SDK's own steps are no calls
				}
				calls++
				action := service + ":" + operation
				if strings.HasSuffix(dir, "/temporary") && slices.Contains(begins, action) {
					continue
				}
				if len(of(p, action)) == 0 {
					t.Errorf("%s calls %s: add it to deploy/rights/calls.go", file, action)
				}
			}
		}
	}
	if calls < 40 {
		t.Errorf("found only %d calls", calls)
	}
}

// The calls of drift detection are in a statement of their own, which the request may leave out. Nothing else goes with it.
func TestDriftIsLeftOut(t *testing.T) {
	a := func() *assembly.Assembly {
		return built(t, oneRegion, "name: web\nall: {services: {x: {image: nginx}}}\n")
	}
	with, without := made(t, a(), Request{}), made(t, a(), Request{NoDrift: true})
	all, some := 0, 0
	for _, d := range with.Documents {
		all += len(d.Statement)
	}
	for _, d := range without.Documents {
		some += len(d.Statement)
	}
	if all != some+1 {
		t.Errorf("%d statements, and %d without drift", all, some)
	}
	for _, action := range driftActions {
		if found := of(with, action); len(found) != 1 || found[0].Sid != driftStatement || len(of(without, action)) != 0 {
			t.Errorf("%s: %+v", action, found)
		}
	}
}

func TestRepositories(t *testing.T) {
	for name, valid := range map[string]bool{"example/shop": true, "Ex-1/a.b_c": true, "example": false, "*/shop": false, "a/b/c": false,
		"example/*": false, "a b/c": false} {
		if err := (Repository{name, "production"}).Check(); (err == nil) != valid {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, valid := range map[string]bool{"production": true, "*": false, "a:b": false, "": false} {
		if err := (Repository{"a/b", name}).Check(); (err == nil) != valid {
			t.Errorf("environment %q: %v", name, err)
		}
	}
}
