package main

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"golang.org/x/crypto/ssh"

	"github.com/pebble/spacel/agent/secrets/kmstest"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/internal/cloudtest"
	"github.com/pebble/spacel/internal/stride"
)

// Each AWS call of each command is answered in each way in which AWS itself does not answer: late, empty, for another stack, with
// an unknown status, with an HTML page, or not at all. The list of calls comes from a clean run, so a new call is covered by itself.
//
// Whatever the answer: no panic, no success unless the account is as after a clean run, no failure because of a late answer, the
// cause in the message, a line of progress while there is no answer, and a second run that repairs everything.
func TestOddAnswers(t *testing.T) {
	o := newOddAccounts(t)
	var jobs []oddRun
	for _, c := range oddCommands {
		clean := o.run(oddRun{command: c})
		if clean.code != exitYes {
			t.Fatalf("spacel %s: exit code %d\n%s\n%s", strings.Join(c.args, " "), clean.code, clean.stdout, clean.stderr)
		}
		calls := slices.Compact(slices.Sorted(slices.Values(clean.calls)))
		for _, call := range calls {
			for _, bend := range cloudtest.Bends {
				if isTrue(call, bend) {
					continue
				}
				jobs = append(jobs, oddRun{c, call, bend, false, &clean})
				if c.changes && bend != cloudtest.Late && bend != cloudtest.Silent {
					jobs = append(jobs, oddRun{c, call, bend, true, &clean})
				}
			}
		}
	}
	var some []oddRun // with -short every eleventh, so that each way of bending an answer is among them
	for i := 0; i < len(jobs); i += stride.Short(11) {
		some = append(some, jobs[i])
	}
	o.checkAll(some)
	t.Logf("%d of %d runs", len(some), len(jobs))
}

// checkAll runs many jobs at a time, since a run mostly waits: for an answer that never comes, five seconds. These
// have slots of their own.
func (o *oddAccounts) checkAll(jobs []oddRun) {
	waits := func(r oddRun) bool { return r.bend == cloudtest.Silent || r.bend == cloudtest.Hangs }
	waiting, others := make(chan struct{}, 96), make(chan struct{}, 24)
	var wait sync.WaitGroup
	for _, job := range jobs {
		slots := others
		if waits(job) {
			slots = waiting
		}
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			o.check(job)
		})
	}
	wait.Wait()
}

// An endpoint at which nothing listens fails every command at once, with the times for AWS, and with the same words.
func TestDeadEndpoint(t *testing.T) {
	o := newOddAccounts(t)
	server := httptest.NewServer(nil)
	server.Close()
	var wait sync.WaitGroup
	for _, c := range oddCommands {
		wait.Go(func() {
			began := time.Now()
			s, panicked := o.spacelIn(server.URL, c, cloud.Timing{})
			cause := "cannot reach " + server.URL + ": connection refused; check the network"
			want := exitError
			if c.args[0] == "doctor" { // whose answer is that nothing can be reached
				want = exitNo
			}
			if s.code != want || !strings.Contains(s.stdout+s.stderr, cause) || panicked != nil {
				t.Errorf("spacel %s: exit code %d: %s%s %v", strings.Join(c.args, " "), s.code, s.stdout, s.stderr, panicked)
			}
			if took := time.Since(began); took > 8*time.Second {
				t.Errorf("spacel %s: it took %s", strings.Join(c.args, " "), took)
			}
		})
	}
	wait.Wait()
}

// oddKey is the host key of each instance.
const oddKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"

// oddTiming are times for tests. A late answer comes in time, as one of AWS after 20 s does with the times for AWS.
var oddTiming = cloud.Timing{Answer: 2500 * time.Millisecond, Notice: 500 * time.Millisecond, Delay: 2 * time.Millisecond}

const oddLateness = 400 * time.Millisecond

// oddCommand is a command line, and the account that it starts from.
type oddCommand struct {
	args    []string
	changes bool   // the account, which is then a new one for each run
	empty   bool   // nothing is deployed before
	records bool   // two releases of web are recorded: of same, then of build
	until   string // the command follows, and is interrupted when it has printed this
	random  bool   // two runs print or store different random values
}

