package history

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/internal/cloudtest"
)

const east, west = "us-east-1", "eu-west-1"

// tablesTemplate is the part of an orbit's tables stack that records need.
const tablesTemplate = `{"Resources": {
	"ReleasesTable": {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "test-releases", "KeySchema": [
		{"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "id", "KeyType": "RANGE"}]}},
	"ReleasesKey": {"Type": "AWS::KMS::Key", "Properties": {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}},
	"ReleasesKeyAlias": {"Type": "AWS::KMS::Alias", "Properties": {"AliasName": "alias/test/releases",
		"TargetKeyId": {"Ref": "ReleasesKey"}}}}}`

// account is an account of our own model with the orbit's tables in both regions.
func account(t *testing.T) (*cloudtest.CloudFormation, []*Store) {
	t.Helper()
	cf := cloudtest.NewCloudFormation(t)
	for _, region := range []string{east, west} {
		cf.Put(t, cloudtest.Stack{Region: region, Name: "test-tables", Status: types.StackStatusCreateComplete, Template: tablesTemplate})
	}
	return cf, storesAt(t, cf.URL)
}

func storesAt(t *testing.T, url string) []*Store {
	c := cloud.New(cloudtest.Config(t, url, east), cloud.Access{})
	return []*Store{Open(c, "test", west), Open(c, "test", east)}
}

// motoAccount is an account of moto with the same.
func motoAccount(t *testing.T) []*Store {
	t.Helper()
	stores := storesAt(t, cloudtest.Moto(t))
	for _, s := range stores {
		cloudtest.MakeTable(t, s.region.DynamoDB(), "test-releases", "kind", "id")
		made, err := s.region.KMS().CreateKey(t.Context(), &kms.CreateKeyInput{KeySpec: kmstypes.KeySpecHmac256,
			KeyUsage: kmstypes.KeyUsageTypeGenerateVerifyMac})
		if err == nil {
			_, err = s.region.KMS().CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: aws.String("alias/test/releases"),
				TargetKeyId: made.KeyMetadata.KeyId})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return stores
}

// releaseOf returns a release of web in some regions.
func releaseOf(stores []*Store) *Writer {
	id := NewID()
	out := &Writer{}
	for _, s := range stores {
		out.Region(s, Record{App: "web", Region: s.region.Name, ID: id, Command: "deploy", Outcome: Running, Version: "v1",
			Began: time.Date(2026, 12, 1, 9, 30, 0, 0, time.UTC), By: "arn:aws:iam::123456789012:user/ada",
			Template: strings.Repeat("a", 64), Parameters: map[string]string{"Version": "v1"}, Regions: []string{west, east}}, false)
	}
	return out
}

// A record lives through its release: in our model of AWS, and in one that others wrote.
func TestRecords(t *testing.T) {
	_, ours := account(t)
	for name, stores := range map[string][]*Store{"model": ours, "moto": motoAccount(t)} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			for n := 1; n <= 3; n++ {
				w := releaseOf(stores)
				if err := w.Begin(ctx); err != nil || w.places[0].record.Number != n || w.places[1].record.Number != n {
					t.Fatalf("release %d: %+v: %v", n, w.places, err)
				}
				if err := stores[0].Add(ctx, w.places[0].record); err != nil {
					t.Errorf("the same call again: %v", err)
				}
				if n == 2 {
					continue // its run is killed
				}
				for _, region := range []string{east, west} {
					if _, err := w.Change(ctx, region, func(r *Record) { r.Outcome, r.Seconds = Good, 61 }); err != nil {
						t.Error(err)
					}
				}
			}
			found, without, err := Releases(ctx, stores, "web", 10)
			if err != nil || len(without) != 0 || len(found) != 3 {
				t.Fatalf("%+v %v %v", found, without, err)
			}
			want := []Outcome{Good, Interrupted, Good}
			for i, r := range found {
				if r.Number != 3-i || r.Outcome() != want[i] || len(r.Entries) != 2 || r.Entries[0].Region != west ||
					!r.Entries[0].Trusted() {
					t.Errorf("%+v", r)
				}
			}
			newest, there, err := stores[1].Get(ctx, "web", 3)
			if err != nil || !there || !newest.Trusted() || newest.Seconds != 61 || newest.Region != east {
				t.Errorf("%+v %v %v", newest, there, err)
			}
			if _, there, err := stores[1].Get(ctx, "web", 4); there || err != nil {
				t.Errorf("a release that never was: %v %v", there, err)
			}
			other := newest.Record
			other.ID = "another"
			if err := stores[1].Change(ctx, other); !errors.Is(err, ErrTaken) {
				t.Errorf("another run changed it: %v", err)
			}
		})
	}
}

