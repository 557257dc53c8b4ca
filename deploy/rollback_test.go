package deploy

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/history"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/staging"
	"github.com/pebble/spacel/internal/cloudtest"
)

// rollback prepares a rollback of web in some regions, as the command does.
func (b *deployEnv) rollback(number int, regions ...string) (*Deployment, error) {
	b.Helper()
	c := cloud.New(b.cf.Config(b.T, ""), cloud.Access{})
	back := &Rollback{Targets: map[assembly.StackRef]history.Target{}}
	var records []history.Record
	for _, region := range regions {
		ref := assembly.StackRef{Region: region, Name: document.StackName("test", "web")}
		stack, err := live.New(c).Refresh(b.Context(), ref)
		if err != nil {
			return nil, err
		}
		found, err := history.Open(c, "test", region).Find(b.Context(), "web", number, stack.Changed())
		if err != nil {
			return nil, err
		}
		back.Targets[ref], back.Number = found, found.Record.Number
		records = append(records, found.Record)
	}
	a, err := history.Fetch(b.Context(), staging.New(c, staging.Buckets{}), "test", records, func(history.Record, *assembly.Stack) {})
	if err != nil {
		return nil, err
	}
	options := b.options
	options.Rollback, options.Values.Version = back, ""
	return Prepare(b.Context(), c, a, options, b.listen)
}

// rollBack rolls back and must succeed.
func (b *deployEnv) rollBack(number int, regions ...string) *Deployment {
	b.Helper()
	d, err := b.rollback(number, regions...)
	if err != nil {
		b.Fatal(err)
	}
	r, err := d.Execute(b.Context(), b.user, nil)
	if err != nil || !r.OK() {
		b.Fatalf("%v %+v", err, r)
	}
	return d
}

// released is an orbit with some releases of web, each with a version and a template of its own.
func released(t *testing.T, versions ...string) *deployEnv {
	b := newEnv(t)
	b.options.Buckets.Asset = b.cf.Bucket(t, east)
	for _, version := range versions {
		b.options.Values.Version = version
		b.deploy(recordedOrbit("display " + version)...)
	}
	return b
}

// A rollback brings the last good release back: template, version and token, in all regions. The next one goes on from there, and the
// artifact directory is not needed.
func TestRollback(t *testing.T) {
	b := released(t, "v1")
	first := b.webs()
	b.options.Values.Version, b.options.Values.Force = "v2", true
	b.deploy(recordedOrbit("second")...)
	second := b.webs()
	b.options.Values.Version = "v3"
	b.deploy(recordedOrbit("third")...)
	b.options.Values.Force = false

	b.rollBack(0, west, east)
	if got := b.webs(); got != second {
		t.Errorf("got %s\nwant %s", got, second)
	}
	b.rollBack(0, west, east)
	if got := b.webs(); got != first {
		t.Errorf("got %s\nwant %s", got, first)
	}
	_, err := b.rollback(0, west, east)
	if err == nil || !strings.Contains(err.Error(), "there is no good release of web in eu-west-1 to go back to") {
		t.Errorf("%v", err)
	}
	b.rollBack(2, west, east)
	if got := b.webs(); got != second {
		t.Errorf("got %s\nwant %s", got, second)
	}
	if got, want := b.history(east), "1 deploy good v1, 2 deploy good v2, 3 deploy good v3, 4 rollback good v2, 5 rollback good v1, "+
		"6 rollback good v2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	records := b.recordsOf(east)
	if last := records[5]; last.Again != 2 || *last.Artifact != *records[1].Artifact {
		t.Errorf("%+v", last)
	}
}