var oddCommands = []oddCommand{
	{args: []string{"deploy", "build", "--yes"}, changes: true, empty: true},
	{args: []string{"deploy", "build", "--yes"}, changes: true},
	{args: []string{"redeploy", "web", "--orbit", "test", "--yes"}, changes: true},
	{args: []string{"destroy", "build", "--confirm", "test"}, changes: true},
	{args: []string{"destroy", "--orbit", "test", "--app", "web", "--confirm", "web"}, changes: true},
	{args: []string{"status", "same"}},
	{args: []string{"status", "--orbit", "test"}},
	{args: []string{"status", "same", "--drift"}},
	{args: []string{"deploy", "same", "--revert-drift", "--yes"}, changes: true},
	{args: []string{"outputs", "--orbit", "test"}},
	{args: []string{"releases", "web", "--orbit", "test"}, records: true},
	{args: []string{"releases", "web", "2", "--orbit", "test"}, records: true},
	{args: []string{"status", "--orbit", "test", "--app", "web", "--region", "us-east-1"}, records: true},
	{args: []string{"rollback", "web", "--orbit", "test", "--yes"}, records: true, changes: true},
	{args: []string{"diff", "--live", "build"}},
	{args: []string{"events", "--orbit", "test"}},
	{args: []string{"instances", "web", "--orbit", "test"}},
	{args: []string{"tasks", "web", "--orbit", "test"}},
	{args: []string{"logs", "web", "--orbit", "test"}},
	{args: []string{"logs", "web", "--docker", "--orbit", "test"}},
	{args: []string{"ssh", "web", "--orbit", "test", "--user", "ada", "--print"}},
	{args: []string{"exec", "web", "--orbit", "test", "--user", "ada", "--print", "--", "uptime"}},
	{args: []string{"access", "list", "--orbit", "test"}},
	{args: []string{"access", "grant", "ada", "web", "--orbit", "test"}},
	{args: []string{"access", "revoke", "ada", "web", "--orbit", "test"}},
	{args: []string{"access", "revoke", "ada", "--all", "--orbit", "test"}},
	{args: []string{"access", "user", "add", "bob", "--key", "bob.pub", "--orbit", "test"}},
	{args: []string{"access", "user", "remove", "ada", "--orbit", "test"}},
	{args: []string{"access", "sync", "--orbit", "test", "--region", "us-east-1", "--region", "eu-west-1"}},
	{args: []string{"access", "sync", "--from", "us-east-1", "--orbit", "test", "--region", "us-east-1", "--region", "us-west-2"}},
	{args: []string{"secret", "encrypt", "web.json", "--orbit", "orbit.json", "--key", "TOKEN", "--value", "x"}, random: true},
	{args: []string{"secret", "decrypt", "sealed.json", "--orbit", "orbit.json", "--key", "TOKEN"}},
	{args: []string{"secret", "rotate", "rotated.json", "--orbit", "orbit.json"}},
	{args: []string{"doctor", "--region", "us-east-1"}},
	{args: []string{"events", "web", "--orbit", "test", "--follow"}, until: "UPDATE_COMPLETE"},
	{args: []string{"logs", "web", "--orbit", "test", "--follow"}, until: "started"},
	{args: []string{"logs", "web", "--docker", "--orbit", "test", "--follow"}, until: "started"},
}

// oddTables is the template of the orbit's tables, with the table and the key of records.
var oddTables = strings.Replace(
	strings.TrimSuffix(tablesTemplate, "}")+`, "Outputs": {"ReleasesTable": {"Value": {"Ref": "ReleasesTable"}}}}`,
	`{"Resources": {`, `{"Resources": {
  "ReleasesTable": {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "test-releases", "KeySchema": [
    {"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "id", "KeyType": "RANGE"}]}},
  "ReleasesKey": {"Type": "AWS::KMS::Key", "Properties": {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}},
  "ReleasesKeyAlias": {"Type": "AWS::KMS::Alias", "Properties": {"AliasName": "alias/test/releases",
    "TargetKeyId": {"Ref": "ReleasesKey"}}}, `, 1)

