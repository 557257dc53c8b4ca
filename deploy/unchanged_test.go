package deploy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/compared"
	"github.com/pebble/spacel/internal/cloudtest"
	"github.com/pebble/spacel/internal/stride"
)

// comparedEnv is an orbit whose stacks have items. A stack with a secret is among them.
type comparedEnv struct {
	*deployEnv
	url string // of the account, or of a proxy before it
}

// hidden is a template with a parameter that CloudFormation hides.
const hidden = `{"Parameters": {"Hook": {"Type": "String", "NoEcho": true}}, "Resources": {"Topic": {"Type": "AWS::SNS::Topic",
	"Properties": {"DisplayName": {"Ref": "Hook"}}}}}`

func secretOf(name string) func(*assembly.Stack) {
	return func(s *assembly.Stack) {
		s.Parameters["Hook"] = assembly.ValueFrom{Secret: &assembly.Secret{SSM: name}}
	}
}

// orbitOf is an orbit with tables, a stack whose topics are given, one that is always the same, and one with a secret.
func orbitOf(names ...string) []built {
	return []built{testStack(west, "test-api", topics("Api"), after("test-tables")), testStack(west, "test-hook", hidden,
		secretOf("/hook"), after("test-tables")), testStack(west, "test-tables", releasesTemplate),
		testStack(west, "test-web", topics(names...), after("test-tables"))}
}

// quietDay is a day whose sample has none of the stacks of orbitOf.
func quietDay() time.Time {
	day := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	for slices.ContainsFunc(orbitOf(), func(s built) bool { return compared.Sampled(s.Ref(), day) }) {
		day = day.AddDate(0, 0, 1)
	}
	return day
}

// newComparedEnv deploys the orbit. Its items come from this run's own operations.
func newComparedEnv(t *testing.T) *comparedEnv {
	b := &comparedEnv{deployEnv: newEnvNow(t)}
	b.url = b.cf.URL
	b.options.Handful, b.options.Day = -1, quietDay()
	b.cf.Parameter(west, "/hook", "one")
	b.must(orbitOf("A")...)
	return b
}

// run deploys.
func (b *comparedEnv) run(stacks ...built) (*Result, error) {
	b.Helper()
	access := cloud.Access{Timing: cloud.Timing{Delay: time.Millisecond}}
	d, err := Prepare(b.Context(), cloud.New(cloudtest.Config(b.T, b.url, ""), access), b.artifact(stacks...), b.options, b.listen)
	if err != nil {
		return nil, err
	}
	return d.Execute(b.Context(), b.user, nil)
}

// must deploys, which must succeed, and returns the outcome of test-web.
func (b *comparedEnv) must(stacks ...built) activity.Outcome {
	b.Helper()
	b.cf.ResetCalls()
	r, err := b.run(stacks...)
	if err != nil {
		b.Fatal(err)
	}
	if !r.OK() {
		b.Fatalf("%s: %+v", outcomes(r), r.Failures)
	}
	return r.Stacks[slices.IndexFunc(r.Stacks, func(s StackResult) bool { return s.Name == "test-web" })].Outcome
}

// compares is the number of templates that the last run read.
func (b *comparedEnv) compares() int { return b.cf.Calls()["cloudformation:GetTemplate"] }

// items are the items of the table, by stack.
func (b *comparedEnv) items() map[string]compared.Item {
	b.Helper()
	out := map[string]compared.Item{}
	for _, raw := range cloudtest.ItemsOf(b.cf, west, "test-releases") {
		if body, ok := raw["compared"]["S"].(string); ok {
			var item compared.Item
			if err := json.Unmarshal([]byte(body), &item); err != nil {
				b.Fatal(err)
			}
			out[item.Stack] = item
		}
	}
	return out
}

// client is CloudFormation as somebody else calls it.
func (b *comparedEnv) client() *cloudformation.Client {
	return cloudformation.NewFromConfig(b.cf.Config(b.T, west))
}

