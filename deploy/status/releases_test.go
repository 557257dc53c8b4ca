package status

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/history"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/internal/cloudtest"
)

// tablesTemplate is the part of an orbit's tables stack that records need.
const tablesTemplate = `{"Resources": {
	"ReleasesTable": {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "test-releases", "KeySchema": [
		{"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "id", "KeyType": "RANGE"}]}},
	"ReleasesKey": {"Type": "AWS::KMS::Key", "Properties": {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}},
	"ReleasesKeyAlias": {"Type": "AWS::KMS::Alias", "Properties": {"AliasName": "alias/test/releases",
		"TargetKeyId": {"Ref": "ReleasesKey"}}}},
	"Outputs": {"ReleasesTable": {"Value": {"Ref": "ReleasesTable"}}}}`

// recorded is the account of running with the table of releases.
func recorded(t *testing.T) *cloudtest.CloudFormation {
	cf := running(t, 0)
	cf.Put(t, cloudtest.Stack{Region: east, Name: "test-tables", Status: types.StackStatusCreateComplete, Template: tablesTemplate,
		Tags: map[string]string{document.TagOrbit: "test"}})
	return cf
}

// ends are the ends of an app's releases. A time before the stack's last change is one of a change after the release.
type end struct {
	outcome history.Outcome
	version string
	before  time.Duration
}