// oddWeb is an app's template with the resources that the commands look for.
func oddWeb(class string) string {
	return strings.Replace(strings.Replace(strings.Replace(redeployableWith(class), `"Resources": {`, `"Resources": {
    "Asg": {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": {"MinSize": "1", "MaxSize": "1"},
      "UpdatePolicy": {"AutoScalingScheduledAction": {"IgnoreUnmodifiedGroupSizeProperties": true}}},
     "DockerLogGroup": {"Type": "AWS::Logs::LogGroup"}, `, 1),
		`"Outputs": {`, `"Outputs": {"AutoScalingGroup": {"Value": {"Ref": "Asg"}}, `, 1), "web-test.example.com", "web.example.com", 1)
}

func redeployableWith(class string) string {
	return strings.Replace(redeployable, `"small"`, `"`+class+`"`, 1)
}

// oddRun is one run of a command in which one call is answered oddly.
type oddRun struct {
	command oddCommand
	call    string // service:operation
	bend    cloudtest.Bend
	once    bool // only the first time; else always
	clean   *oddEnd
}

func (r oddRun) String() string {
	which := "always"
	if r.once {
		which = "once"
	}
	return fmt.Sprintf("spacel %s, %s answered %s %q", strings.Join(r.command.args, " "), r.call, which, r.bend)
}

// seconds is the difference of the clocks, which doctor prints. AWS's answers have their time in whole seconds.
var seconds = regexp.MustCompile(`\ds apart`)

// oddEnd is the end of a run.
type oddEnd struct {
	session
	calls   []string
	state   string // of the account; empty for a command that changes nothing
	took    time.Duration
	again   session // the command run again, without odd answers
	repairs string  // the state after that
	panic   any
}

// oddAccounts makes the accounts.
type oddAccounts struct {
	*testing.T
	others string                    // the server of the services that CloudFormation's model does not have
	shared *cloudtest.CloudFormation // of all commands that only read

	released *cloudtest.CloudFormation // of all commands that only read an account with records
}

func newOddAccounts(t *testing.T) *oddAccounts {
	a := newAccount(t)
	// A bundle of authorities, if this machine has one, is read by each run and takes a third of the test's time.
	t.Setenv("AWS_CA_BUNDLE", "")
	t.Setenv("XDG_CACHE_HOME", t.TempDir()) // where ssh's host keys go
	a.tables = oddTables
	a.build(oddWeb("small"))
	if err := os.Rename("build", "same"); err != nil {
		t.Fatal(err)
	}
	a.build(oddWeb("large"))
	for name, text := range map[string]string{
		"orbit.json": `{"name": "test", "regions": ["us-east-1"], "all": {"domain": "example.com"}}`,
		"web.json":   `{"name": "web", "all": {"services": {"web": {"image": "nginx"}}}}`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	key, err := ssh.NewPublicKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("bob.pub", ssh.MarshalAuthorizedKey(key), 0o600); err != nil {
		t.Fatal(err)
	}
	keys := kmstest.New(t)
	others := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		oddService(w, r, keys.Server.Config.Handler)
	}))
	t.Cleanup(others.Close)
	o := &oddAccounts{T: t, others: others.URL}
	o.shared = o.account(t, oddCommand{})
	o.released = o.account(t, oddCommand{records: true})
	o.seal("sealed.json")
	o.seal("rotated.json")
	return o
}

// seal writes a manifest of the app with an encrypted value. Commands that read and write manifests have one each.
func (o *oddAccounts) seal(name string) {
	body, err := os.ReadFile("web.json")
	if err == nil {
		err = os.WriteFile(name, body, 0o600)
	}
	if err != nil {
		o.Fatal(err)
	}
	args := []string{"secret", "encrypt", name, "--orbit", "orbit.json", "--key", "TOKEN", "--value", "x", "--modify"}
	if s, _ := o.spacel(o.shared.URL, oddCommand{args: args}); s.code != exitYes {
		o.Fatalf("%s%s", s.stdout, s.stderr)
	}
}