// edit updates test-web by hand.
func (b *comparedEnv) edit() {
	b.Helper()
	if err := cloudtest.UpdateByHand(b.cf, b.T, west, "test-web", topics("A", "Hand"), nil); err != nil {
		b.Fatal(err)
	}
}

// remove deletes test-web by hand.
func (b *comparedEnv) remove() {
	b.Helper()
	in := &cloudformation.DeleteStackInput{StackName: aws.String("test-web")}
	if _, err := b.client().DeleteStack(b.Context(), in); err != nil {
		b.Fatal(err)
	}
	b.cf.Settle()
}

// wantTopics fails unless test-web has the artifact's template.
func (b *comparedEnv) wantTopics(names ...string) {
	b.Helper()
	if got := b.cf.Seen(west, "test-web").Template; got != topics(names...) {
		b.Errorf("test-web has the template %s", got)
	}
}

// An orbit with items costs a listing, one Query and one MAC, whether its stacks have secrets or not.
func TestUnchangedWithItems(t *testing.T) {
	t.Parallel()
	b := newComparedEnv(t)
	if got := b.items(); len(got) != 4 || got["test-hook"].Hidden["Hook"] == "" {
		t.Fatalf("after the first deploy: %+v", got)
	}
	before := b.cf.Everything()
	if got := b.must(orbitOf("A")...); got != activity.WasUnchanged {
		t.Errorf("test-web is %s", got)
	}
	want := map[string]int{"cloudformation:DescribeStacks": 1, "dynamodb:Query": 1, "kms:GenerateMac": 1, "sts:GetCallerIdentity": 1,
		"ssm:GetParameter": 1}
	if got := b.cf.Calls(); !maps.Equal(got, want) {
		t.Errorf("calls: %v", got)
	}
	if b.cf.Everything() != before {
		t.Error("it wrote something")
	}
	// --verify trusts no item.
	b.options.Verify = true
	b.must(orbitOf("A")...)
	if b.compares() < 4 {
		t.Errorf("--verify read %d templates", b.compares())
	}
	b.options.Verify, b.options.DryRun = false, true
	cloudtest.SetItems(b.cf, west, "test-releases", nil)
	if _, err := b.run(orbitOf("A")...); err != nil || len(b.items()) > 0 {
		t.Errorf("a dry run: %v, %v", b.items(), err)
	}
}

// Without items everything is compared, and the next run has them.
func TestItemsAfterComparisons(t *testing.T) {
	t.Parallel()
	b := newComparedEnv(t)
	for _, page := range []int{100, 1} {
		b.cf.Page = page
		cloudtest.SetItems(b.cf, west, "test-releases", nil)
		b.must(orbitOf("A")...)
		if got := b.items(); b.compares() != 4 || len(got) != 4 || got["test-hook"].Hidden["Hook"] == "" {
			t.Errorf("%d comparisons, items %+v", b.compares(), got)
		}
		b.must(orbitOf("A")...)
		if b.compares() != 0 {
			t.Errorf("%d comparisons with items", b.compares())
		}
	}
}

