package deploy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/history"
	"github.com/pebble/spacel/internal/cloudtest"
)

// releasesTemplate is a tables stack with the table and the key of records.
const releasesTemplate = `{"Resources": {
	"ReleasesTable": {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "Retain", "Properties": {
		"TableName": "test-releases", "KeySchema": [
		{"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "id", "KeyType": "RANGE"}]}},
	"ReleasesKey": {"Type": "AWS::KMS::Key", "Properties": {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}},
	"ReleasesKeyAlias": {"Type": "AWS::KMS::Alias", "Properties": {"AliasName": "alias/test/releases",
		"TargetKeyId": {"Ref": "ReleasesKey"}}}}}`

// versioned is an app's template with a version and a token, and one parameter that CloudFormation hides.
func versioned(display string) string {
	return fmt.Sprintf(`{"Parameters": {"Version": {"Type": "String"}, "Token": {"Type": "String", "Default": ""},
		"Hidden": {"Type": "String", "NoEcho": true, "Default": ""}},
		"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {
			"DisplayName": {"Fn::Sub": "%s ${Version} ${Token}"}}}}}`, display)
}

func versionSource(s *assembly.Stack) {
	s.Parameters["Version"] = assembly.ValueFrom{Version: &assembly.Version{Default: "v1"}}
	s.Parameters["Token"] = assembly.ValueFrom{Token: &assembly.Token{}}
	s.Parameters["Hidden"] = assembly.ValueFrom{Version: &assembly.Version{Default: "secret"}}
}

// recordedOrbit is an orbit with tables and one app, in two regions.
func recordedOrbit(display string) []built {
	var all []built
	for _, region := range []string{west, east} {
		all = append(all, testStack(region, "test-tables", releasesTemplate),
			testStack(region, "test-web", versioned(display), versionSource, after("test-tables")))
	}
	return all
}