// account is an account with an orbit at work, or an empty one.
func (o *oddAccounts) account(t testing.TB, c oddCommand) *cloudtest.CloudFormation {
	cf := cloudtest.NewCloudFormation(t)
	cf.Forward(o.others)
	cf.Debian(east)
	if c.empty {
		return cf
	}
	if c.records {
		o.release(cf)
		return cf
	}
	tags := map[string]string{"spacel:orbit": "test"}
	for name, template := range map[string]string{"test-vpc": vpcTemplate, "test-tables": oddTables} {
		cf.Put(o.T, cloudtest.Stack{Region: east, Name: name, Status: types.StackStatusCreateComplete, Template: template, Tags: tags})
	}
	cf.Put(o.T, cloudtest.Stack{Region: east, Name: "test-web", Status: types.StackStatusUpdateComplete, Template: oddWeb("small"),
		Parameters: map[string]string{"VpcId": cf.Seen(east, "test-vpc").IDs["Vpc"], "Version": "latest"},
		Protected:  c.args != nil && c.args[0] == "destroy",
		Tags:       map[string]string{"spacel:orbit": "test", "spacel:app": "web"}})
	if slices.Contains(c.args, "--revert-drift") {
		cloudtest.ByHand{Account: cf, Region: east, Stack: "test-web"}.Set("Main", "DBInstanceClass", "huge")
	}
	if !c.changes {
		cf.Put(o.T, cloudtest.Stack{Region: east, Name: "test-bastion", Status: types.StackStatusCreateComplete, Template: vpcTemplate,
			Tags: tags, Outputs: map[string]string{"DnsRecord01": "bastion.example.com", "ElasticIp01": "203.0.113.1"}})
	}
	return cf
}

// release deploys the orbit twice, so that it has records of two releases of web.
func (o *oddAccounts) release(cf *cloudtest.CloudFormation) {
	bucket := cf.Bucket(o.T, east)
	for i, dir := range []string{"same", "build"} {
		args := []string{"deploy", dir, "--yes", "--version", fmt.Sprint("v", i+1), "--lambda-bucket", bucket}
		if s, _ := o.spacelIn(cf.URL, oddCommand{args: args}, cloud.Timing{}); s.code != exitYes {
			o.Fatalf("%s%s", s.stdout, s.stderr)
		}
	}
}

// ending is a test that ends before its own: end runs its cleanups.
type ending struct {
	testing.TB
	mu       sync.Mutex
	cleanups []func()
}

func (e *ending) Cleanup(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cleanups = append(e.cleanups, f)
}

func (e *ending) end() {
	for _, f := range slices.Backward(e.cleanups) {
		f()
	}
}

// run runs a command, and if it changes the account and fails, runs it again without odd answers.
func (o *oddAccounts) run(r oddRun) (end oddEnd) {
	// The servers of a run end with it: thousands of them would be too many open files.
	servers := &ending{TB: o.T}
	defer servers.end()
	cf := o.shared
	if r.command.records {
		cf = o.released
	}
	if r.command.changes {
		cf = o.account(servers, r.command)
	}
	bend := func(service, operation string, n int) cloudtest.Bend {
		if service+":"+operation != r.call || r.once && n > 1 {
			return ""
		}
		return r.bend
	}
	proxy := cloudtest.NewProxy(servers, cf.URL, cloudtest.Faults{Delay: oddLateness, Bend: bend})
	began := time.Now()
	end.session, end.panic = o.spacel(proxy.URL, r.command)
	end.took, end.calls = time.Since(began), proxy.Calls()
	end.stdout = seconds.ReplaceAllString(end.stdout, "0s apart")
	if !r.command.changes {
		return end
	}
	end.state = cf.State()
	if end.code != exitYes {
		end.again, _ = o.spacel(cf.URL, r.command)
		end.repairs = cf.State()
	}
	return end
}

func (o *oddAccounts) spacel(endpoint string, command oddCommand) (s session, panicked any) {
	return o.spacelIn(endpoint, command, oddTiming)
}

func (o *oddAccounts) spacelIn(endpoint string, command oddCommand, timing cloud.Timing) (s session, panicked any) {
	ctx, cancel := context.WithTimeout(o.Context(), time.Minute)
	defer cancel()
	stdout, stderr := &followed{until: command.until, interrupt: cancel}, &lockedBuffer{}
	c := newConsole(strings.NewReader(""), stdout, stderr)
	c.poll, c.patience, c.timing = 2*time.Millisecond, 700*time.Millisecond, timing
	defer func() { panicked = recover() }()
	app := newApp(c)
	// The flags of a command come after its arguments, and those of a command within a command as well.
	at := slices.Index(append(slices.Clone(command.args), "--"), "--") // the rest is a command of exec
	args := slices.Concat([]string{"spacel"}, command.args[:at], []string{"--endpoint-url", endpoint}, command.args[at:])
	arranged, err := arrange(app, args)
	if err != nil {
		return session{exitError, "", err.Error()}, nil
	}
	code := c.exit(app.RunContext(ctx, arranged))
	return session{code, stdout.String(), stderr.String()}, nil
}