// record writes the releases of web, the oldest first.
func record(t *testing.T, cf *cloudtest.CloudFormation, ends ...end) {
	t.Helper()
	c := cloud.New(cloudtest.Config(t, cf.URL, east), cloud.Access{})
	stack, err := live.New(c).Get(t.Context(), assembly.StackRef{Region: east, Name: "test-web"})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range ends {
		w := &history.Writer{}
		w.Region(history.Open(c, "test", east), history.Record{App: "web", ID: history.NewID(), Command: "deploy",
			Outcome: history.Running, By: "arn:aws:sts::123456789012:assumed-role/deployer/ci", Version: e.version,
			Began: time.Date(2026, 12, 1, 9, 30, 0, 0, time.UTC), Template: strings.Repeat("a", 64), Regions: []string{east}}, false)
		if err := w.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		if e.outcome == history.Running {
			continue
		}
		if _, err := w.Change(t.Context(), east, func(r *history.Record) {
			r.Outcome, r.Seconds = e.outcome, 90
			r.Stack = &history.Stack{ID: stack.ID, Changed: stack.Changed().Add(-e.before)}
			if e.outcome != history.Good {
				r.Why = "the alarm errors went off"
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// releasesText is the two releases of web in short, with the notes.
func releasesText(r *Report) string {
	short := func(r *Release) string {
		if r == nil {
			return "none"
		}
		return strings.TrimSpace(fmt.Sprintf("%d %s %s %s%s", r.Number, r.Version, r.Outcome, r.Why, r.Problem))
	}
	return fmt.Sprintf("runs %s; last %s; %v", short(r.Stacks[0].Release), short(r.Stacks[0].LastRelease), r.Notes)
}

// The release that runs is told by the time of the stack's last change, and never by the order of the records alone.
func TestReleases(t *testing.T) {
	const hour = time.Hour
	for want, ends := range map[string][]end{
		"runs none; last none; []": nil,
		"runs 2 1.4 good; last 2 1.4 good; []": {
			{history.Good, "1.3", hour}, {history.Good, "1.4", 0}},
		"runs 1 1.4 good; last 2 1.5 rolled back the alarm errors went off; []": {
			{history.Good, "1.4", hour}, {history.RolledBack, "1.5", 0}},
		// Nothing tells the version that a stack has after a failure.
		"runs none; last 2 1.5 failed the alarm errors went off; []": {
			{history.Good, "1.4", hour}, {history.Failed, "1.5", 0}},
		"runs none; last 1 1.4 good the stack was changed at": {{history.Good, "1.4", hour}},
		// The stack has another version than the record of its last change: it is not that release.
		"runs none; last 1 1.3 good; []": {{history.Good, "1.3", 0}},
		"runs 1 1.4 good; last 2 1.5 running CloudFormation runs no operation: the run waits, or was killed; []": {
			{history.Good, "1.4", 0}, {history.Running, "1.5", 0}},
	} {
		t.Run(want, func(t *testing.T) {
			cf := recorded(t)
			record(t, cf, ends...)
			r, err := read(t, cf.URL)
			if err != nil {
				t.Fatal(err)
			}
			if got := releasesText(r); !strings.HasPrefix(got, want) {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// A record that somebody changed has no outcome, whatever it says. The release before it is none that runs.
func TestForgedRelease(t *testing.T) {
	cf := recorded(t)
	record(t, cf, end{history.Good, "1.3", time.Hour}, end{history.Failed, "1.4", 0})
	items := cloudtest.ItemsOf(cf, east, "test-releases")
	forged := items[1]["record"]["S"].(string)
	items[1]["record"] = map[string]any{"S": strings.Replace(forged, `"outcome":"failed"`, `"outcome":"good"`, 1)}
	cloudtest.SetItems(cf, east, "test-releases", items)
	r, err := read(t, cf.URL)
	if err != nil {
		t.Fatal(err)
	}
	if got := releasesText(r); !strings.HasPrefix(got, "runs none; last 2   its signature is wrong") {
		t.Error(got)
	}
	body, err := json.Marshal(r.Stacks[0].LastRelease)
	if err != nil || strings.Contains(string(body), "good") || strings.Contains(string(body), "1.4") {
		t.Errorf("%s %v", body, err)
	}
}

// Without a table, or without rights on it or on its key, the stacks' states are told, and the report says what is not known.
func TestUnknownReleases(t *testing.T) {
	refusing := func(service string) func(*testing.T) string {
		return func(t *testing.T) string {
			cf := recorded(t)
			record(t, cf, end{history.Good, "1.4", 0})
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !strings.Contains(r.Header.Get("Authorization"), "/"+service+"/") {
					cf.ServeHTTP(w, r)
					return
				}
				w.Header().Set("Content-Type", "application/x-amz-json-1.0")
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprint(w, `{"__type": "AccessDeniedException", "message": "no"}`)
			}))
			t.Cleanup(s.Close)
			return s.URL
		}
	}
	for want, url := range map[string]func(*testing.T) string{
		"us-east-1: releases are not known: test-tables has no table of releases": func(t *testing.T) string { return running(t, 0).URL },
		"us-east-1: releases are not known: read the table test-releases":         refusing("dynamodb"),
		"last 1   its signature cannot be verified":                               refusing("kms"),
		// Somebody deleted the table, and the stack says that it is there.
		"us-east-1: releases are not known: there is no table of releases": func(t *testing.T) string {
			cf := running(t, 0)
			cf.Put(t, cloudtest.Stack{Region: east, Name: "test-tables", Status: types.StackStatusCreateComplete,
				Template: `{"Resources": {"Vpc": {"Type": "AWS::EC2::VPC"}}}`, Outputs: map[string]string{"ReleasesTable": "test-releases"},
				Tags: map[string]string{document.TagOrbit: "test"}})
			return cf.URL
		},
	} {
		t.Run(want, func(t *testing.T) {
			r, err := read(t, url(t))
			if err != nil {
				t.Fatal(err)
			}
			if got := releasesText(r); !strings.Contains(got, want) || r.Stacks[0].Release != nil || r.Stacks[0].State != Good {
				t.Errorf("%s\n%+v", got, r.Stacks[0])
			}
		})
	}
}

// Records of many apps are not read, and the report says so.
func TestReleasesOfManyApps(t *testing.T) {
	cf := recorded(t)
	for i := range mostApps {
		cf.Put(t, cloudtest.Stack{Region: east, Name: fmt.Sprint("test-web", i), Status: "CREATE_COMPLETE",
			Template: `{"Resources": {"Vpc": {"Type": "AWS::EC2::VPC"}}}`, Outputs: map[string]string{document.OutputGroup: "none"},
			Tags: map[string]string{document.TagOrbit: "test", document.TagApp: fmt.Sprint("web", i)}})
	}
	cf.ResetCalls()
	r, err := read(t, cf.URL)
	if err != nil {
		t.Fatal(err)
	}
	if calls := cf.Calls(); calls["dynamodb:Query"]+calls["kms:VerifyMac"] > 0 {
		t.Errorf("%v", calls)
	}
	want := "the last releases of 52 apps are not read, only those of up to 50: choose some with --app"
	if got := releasesText(r); !strings.Contains(got, want) {
		t.Error(got)
	}
}