// Runs that begin at the same time get different numbers, in whichever regions they work. No record is lost.
func TestNumbersDiffer(t *testing.T) {
	cf, stores := account(t)
	var wait sync.WaitGroup
	var mu sync.Mutex
	ids := map[string]string{} // region and number → id
	for i := range 9 {
		wait.Go(func() {
			mine := [][]*Store{stores, stores[:1], stores[1:]}[i%3]
			w := releaseOf(mine)
			if err := w.Begin(context.Background()); err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			for _, p := range w.places {
				r := p.record
				key := fmt.Sprint(r.Region, r.Number)
				if r.Number != w.places[0].record.Number || ids[key] != "" {
					t.Errorf("%s: %+v", key, r)
				}
				ids[key] = r.ID
			}
		})
	}
	wait.Wait()
	for _, region := range []string{east, west} {
		for _, item := range cloudtest.ItemsOf(cf, region, "test-releases") {
			n, _ := numberOf(item["id"]["S"].(string))
			var r Record
			if err := json.Unmarshal([]byte(item["record"]["S"].(string)), &r); err != nil {
				t.Fatal(err)
			}
			if id := ids[fmt.Sprint(region, n)]; id != r.ID && r.Outcome != Interrupted {
				t.Errorf("%s %d: %s, not %s", region, n, r.ID, id)
			}
		}
	}
}

// Two first deploys at once both find no table. The one that is later in a region takes another number in all of its regions.
func TestNumbersOfFirstReleases(t *testing.T) {
	_, stores := account(t)
	one, other := &Writer{}, &Writer{}
	for i, w := range []*Writer{one, other} {
		for _, s := range stores {
			w.Region(s, Record{App: "web", ID: fmt.Sprint(i), Outcome: Running}, true)
		}
		if err := w.Begin(t.Context()); err != nil || !w.IsLate(east) || w.places[0].record.Number != 1 {
			t.Fatalf("%v", err)
		}
	}
	for _, add := range []struct {
		*Writer
		region string
	}{{one, west}, {other, east}, {one, east}, {other, west}} {
		if err := add.Add(t.Context(), add.region, func(*Record) {}); err != nil {
			t.Fatal(err)
		}
	}
	found, _, err := Releases(t.Context(), stores, "web", 10)
	var got []string
	for _, r := range found {
		var where []string
		for _, e := range r.Entries {
			where = append(where, e.Region+" "+string(e.Outcome))
		}
		got = append(got, fmt.Sprintf("%d %s %v", r.Number, r.ID, where))
	}
	want := "[3 1 [eu-west-1 running us-east-1 running] 2 0 [eu-west-1 running us-east-1 running] 1 0 [eu-west-1 interrupted] " +
		"1 1 [us-east-1 interrupted]]"
	if fmt.Sprint(got) != want || err != nil {
		t.Errorf("got %v %v, want %s", got, err, want)
	}
}