// followed is the output of a command that may follow. It interrupts the command when it has printed a text.
type followed struct {
	lockedBuffer
	until     string
	interrupt func()
}

func (f *followed) Write(p []byte) (int, error) {
	n, err := f.lockedBuffer.Write(p)
	if f.until != "" && strings.Contains(f.String(), f.until) {
		f.interrupt()
	}
	return n, err
}

// oddCauses are the words that name the cause of a failure.
var oddCauses = map[cloudtest.Bend]*regexp.Regexp{
	cloudtest.Empty:         regexp.MustCompile(`HTTP status 200 with an empty body|is not what was deployed: its content has`),
	cloudtest.Bare:          regexp.MustCompile(`HTTP status 200|did not begin|is not what was deployed: its content has`),
	cloudtest.OtherStack:    regexp.MustCompile(`another stack|another change set|other-test|leaves out`),
	cloudtest.UnknownStatus: regexp.MustCompile(`UPDATE_DREAMT`),
	cloudtest.NoStatus:      regexp.MustCompile(`no StackStatus|no ResourceStatus|status ""`),
	cloudtest.Page:          regexp.MustCompile(`HTTP status 500 with an HTML page \("500 Proxy Error"\)`),
	cloudtest.Silent:        regexp.MustCompile(`cannot reach .*no answer in time`),
	cloudtest.Cut:           regexp.MustCompile(`cannot reach .*the connection was dropped`),
	cloudtest.Hangs:         regexp.MustCompile(`cannot reach .*(the answer began, and its rest did not come|no answer) in time`),
}

func (o *oddAccounts) check(r oddRun) {
	end := o.run(r)
	var wrong []string
	note := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	said := end.stdout + end.stderr
	switch {
	case end.panic != nil:
		note("it panics: %v", end.panic)
	case strings.Contains(said, "panic") || strings.Contains(said, "nil pointer"):
		note("a panic is printed")
	case end.code == exitYes && r.command.changes && end.state != r.clean.state && !isRedeploy(r):
		note("exit code 0, and the account is not as after a clean run")
	case end.code == exitYes && !r.command.changes && end.stdout != r.clean.stdout && !r.command.random &&
		!(r.bend != cloudtest.Late && oddCauses[r.bend].MatchString(end.stdout)):
		note("exit code 0, and another answer than that of a clean run:\n%s", r.clean.stdout)
	case end.code != exitYes && r.bend == cloudtest.Late:
		note("a late answer fails it")
	case end.code != exitYes && !oddCauses[r.bend].MatchString(said):
		note("the cause is not named")
	case end.code != exitYes && r.command.changes &&
		(end.again.code != exitYes || end.repairs != r.clean.state && !isRedeploy(r)):
		note("the next run does not repair it: exit code %d\n%s%s", end.again.code, end.again.stdout, end.again.stderr)
	}
	if waited := strings.Count(said, "no usable answer"); r.bend == cloudtest.Silent && waited < 2 && end.took > 4*oddTiming.Notice {
		note("%s of silence, %d lines", end.took, waited)
	}
	if len(wrong) > 0 {
		o.Errorf("%s:\n%s\nexit code %d after %s\nstdout: %s\nstderr: %s", r, strings.Join(wrong, "\n"), end.code, end.took, end.stdout,
			end.stderr)
	}
}