// A stack that somebody changed by hand is found, in whatever way.
func TestHandChangesAreFound(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(b *comparedEnv){
		"an update": (*comparedEnv).edit,
		"a change set": func(b *comparedEnv) {
			made, err := b.client().CreateChangeSet(b.Context(), &cloudformation.CreateChangeSetInput{StackName: aws.String("test-web"),
				ChangeSetName: aws.String("hand"), TemplateBody: aws.String(topics("A", "Hand"))})
			if err != nil {
				b.Fatal(err)
			}
			in := &cloudformation.ExecuteChangeSetInput{ChangeSetName: made.Id}
			if _, err := b.client().ExecuteChangeSet(b.Context(), in); err != nil {
				b.Fatal(err)
			}
			b.cf.Settle()
		},
		"a deletion and a creation": func(b *comparedEnv) {
			b.remove()
			b.cf.Put(b, cloudtest.Stack{Region: west, Name: "test-web", Status: types.StackStatusCreateComplete,
				Template: topics("A", "Hand"), Tags: orbitOf("A")[3].Tags})
		},
		"a deletion": (*comparedEnv).remove,
		// AWS does not document what a rollback does to the time. Its status tells.
		"a rollback to another template, at the same time": func(b *comparedEnv) {
			before := b.items()["test-web"]
			b.cf.Fail(cloudtest.Failure{Region: west, Stack: "test-web", Logical: "Hand", When: cloudtest.Create, Reason: "no"})
			b.edit()
			cloudtest.ChangeUnseen(b.cf, b, west, "test-web", topics("A", "Hand"))
			cloudtest.SetUpdated(b.cf, west, "test-web", before.Changed)
			if got := b.cf.Seen(west, "test-web").Status; got != types.StackStatusUpdateRollbackComplete {
				b.Fatal(got)
			}
		},
		// The id of the last operation tells of an update that leaves the time.
		"an update at the same time": func(b *comparedEnv) {
			before := b.items()["test-web"]
			b.edit()
			cloudtest.SetUpdated(b.cf, west, "test-web", before.Changed)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newComparedEnv(t)
			b.must(orbitOf("B")...)
			b.must(orbitOf("A")...) // so that the status is that of an update, as after one by hand
			change(b)
			if got := b.must(orbitOf("A")...); got != activity.WasUpdated && got != activity.WasCreated {
				t.Errorf("test-web is %s", got)
			}
			b.wantTopics("A")
			b.must(orbitOf("A")...)
			b.wantTopics("A")
		})
	}
}

// A rolled back update leaves the template, so the stack is unchanged. It has no item, because no state of this kind proves a template.
func TestRollbacksAreCompared(t *testing.T) {
	t.Parallel()
	b := newComparedEnv(t)
	b.cf.Fail(cloudtest.Failure{Region: west, Stack: "test-web", Logical: "Hand", When: cloudtest.Create, Reason: "no"})
	b.edit()
	for range 2 {
		if got := b.must(orbitOf("A")...); got != activity.WasUnchanged || b.compares() != 1 {
			t.Errorf("test-web is %s after %d comparisons", got, b.compares())
		}
	}
}

// An operation that CloudFormation does not show at all is found by --verify, and by the sample within its days.
func TestUnseenChangesAreFound(t *testing.T) {
	t.Parallel()
	for name, find := range map[string]func(b *comparedEnv){
		"verify": func(b *comparedEnv) { b.options.Verify = true; b.must(orbitOf("A")...) },
		"sample": func(b *comparedEnv) {
			for range compared.SampleDays {
				b.options.Day = b.options.Day.AddDate(0, 0, 1)
				b.must(orbitOf("A")...)
			}
			if got := b.told(activity.Warning); len(got) != 1 || !strings.Contains(got[0], "spacel deploy --verify") {
				b.Errorf("told %q", got)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newComparedEnv(t)
			cloudtest.ChangeUnseen(b.cf, b, west, "test-web", topics("A", "Hand"))
			find(b)
			b.wantTopics("A")
		})
	}
}

// A secret whose source changed is deployed, also when its version is a number that it had before.
func TestChangedSecretsAreDeployed(t *testing.T) {
	t.Parallel()
	b := newComparedEnv(t)
	value := func() string { return b.cf.Seen(west, "test-hook").Resources["Topic"] }
	b.must(orbitOf("A")...)
	b.cf.Parameter(west, "/hook", "two")
	b.must(orbitOf("A")...)
	if !strings.Contains(value(), "two") {
		t.Errorf("the secret is %s", value())
	}
	cloudtest.DeleteParameter(b.cf, west, "/hook")
	b.cf.Parameter(west, "/hook", "three")
	b.must(orbitOf("A")...)
	if !strings.Contains(value(), "three") {
		t.Errorf("the secret is %s", value())
	}
	// A secret that comes from elsewhere has no version, so CloudFormation is asked each time.
	s := orbitOf("A")
	s[1] = testStack(west, "test-hook", hidden, func(s *assembly.Stack) {
		s.Parameters["Hook"] = assembly.ValueFrom{Secret: &assembly.Secret{Environment: "SPACEL_WEBHOOK_HOOK"}}
	}, after("test-tables"))
	for _, now := range []string{"four", "five"} {
		b.options.Values.Environment = func(string) (string, bool) { return now, true }
		b.must(s...)
		if !strings.Contains(value(), now) {
			t.Errorf("the secret is %s, want %s", value(), now)
		}
	}
}

