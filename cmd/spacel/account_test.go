package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/internal/cloudtest"
)

const (
	east = "us-east-1"
	west = "eu-west-1"
)

// account is an AWS account, and a directory with an artifact in it, as a user at a shell has them.
type account struct {
	*testing.T
	cf  *cloudtest.CloudFormation
	dir string
	vpc string // the template of the orbit's network

	tables string // the template of the orbit's tables
}

// newAccount has the network, the tables and an app of an orbit, built into build.
func newAccount(t *testing.T) *account {
	t.Helper()
	a := &account{t, cloudtest.NewCloudFormation(t), t.TempDir(), vpcTemplate, tablesTemplate}
	server := httptest.NewServer(http.HandlerFunc(a.others))
	t.Cleanup(server.Close)
	a.cf.Forward(server.URL)
	for _, setting := range append(cloudtest.Environment(t, a.cf.URL), "NO_COLOR=1", "SPACEL_ORBIT=", "AWS_PROFILE=") {
		name, value, _ := strings.Cut(setting, "=")
		t.Setenv(name, value)
	}
	t.Chdir(a.dir)
	a.build(web("small"))
	return a
}

// others answers the one call to another service that matters.
func (a *account) others(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || !strings.Contains(string(body), "Action=DescribeRegions") {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>`)
		return
	}
	fmt.Fprintf(w,
		`<DescribeRegionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
<regionInfo><item><regionName>%s</regionName></item><item><regionName>%s</regionName></item></regionInfo>
</DescribeRegionsResponse>`, east, west)
}

// The templates are small enough to be read in a test's output.
const (
	vpcTemplate = `{"Resources": {"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}},
  "Outputs": {"VpcId": {"Value": {"Ref": "Vpc"}}}}`
	tablesTemplate = `{"Resources": {"Users": {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain",
  "Properties": {"TableName": "test-users"}}}}`
)

// web is an app's template with a database of an instance class.
func web(class string) string {
	return `{
  "Parameters": {"VpcId": {"Type": "String"}, "Version": {"Type": "String", "Default": "latest"}},
  "Resources": {
    "Sg": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "web", "VpcId": {"Ref": "VpcId"}}},
    "Main": {"Type": "AWS::RDS::DBInstance", "DeletionPolicy": "Snapshot", "UpdateReplacePolicy": "Snapshot",
      "Properties": {"Engine": "postgres", "DBInstanceClass": "` + class + `"}}
  },
  "Outputs": {"SecurityGroup": {"Value": {"Ref": "Sg"}}, "Endpoint443": {"Value": "https://web-test.example.com"}}
}`
}

// build writes the artifact directory, with an app of this template.
func (a *account) build(app string) {
	a.Helper()
	w, err := assembly.NewWriter(filepath.Join(a.dir, "build"), "test")
	if err != nil {
		a.Fatal(err)
	}
	defer w.Abort()
	vpc, tables := assembly.StackRef{Region: east, Name: "test-vpc"}, assembly.StackRef{Region: east, Name: "test-tables"}
	for _, err := range []error{
		w.Stack(entry(vpc, "", a.vpc), []byte(a.vpc), map[string]string{"Vpc": "orbit.json:1:1"}),
		w.Stack(entry(tables, "", a.tables), []byte(a.tables), nil),
		w.Stack(appEntry(app, tables, vpc), []byte(app), map[string]string{"Sg": "web.json:3:5", "Main": "web.json:7:5"}),
		w.Close(),
	} {
		if err != nil {
			a.Fatal(err)
		}
	}
}

func appEntry(template string, after ...assembly.StackRef) assembly.Stack {
	s := entry(assembly.StackRef{Region: east, Name: "test-web"}, "web", template)
	s.DependsOn = after
	s.Parameters = map[string]assembly.ValueFrom{
		"VpcId":   {Output: &assembly.Output{Region: east, Stack: "test-vpc", Output: "VpcId"}},
		"Version": {Version: &assembly.Version{Default: "latest"}},
	}
	return s
}

func entry(ref assembly.StackRef, app, template string) assembly.Stack {
	sum := sha256.Sum256([]byte(template))
	s := assembly.Stack{Name: ref.Name, Region: ref.Region, App: app, Template: assembly.TemplatePath(ref),
		Digest: hex.EncodeToString(sum[:]),
		Tags:   map[string]string{document.TagOrbit: "test"}}
	if app != "" {
		s.Tags[document.TagApp] = app
	}
	return s
}

// session is one call of the program.
type session struct {
	code           int
	stdout, stderr string
}

// spacel runs the program without a terminal.
func (a *account) spacel(args ...string) session {
	a.Helper()
	var stdout, stderr bytes.Buffer
	c := newConsole(strings.NewReader(""), &stdout, &stderr)
	code := a.run(a.Context(), c, args...)
	return session{code, stdout.String(), stderr.String()}
}

func (a *account) run(ctx context.Context, c *console, args ...string) int {
	a.Helper()
	c.poll = 2 * time.Millisecond
	app := newApp(c)
	arranged, err := arrange(app, append([]string{"spacel"}, args...))
	if err != nil {
		a.Fatal(err)
	}
	return c.exit(app.RunContext(ctx, arranged))
}

// must runs a call that has to end well.
func (a *account) must(args ...string) session {
	a.Helper()
	s := a.spacel(args...)
	if s.code != 0 {
		a.Fatalf("spacel %s: exit code %d\n%s\n%s", strings.Join(args, " "), s.code, s.stdout, s.stderr)
	}
	return s
}

// expect checks a session's end, and that each text stands in what it printed.
func (a *account) expect(s session, code int, texts ...string) {
	a.Helper()
	if s.code != code {
		a.Errorf("exit code %d, want %d", s.code, code)
	}
	for _, text := range texts {
		if !strings.Contains(s.stdout+s.stderr, text) {
			a.Errorf("%q is not in", text)
		}
	}
	if a.Failed() {
		a.Fatalf("stdout:\n%s\nstderr:\n%s", s.stdout, s.stderr)
	}
}

// unchanged checks that a call leaves the account as it was.
func (a *account) unchanged(during func()) {
	a.Helper()
	before := a.cf.Everything()
	during()
	if after := a.cf.Everything(); after != before {
		a.Errorf("before\n%s\nafter\n%s", before, after)
	}
}

// jsonObjects are the lines of a stream of JSON.
func jsonObjects(t *testing.T, text string) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(text) {
		var o map[string]any
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, o)
	}
	return all
}