// A record that somebody without the key wrote, changed or moved is shown as not trusted, and never taken for a good one.
func TestForgedRecords(t *testing.T) {
	for name, forge := range map[string]func([]cloudtest.Item) []cloudtest.Item{
		"wrong: somebody changed it": func(items []cloudtest.Item) []cloudtest.Item {
			body := items[0]["record"]["S"].(string)
			items[0]["record"] = map[string]any{"S": strings.Replace(body, `"v1"`, `"v666"`, 1)}
			return items
		},
		"no signature": func(items []cloudtest.Item) []cloudtest.Item {
			delete(items[0], "mac")
			return items
		},
		"no signature ": func(items []cloudtest.Item) []cloudtest.Item { // of another type
			items[0]["mac"] = map[string]any{"S": "AAAA"}
			return items
		},
		"wrong: somebody changed it, or": func(items []cloudtest.Item) []cloudtest.Item { // moved to a number
			moved := cloudtest.Item{}
			for k, v := range items[0] {
				moved[k] = v
			}
			moved["id"] = map[string]any{"S": sortKey(7)}
			return append(items, moved)
		},
		"not one that spacel writes": func(items []cloudtest.Item) []cloudtest.Item {
			return append(items, cloudtest.Item{"kind": {"S": "release/web"}, "id": {"S": "zzz"}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			cf, stores := account(t)
			store := stores[1:]
			if err := releaseOf(store).Begin(t.Context()); err != nil {
				t.Fatal(err)
			}
			cloudtest.SetItems(cf, east, "test-releases", forge(cloudtest.ItemsOf(cf, east, "test-releases")))
			entries, err := store[0].List(t.Context(), "web", 5)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(entries, func(e Entry) bool {
				return !e.Trusted() && strings.Contains(e.Problem+" ", strings.TrimSpace(name))
			}) {
				t.Errorf("%+v", entries)
			}
			// The next release takes a number of its own all the same.
			again := releaseOf(store)
			if err := again.Begin(t.Context()); err != nil || again.places[0].record.Number < 2 {
				t.Errorf("%+v %v", again, err)
			}
		})
	}
}

// Records of another orbit's key, and those of a key that is gone, are not trusted. Without table or key the errors say so.
func TestMissingTableAndKey(t *testing.T) {
	cf := cloudtest.NewCloudFormation(t)
	stores := storesAt(t, cf.URL)
	if _, err := stores[0].List(t.Context(), "web", 5); !errors.Is(err, ErrNoTable) {
		t.Errorf("list: %v", err)
	}
	if _, without, err := Releases(t.Context(), stores, "web", 5); err != nil || len(without) != 2 {
		t.Errorf("%v %v", without, err)
	}
	w := releaseOf(stores[1:])
	if err := w.Begin(t.Context()); err != nil || !w.IsAbsent(east) {
		t.Errorf("%+v %v", w.places, err)
	}
	// The table outlives its stack, and the key does not.
	cf.Put(t, cloudtest.Stack{Region: east, Name: "test-tables", Status: types.StackStatusCreateComplete,
		Template: tablesTemplate[:strings.Index(tablesTemplate, `"ReleasesKey":`)] + `"T": {"Type": "AWS::SNS::Topic"}}}`})
	if err := releaseOf(stores[1:]).Begin(t.Context()); !errors.Is(err, ErrNoKey) {
		t.Errorf("%v", err)
	}
}

// The SDK repeats a call after a lost answer. The record that the first call wrote is this release's own.
func TestLostAnswer(t *testing.T) {
	cf, _ := account(t)
	proxy := cloudtest.NewProxy(t, cf.URL, cloudtest.Faults{Bend: func(service, operation string, n int) cloudtest.Bend {
		if operation == "PutItem" && n == 1 {
			return cloudtest.Hangs
		}
		return ""
	}})
	c := cloud.New(cloudtest.Config(t, proxy.URL, east), cloud.Access{Timing: cloud.Timing{Answer: 200 * time.Millisecond,
		Delay: time.Millisecond}})
	store := []*Store{Open(c, "test", east)}
	w := releaseOf(store)
	if err := w.Begin(t.Context()); err != nil || w.places[0].record.Number != 1 {
		t.Errorf("%+v %v", w.places, err)
	}
}

// Each format that a release of spacel has written can be read for ever. A new format adds a file here and changes none.
func TestStoredFormats(t *testing.T) {
	files, err := filepath.Glob("testdata/format*.json")
	if err != nil || len(files) != Format {
		t.Fatalf("%v %v: one example of each format, up to %d", files, err, Format)
	}
	_, stores := account(t)
	for _, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		e := decode(strings.TrimSpace(string(body)), stores[1], "web", 12)
		if !e.Trusted() || e.Outcome != Good || e.Artifact.Digest == "" || e.By == "" || e.From.Commit == "" || e.Version != "v1.4" ||
			len(e.Tasks) != 1 || e.Stack.ID == "" || e.Seconds != 341.5 || e.Parameters["Image"] == "" || len(e.Regions) != 2 {
			t.Errorf("%s: %+v", name, e)
		}
		// Nothing in the example is forgotten when the present format is the example's.
		again, err := json.Marshal(e.Record)
		if err != nil || e.Format == Format && string(again) != strings.TrimSpace(string(body)) {
			t.Errorf("%s: read as\n%s", name, again)
		}
	}
	if e := decode(`{"format": 99}`, stores[1], "web", 12); !strings.Contains(e.Problem, "its format is 99") {
		t.Errorf("a newer format: %+v", e)
	}
}

// The commit and the run come from the variables that each system documents. A login in an address is not recorded.
func TestOrigin(t *testing.T) {
	const sha = "0123456789abcdef0123456789abcdef01234567"
	for want, set := range map[string]map[string]string{
		"{" + sha + " https://github.com/a/b/actions/runs/7}": {"GITHUB_ACTIONS": "true", "GITHUB_SHA": sha,
			"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "7"},
		"{" + sha + " https://gitlab.com/a/b/-/jobs/1}": {"GITLAB_CI": "true", "CI_COMMIT_SHA": sha,
			"CI_JOB_URL": "https://gitlab-ci-token:secret@gitlab.com/a/b/-/jobs/1"},
		"{ https://ci.example.com/job/1/}": {"JENKINS_URL": "https://ci.example.com/", "BUILD_URL": "https://ci.example.com/job/1/",
			"GIT_COMMIT": "x\x1b[31m"},
		"{" + sha + " }": {"TRAVIS": "true", "TRAVIS_COMMIT": strings.ToUpper(sha), "TRAVIS_BUILD_WEB_URL": "javascript:alert(1)"},
		"<nil>":          {"GITHUB_SHA": sha, "CIRCLECI": "false"},
	} {
		got := "<nil>"
		if o := OriginOf(func(name string) (string, bool) { v, ok := set[name]; return v, ok }); o != nil {
			got = fmt.Sprint(*o)
		}
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