// A stack that has an item and is not listed is asked for by name, and is not created.
func TestUnlistedStacks(t *testing.T) {
	t.Parallel()
	b := newComparedEnv(t)
	b.must(orbitOf("A")...)
	b.cf.Unlisted = "test-web"
	got := b.must(orbitOf("A")...)
	calls := b.cf.Calls()
	if got != activity.WasUnchanged || b.compares() != 0 || calls["cloudformation:DescribeStacks"] != 2 ||
		calls["cloudformation:CreateChangeSet"] > 0 {
		t.Errorf("test-web is %s: %v", got, b.cf.Calls())
	}
	// Without an item it is taken for a new one, until CloudFormation refuses to create it.
	cloudtest.SetItems(b.cf, west, "test-releases", nil)
	if got := b.must(orbitOf("B")...); got != activity.WasUpdated {
		t.Errorf("test-web is %s", got)
	}
	b.wantTopics("B")
}

// modes are the ways in which the items of an orbit can be of no use.
var modes = map[string]func(b *comparedEnv){
	"on":  func(*comparedEnv) {},
	"off": func(b *comparedEnv) { cloudtest.SetItems(b.cf, west, "test-releases", nil) },
	"stale": func(b *comparedEnv) {
		old := cloudtest.ItemsOf(b.cf, west, "test-releases")
		b.must(orbitOf("B")...)
		b.must(orbitOf("A")...)
		cloudtest.SetItems(b.cf, west, "test-releases", old)
	},
	"unreadable":     bent("dynamodb:Query", cloudtest.Denied),
	"without a key":  bent("kms:GenerateMac", cloudtest.Denied),
	"a page":         bent("dynamodb:Query", cloudtest.Page),
	"half an answer": bent("dynamodb:Query", cloudtest.Bare),
	"a bare MAC":     bent("kms:GenerateMac", cloudtest.Bare),
	"cut":            bent("dynamodb:Query", cloudtest.Cut),
	"unwritable":     bent("dynamodb:BatchWriteItem", cloudtest.Denied),
	"unlistable":     bentListing(cloudtest.Denied),
	"a bare listing": bentListing(cloudtest.Bare),
	"a listed page":  bentListing(cloudtest.Page),
	"throttled": func(b *comparedEnv) {
		b.url = cloudtest.NewProxy(b, b.cf.URL, cloudtest.Faults{Seed: 1, Throttle: 0.4}).URL
	},
}

// bent bends every answer of a call.
func bent(call string, bend cloudtest.Bend) func(b *comparedEnv) {
	return func(b *comparedEnv) {
		b.url = cloudtest.NewProxy(b, b.cf.URL, cloudtest.Faults{Bend: func(service, operation string, _ int) cloudtest.Bend {
			if service+":"+operation == call {
				return bend
			}
			return ""
		}}).URL
	}
}

// bentListing bends the first answers of DescribeStacks, which are those of the listing and its repetitions.
func bentListing(bend cloudtest.Bend) func(b *comparedEnv) {
	return func(b *comparedEnv) {
		b.url = cloudtest.NewProxy(b, b.cf.URL, cloudtest.Faults{Bend: func(_, operation string, n int) cloudtest.Bend {
			if operation == "DescribeStacks" && (n <= 1 || n <= 3 && bend == cloudtest.Page) {
				return bend
			}
			return ""
		}}).URL
	}
}