// After a release that failed, the last good one is the one before it. A redeploy of the same content is no release to go back to.
func TestRollbackAfterFailure(t *testing.T) {
	b := released(t, "v1", "v2")
	b.options.Regions = []string{east}
	good := b.webs()
	b.cf.Fail(cloudtest.Failure{Region: east, Stack: "test-web", Logical: "Topic", When: cloudtest.Update, Reason: "no"})
	b.options.Values.Version = "v3"
	b.deploy(recordedOrbit("third")...)
	d, err := b.rollback(0, east)
	if err != nil || d.options.Rollback.Number != 2 || d.Plan.Stacks[0].Action != None {
		t.Fatalf("%v %+v", err, d)
	}
	b.options.Values.Version, b.options.Values.Force = "", true
	b.deploy(recordedOrbit("display v2")...) // as after a retry that only replaces instances
	b.options.Values.Force = false
	b.rollBack(0, east)
	got := b.history(east)
	if !strings.HasSuffix(got, "3 deploy rolled back v3, 4 deploy good v2, 5 rollback good v1") || b.webs() == good {
		t.Errorf("got %s", got)
	}
}

// A stack that somebody changed after the last release, without a record, goes back to that release.
func TestRollbackOfUnrecordedChange(t *testing.T) {
	b := released(t, "v1", "v2")
	before := b.webs()
	b.options.Stacks, b.options.Regions = []string{"test-web"}, []string{east}
	b.update(east, "test-web", versioned("by hand"), map[string]string{"Version": "v9"})
	d := b.rollBack(0, east)
	if d.options.Rollback.Number != 2 || b.webs() != before {
		t.Errorf("%+v", d.options.Rollback)
	}
	b.says(strings.Join(d.Plan.Warnings, "\n"), "us-east-1/test-web: the stack in us-east-1 was changed at",
		"after release 2 and without a record")
}

// update updates a stack by hand.
func (b *deployEnv) update(region, name, template string, parameters map[string]string) {
	b.Helper()
	if err := cloudtest.UpdateByHand(b.cf, b.T, region, name, template, parameters); err != nil {
		b.Fatal(err)
	}
}

// A forged record, an exchanged or missing artifact, and a missing release are refused before anything is touched.
func TestRollbackRefuses(t *testing.T) {
	key := func(b *deployEnv, kind string) string {
		r := b.recordsOf(east)[0]
		return map[string]string{"releases": "spacel/releases/" + r.Artifact.Digest + ".json",
			"templates": "spacel/templates/" + r.Template + ".json"}[kind]
	}
	for name, c := range map[string]struct {
		break_ func(*deployEnv)
		number int
		want   string
	}{
		"forged": {func(b *deployEnv) {
			items := cloudtest.ItemsOf(b.cf, east, "test-releases")
			items[0]["record"] = map[string]any{"S": strings.Replace(items[0]["record"]["S"].(string), `"v1"`, `"v666"`, 2)}
			cloudtest.SetItems(b.cf, east, "test-releases", items)
		}, 1, "release 1 of web in us-east-1 is not trusted: its signature is wrong"},
		"manifest exchanged": {func(b *deployEnv) {
			cloudtest.SetObject(b.cf, b.options.Buckets.Asset, key(b, "releases"), []byte(`{"format": 1, "orbit": "test", "stacks": []}`))
		}, 1, "is not what was deployed: its content has the sha256"},
		"template exchanged": {func(b *deployEnv) {
			cloudtest.SetObject(b.cf, b.options.Buckets.Asset, key(b, "templates"), []byte(`{"Resources": {}}`))
		}, 1, "is not what was deployed: its content has the sha256"},
		"artifact deleted": {func(b *deployEnv) {
			cloudtest.SetObject(b.cf, b.options.Buckets.Asset, key(b, "releases"), nil)
		}, 1, "it is gone: somebody deleted it, or a lifecycle rule of the bucket did"},
		"missing release": {func(*deployEnv) {}, 9, "web has no release 9 in us-east-1"},
		"not good": {func(b *deployEnv) {
			b.cf.Fail(cloudtest.Failure{Region: east, Stack: "test-web", Logical: "Topic", When: cloudtest.Update, Reason: "no"})
			b.options.Values.Version, b.options.Regions = "v3", []string{east}
			b.deploy(recordedOrbit("third")...)
		}, 3, "release 3 of web in us-east-1 is rolled back, and only a good one can be deployed again"},
		"none": {func(b *deployEnv) { cloudtest.SetItems(b.cf, east, "test-releases", nil) }, 0,
			"no release is recorded of web in us-east-1"},
	} {
		t.Run(name, func(t *testing.T) {
			b := released(t, "v1", "v2")
			c.break_(b)
			before := b.cf.Everything()
			_, err := b.rollback(c.number, east)
			if err == nil || !strings.Contains(err.Error(), c.want) || b.cf.Everything() != before {
				t.Errorf("%v", err)
			}
		})
	}
}