// isTrue reports whether AWS gives such an answer, too. Only CloudFormation's answers have names and statuses that are bent. DynamoDB
// answers {} for an item that does not exist, or did not exist before. An answer to HEAD has no body, so a page in it is an answer
// with status 500, and an empty one says that the bucket exists.
func isTrue(call string, bend cloudtest.Bend) bool {
	switch bend {
	case cloudtest.OtherStack, cloudtest.UnknownStatus, cloudtest.NoStatus:
		return !strings.HasPrefix(call, "cloudformation:")
	}
	switch call {
	case "dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem":
		return bend == cloudtest.Bare
	case "s3:HeadBucket":
		return bend == cloudtest.Bare || bend == cloudtest.Empty || bend == cloudtest.Page
	}
	return false
}

// isRedeploy: each redeploy makes another token, so the states of two accounts differ.
func isRedeploy(r oddRun) bool { return r.command.args[0] == "redeploy" }

// oddService answers for the services of an app at work: one instance, one line of a log, one user.
func oddService(w http.ResponseWriter, r *http.Request, keys http.Handler) {
	target := r.Header.Get("X-Amz-Target")
	operation := target[strings.LastIndex(target, ".")+1:]
	answered := []string{"DescribeKey", "ListAliases", "ListResourceTags"} // here, without the keys
	if strings.HasPrefix(target, "TrentService.") && !slices.Contains(answered, operation) {
		keys.ServeHTTP(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	if action := form.Get("Action"); action != "" {
		operation = action
	}
	answers := map[string]string{
		"DescribeRegions": `<DescribeRegionsResponse><regionInfo><item><regionName>us-east-1</regionName></item></regionInfo>` +
			`</DescribeRegionsResponse>`,
		"DescribeInstances": `<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>` +
			form.Get("Filter.1.Value.1") + `</instanceId><ipAddress>` + form.Get("Filter.1.Value.1") + `</ipAddress>` +
			`<tagSet><item><key>spacel:ssh-host-key</key><value>` + oddKey + `</value></item></tagSet>` +
			`<privateIpAddress>10.0.0.1</privateIpAddress></item></instancesSet></item></reservationSet></DescribeInstancesResponse>`,
		"DescribeScalingActivities": `<DescribeScalingActivitiesResponse><DescribeScalingActivitiesResult><Activities/>` +
			`</DescribeScalingActivitiesResult></DescribeScalingActivitiesResponse>`,
		"DescribeVolumes": `<DescribeVolumesResponse><volumeSet/></DescribeVolumesResponse>`,
		"FilterLogEvents": `{"events": [{"eventId": "1", "logStreamName": "web/i-1", "timestamp": 1800000000000, "message": "started"}]}`,
		"BatchGetItem":    `{"Responses": {"test-releases": []}, "UnprocessedKeys": {}}`,
		"GetItem":         `{"Item": {"name": {"S": "ada"}, "keys": {"SS": ["ssh-ed25519 AAAA"]}}}`,
		"Scan": `{"Items": [{"name": {"S": "ada"}, "keys": {"SS": ["ssh-ed25519 AAAA"]}, "admins": {"SS": ["ada"]}}],` +
			`"Count": 1}`,
		"UpdateItem":  `{"Attributes": {"name": {"S": "web"}, "admins": {"SS": ["ada"]}}}`,
		"DeleteItem":  `{"Attributes": {"name": {"S": "ada"}}}`,
		"DescribeKey": `{"KeyMetadata": {"KeyId": "k"}}`,
		"ListAliases": `{"Aliases": []}`,

		"ListResourceTags": `{"Tags": [{"TagKey": "spacel:orbit", "TagValue": "test"}, {"TagKey": "spacel:app", "TagValue": "web"}],` +
			`"Truncated": false}`,
		"GetRole": `<GetRoleResponse><GetRoleResult><Role><RoleName>AWSServiceRole</RoleName><RoleId>A</RoleId><Path>/</Path>` +
			`<Arn>arn:aws:iam::123456789012:role/x</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate></Role></GetRoleResult>` +
			`</GetRoleResponse>`,
		"DescribeAddresses": `<DescribeAddressesResponse><addressesSet/></DescribeAddressesResponse>`,
		"DescribeVpcs":      `<DescribeVpcsResponse><vpcSet/></DescribeVpcsResponse>`,
		"GetServiceQuota":   `{"Quota": {"Value": 5}}`,
	}
	answer, ok := answers[operation]
	if !ok {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"__type": "UnknownOperation", "message": %q}`, operation)
		return
	}
	fmt.Fprint(w, answer)
}