// recordsOf lists the records of web in a region as the items have them.
func (b *deployEnv) recordsOf(region string) []history.Record {
	b.Helper()
	var out []history.Record
	for _, item := range cloudtest.ItemsOf(b.cf, region, "test-releases") {
		var r history.Record
		if err := json.Unmarshal([]byte(item["record"]["S"].(string)), &r); err != nil {
			b.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// history lists number, command, outcome and version of the records in a region.
func (b *deployEnv) history(region string) string {
	var out []string
	for _, r := range b.recordsOf(region) {
		out = append(out, fmt.Sprintf("%d %s %s %s", r.Number, r.Command, r.Outcome, r.Version))
	}
	return strings.Join(out, ", ")
}

// Every release is recorded in each of its regions, under one number and id. The first one, too, whose run makes the tables.
func TestReleasesAreRecorded(t *testing.T) {
	b := newEnv(t)
	b.options.Buckets.Asset = b.cf.Bucket(t, east)
	b.options.Values.Environment = func(name string) (string, bool) {
		v, ok := map[string]string{"GITLAB_CI": "true", "CI_COMMIT_SHA": "0123456789abcdef0123456789abcdef01234567"}[name]
		return v, ok
	}
	b.deploy(recordedOrbit("first")...)
	for _, region := range []string{west, east} {
		if got := b.history(region); got != "1 deploy good v1" {
			t.Errorf("%s: %s", region, got)
		}
	}
	one, other := b.recordsOf(west)[0], b.recordsOf(east)[0]
	if one.ID != other.ID || !slices.Equal(one.Regions, []string{west, east}) || one.Artifact == nil || *one.Artifact != *other.Artifact ||
		!strings.HasPrefix(one.By, "arn:aws:iam::") || one.From.Commit == "" || one.Stack == nil || one.Stack.Changed.IsZero() {
		t.Errorf("%+v\n%+v", one, other)
	}
	if b.cf.Object(one.Artifact.Bucket, "spacel/releases/"+one.Artifact.Digest+".json") == nil {
		t.Error("the artifact is not in the bucket")
	}

	// An unchanged app makes no release. One region alone makes a release of that region.
	before := b.cf.Everything()
	b.deploy(recordedOrbit("first")...)
	if b.cf.Everything() != before {
		t.Error("an unchanged deploy wrote something")
	}
	b.options.Regions = []string{east}
	b.deploy(recordedOrbit("second")...)
	b.options.Regions, b.options.Values.Version = nil, "v2"
	b.deploy(recordedOrbit("third")...)
	if w, e := b.history(west), b.history(east); w != "1 deploy good v1, 3 deploy good v2" ||
		e != "1 deploy good v1, 2 deploy good v1, 3 deploy good v2" {
		t.Errorf("%s; %s", w, e)
	}
	for _, r := range b.recordsOf(east) {
		if r.Parameters["Hidden"] != "" || r.Parameters["Version"] == "" {
			t.Errorf("parameters: %v", r.Parameters)
		}
	}
}

// A dry run and a refusal leave no record.
func TestDryRunsAreNotRecorded(t *testing.T) {
	b := newEnv(t)
	b.deploy(recordedOrbit("first")...)
	b.options.DryRun = true
	before := b.cf.Everything()
	d := b.prepared(recordedOrbit("second")...)
	if err := d.Discard(t.Context()); err != nil || b.cf.Everything() != before {
		t.Errorf("%v", err)
	}
	b.options.DryRun, b.user.confirm = false, false
	_, err := b.prepared(recordedOrbit("second")...).Execute(t.Context(), b.user, nil)
	if err == nil || b.history(east) != "1 deploy good v1" {
		t.Errorf("%v %s", err, b.history(east))
	}
}

// The record is there, as running, before the stack's operation begins. Its end says how the release ended.
func TestOutcomesAreRecorded(t *testing.T) {
	for name, c := range map[string]struct {
		arrange func(*deployEnv, *activity.Control)
		want    history.Outcome
	}{
		"good": {func(*deployEnv, *activity.Control) {}, history.Good},
		"rolled back": {func(b *deployEnv, _ *activity.Control) {
			b.cf.Fail(cloudtest.Failure{Region: east, Stack: "test-web", Logical: "Topic", When: cloudtest.Update, Reason: "no"})
		}, history.RolledBack},
		"stopped": {func(_ *deployEnv, c *activity.Control) { c.Stop() }, history.Interrupted},
		"cancelled": {func(b *deployEnv, c *activity.Control) {
			b.cf.Hold(east, "test-web")
			b.listeners = append(b.listeners, func(e activity.Event) {
				if e.Kind == activity.Started {
					c.Cancel()
					b.cf.Release(east, "test-web")
				}
			})
		}, history.RolledBack},
		"detached": {func(b *deployEnv, c *activity.Control) {
			b.cf.Hold(east, "test-web")
			b.listeners = append(b.listeners, func(e activity.Event) {
				if e.Kind == activity.Started {
					c.Detach()
				}
			})
		}, history.Interrupted},
	} {
		t.Run(name, func(t *testing.T) {
			b := newEnv(t)
			b.options.Regions = []string{east}
			b.deploy(recordedOrbit("first")...)
			control := activity.NewControl()
			var running []string
			b.listeners = append(b.listeners, func(e activity.Event) {
				if e.Kind == activity.Started && e.Stack == "test-web" {
					running = append(running, b.history(east))
				}
			})
			c.arrange(b, control)
			if _, err := b.prepared(recordedOrbit("second")...).Execute(t.Context(), b.user, control); err != nil {
				t.Fatal(err)
			}
			records := b.recordsOf(east)
			if last := records[len(records)-1]; last.Number != 2 || last.Outcome != c.want || (last.Why == "") != (c.want == history.Good) {
				t.Errorf("%+v", last)
			}
			if want := "1 deploy good v1, 2 deploy running v1"; name != "stopped" && (len(running) != 1 || running[0] != want) {
				t.Errorf("when the operation began: %v", running)
			}
		})
	}
}

// An orbit whose tables stack is older deploys as before, and a note says what is missing.
func TestOldOrbitsDeployWithoutRecords(t *testing.T) {
	b := newEnv(t)
	stacks := func(display string) []built {
		return []built{testStack(east, "test-tables", topics("Old")), testStack(east, "test-web", versioned(display), versionSource,
			after("test-tables"))}
	}
	b.expect(b.deploy(stacks("first")...), "test-tables created, test-web created")
	b.expect(b.deploy(stacks("second")...), "test-tables unchanged, test-web updated")
	notes := b.told(activity.Note)
	if len(notes) != 2 || !strings.Contains(notes[1], "releases are not recorded: test-tables has no table for records yet") {
		t.Errorf("%v", notes)
	}
	// The next update of the tables stack brings the table, and the release of the same run is recorded.
	newer := stacks("third")
	newer[0] = testStack(east, "test-tables", releasesTemplate)
	b.deploy(newer...)
	if got := b.history(east); got != "1 deploy good v1" {
		t.Errorf("got %s", got)
	}
}

// A release that cannot be recorded is refused before anything is touched, unless the user says otherwise.
func TestUnrecordedReleasesAreRefused(t *testing.T) {
	b := newEnv(t)
	b.options.Regions = []string{east}
	b.deploy(recordedOrbit("first")...)
	// The key is gone, as after its deletion by hand. The tables stack is not a part of the run, so nothing repairs it.
	b.deploy(testStack(east, "test-tables", strings.Replace(releasesTemplate, "alias/test/", "alias/other/", 1)))
	b.options.Stacks = []string{"test-web"}
	before := b.cf.Everything()
	_, err := b.prepared(recordedOrbit("second")...).Execute(t.Context(), b.user, nil)
	if err == nil || b.cf.Everything() != before {
		t.Fatalf("%v", err)
	}
	b.says(err.Error(), "the release of web cannot be recorded, so it was not deployed", "alias/test/releases", "--no-record")
	b.options.Unrecorded = true
	b.expect(b.deploy(recordedOrbit("second")...), "test-web updated")
	if got := b.told(activity.Warning); len(got) != 1 || !strings.Contains(got[0], "is not recorded") {
		t.Errorf("%v", got)
	}
}