// Whatever the items are, a change by hand, a change of the artifact and one of a secret are never skipped, and nothing else changes.
func TestItemsNeverSkipAChange(t *testing.T) {
	t.Parallel()
	for name, prepare := range modes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newComparedEnv(t)
			b.must(orbitOf("A")...)
			b.options.Unrecorded = true // what hides the items may hide the records, too
			prepare(b)
			if got := b.must(orbitOf("A")...); got != activity.WasUnchanged {
				t.Errorf("an unchanged stack is %s", got)
			}
			b.edit()
			if got := b.must(orbitOf("A")...); got != activity.WasUpdated {
				t.Errorf("a stack that was changed by hand is %s", got)
			}
			b.wantTopics("A")
			b.cf.Parameter(west, "/hook", "two")
			if got := b.must(orbitOf("B")...); got != activity.WasUpdated {
				t.Errorf("a changed stack is %s", got)
			}
			b.wantTopics("B")
			if got := b.cf.Seen(west, "test-hook").Resources["Topic"]; !strings.Contains(got, "two") {
				t.Errorf("the secret is %s", got)
			}
		})
	}
}

// A forged item says that the present state has the artifact's template. Without the key it is not believed.
func TestForgedItemsSkipNothing(t *testing.T) {
	t.Parallel()
	hand, want := testStack(west, "test-web", topics("A", "Hand")).Digest, testStack(west, "test-web", topics("A")).Digest
	b := newComparedEnv(t)
	b.edit()
	b.must(orbitOf("A", "Hand")...) // whose item is of the present state
	items := cloudtest.ItemsOf(b.cf, west, "test-releases")
	for i := range items {
		if body, ok := items[i]["compared"]["S"].(string); ok && items[i]["id"]["S"] == "test-web" {
			if !strings.Contains(body, hand) {
				t.Fatalf("no item of the edited stack: %s", body)
			}
			items[i]["compared"] = map[string]any{"S": strings.Replace(body, hand, want, 1)}
		}
	}
	cloudtest.SetItems(b.cf, west, "test-releases", items)
	if got := b.must(orbitOf("A")...); got != activity.WasUpdated {
		t.Errorf("test-web is %s", got)
	}
	b.wantTopics("A")
}

// editDuring deploys, and edits test-web by hand right before one of the calls, unless an operation goes on then. It reports whether there
// was such a call.
func (b *comparedEnv) editDuring(at int, stacks ...built) (edited bool) {
	b.Helper()
	var calls atomic.Int64
	var once sync.Mutex
	p := cloudtest.NewProxy(b, b.cf.URL, cloudtest.Faults{Bend: func(string, string, int) cloudtest.Bend {
		if calls.Add(1) == int64(at) {
			once.Lock()
			defer once.Unlock()
			edited = true
			// CloudFormation refuses it while another operation goes on.
			_ = cloudtest.UpdateByHand(b.cf, b.T, west, "test-web", topics("A", "Hand", fmt.Sprint("At", at)), nil)
		}
		return ""
	}})
	b.url = p.URL
	defer func() { b.url = b.cf.URL }()
	_, _ = b.run(stacks...) // which the edit may have overtaken
	once.Lock()
	defer once.Unlock()
	return edited
}

// An edit by hand at any moment of a run, also between the end of its operation and the item, is found by the next run.
func TestEditsDuringARunAreFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before func(b *comparedEnv)
		during []built
	}{
		"which updates":  {func(*comparedEnv) {}, orbitOf("B")},
		"which compares": {func(b *comparedEnv) { cloudtest.SetItems(b.cf, west, "test-releases", nil) }, orbitOf("A")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for at, more := 1, true; more; at += stride.Short(3) {
				b := newComparedEnv(t)
				c.before(b)
				if more = b.editDuring(at, c.during...); !more {
					break
				}
				b.cf.Settle()
				b.must(c.during...)
				if got := b.cf.Seen(west, "test-web").Template; got != c.during[3].template {
					t.Errorf("after an edit before call %d test-web has the template %s", at, got)
				}
			}
		})
	}
}