// A release without an artifact cannot be deployed again, and the error says so.
func TestRollbackWithoutArtifact(t *testing.T) {
	b := newEnv(t)
	for _, display := range []string{"first", "second"} {
		b.deploy(recordedOrbit(display)...)
	}
	if _, err := b.rollback(0, east); !errors.Is(err, history.ErrNotKept) {
		t.Errorf("%v", err)
	}
}

// A rollback that fails in one region leaves the others rolled back. The same command again does the rest.
func TestRollbackFailsInTheMiddle(t *testing.T) {
	b := released(t, "v1")
	want := b.webs()
	b.options.Values.Version = "v2"
	b.deploy(recordedOrbit("display v2")...)
	b.cf.Fail(cloudtest.Failure{Region: east, Stack: "test-web", Logical: "Topic", When: cloudtest.Update, Reason: "no"})
	d, err := b.rollback(1, west, east)
	if err != nil {
		t.Fatal(err)
	}
	r, err := d.Execute(t.Context(), b.user, nil)
	if err != nil || r.OK() || outcomes(r) != "test-web updated, test-web failed" {
		t.Fatalf("%v %s", err, outcomes(r))
	}
	b.says(r.Failures[0].Next, "spacel rollback web --to 1 --orbit test --region us-east-1")
	if d := b.rollBack(0, east); d.options.Rollback.Number != 1 {
		t.Errorf("%+v", d.options.Rollback)
	}
	if got := b.webs(); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if w, e := b.history(west), b.history(east); !strings.HasSuffix(w, "3 rollback good v1") ||
		!strings.HasSuffix(e, "3 rollback rolled back v1, 4 rollback good v1") {
		t.Errorf("%s; %s", w, e)
	}
}

// The plan says which tasks of newer releases stay. Nothing of a record that is not trusted is repeated.
func TestRollbackNamesTasks(t *testing.T) {
	b := released(t, "v1", "v2", "v3")
	store := history.Open(cloud.New(b.cf.Config(t, ""), cloud.Access{}), "test", east)
	for n, outcome := range map[int]string{1: "done", 2: "done", 3: "failed"} {
		e, _, err := store.Get(t.Context(), "web", n)
		if err != nil {
			t.Fatal(err)
		}
		e.Tasks = []history.Task{{Name: fmt.Sprintf("migrate%d", n), Outcome: outcome}}
		if err := store.Change(t.Context(), e.Record); err != nil {
			t.Fatal(err)
		}
	}
	d, err := b.rollback(1, east)
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Join(d.Plan.Warnings, "\n")
	b.says(said, "the task migrate2 of release 2 (done) stays as it is: a rollback runs no task",
		"the task migrate3 of release 3 (failed) stays")
	if strings.Contains(said, "migrate1") || strings.Index(said, "migrate2") > strings.Index(said, "migrate3") {
		t.Errorf("%s", said)
	}
}

// webs is the deployed content of web in both regions, without the status. A hidden parameter is not recorded, and keeps its value.
func (b *deployEnv) webs() string {
	var out []string
	for _, region := range []string{west, east} {
		seen := b.cf.Seen(region, "test-web")
		out = append(out, fmt.Sprint(seen.Template, seen.Parameters["Version"], seen.Parameters["Token"], seen.Resources))
	}
	return strings.Join(out, "\n")
}
