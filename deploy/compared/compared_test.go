package compared

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/internal/cloudtest"
)

const east, west = "us-east-1", "eu-west-1"

// tables is a tables stack with the table and the key of an orbit.
func tables(orbit string) string {
	return fmt.Sprintf(`{"Resources": {
	"Table": {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "%[1]s-releases", "KeySchema": [
		{"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "id", "KeyType": "RANGE"}]}},
	"Key": {"Type": "AWS::KMS::Key", "Properties": {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}},
	"Alias": {"Type": "AWS::KMS::Alias", "Properties": {"AliasName": "alias/%[1]s/releases", "TargetKeyId": {"Ref": "Key"}}}}}`, orbit)
}

// newAccount is an account with two orbits, each with tables in two regions.
func newAccount(t *testing.T) (*cloudtest.CloudFormation, *cloud.Cloud) {
	t.Helper()
	t.Parallel()
	cf := cloudtest.NewCloudFormation(t)
	for _, region := range []string{east, west} {
		for _, orbit := range []string{"test", "other"} {
			cf.Put(t, cloudtest.Stack{Region: region, Name: orbit + "-tables", Status: types.StackStatusCreateComplete,
				Template: tables(orbit)})
		}
	}
	return cf, cloud.New(cf.Config(t, east), cloud.Access{})
}

// open opens the store of an orbit's region.
func open(t *testing.T, c *cloud.Cloud, orbit, region string) *store {
	t.Helper()
	s, err := openStore(t.Context(), c.Region(region), orbit)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// itemOf is an item about a stack.
func itemOf(stack string) Item {
	return Item{Format: Format, Stack: stack, Template: "abc", Hidden: map[string]string{"Hook": "v1"},
		State: State{ID: "arn:aws:cloudformation:us-east-1:1:stack/" + stack + "/1", Status: "UPDATE_COMPLETE", Operations: "def",
			Changed: time.Date(2026, 12, 1, 10, 0, 0, 5e6, time.UTC)}}
}

// Items are read as they were written, however many there are.
func TestItemsAreKept(t *testing.T) {
	_, c := newAccount(t)
	s := open(t, c, "test", west)
	var all []Item
	for i := range 60 {
		all = append(all, itemOf(fmt.Sprintf("test-app%02d", i)))
	}
	if err := s.write(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	items, names, err := open(t, c, "test", west).read(t.Context())
	if err != nil || len(items) != len(all) || len(names) != len(all) {
		t.Fatalf("%d items, %d names, %v", len(items), len(names), err)
	}
	for _, want := range all {
		if got := items[want.Stack]; !got.same(want) || !got.Changed.Equal(want.Changed) {
			t.Errorf("%+v", got)
		}
	}
}

// An item with another MAC than that of its place and its key is not trusted. Its stack is known all the same.
func TestForgedItems(t *testing.T) {
	cf, c := newAccount(t)
	good := open(t, c, "test", west)
	write := func(s *store, item Item) cloudtest.Item {
		t.Helper()
		if err := s.write(t.Context(), []Item{item}); err != nil {
			t.Fatal(err)
		}
		all := cloudtest.ItemsOf(cf, s.region.Name, s.table)
		return all[slices.IndexFunc(all, func(i cloudtest.Item) bool { return i["id"]["S"] == item.Stack })]
	}
	written := write(good, itemOf("test-web"))
	with := func(changes map[string]map[string]any) cloudtest.Item {
		item := cloudtest.Item{}
		for name, value := range written {
			item[name] = value
		}
		for name, value := range changes {
			if item[name] = value; value == nil {
				delete(item, name)
			}
		}
		return item
	}
	text := func(s string) map[string]any { return map[string]any{"S": s} }
	mac := func(s *store, item Item) map[string]any { return write(s, item)[attrMAC] }
	body := written[attrBody]["S"].(string)
	newer := itemOf("test-web")
	newer.Format++
	for name, forged := range map[string]cloudtest.Item{
		"another template":  with(map[string]map[string]any{attrBody: text(body[:len(body)-2] + " }")}),
		"no MAC":            with(map[string]map[string]any{attrMAC: nil}),
		"a short MAC":       with(map[string]map[string]any{attrMAC: {"B": "AAAA"}}),
		"another region":    with(map[string]map[string]any{attrMAC: mac(open(t, c, "test", east), itemOf("test-web"))}),
		"another orbit":     with(map[string]map[string]any{attrMAC: mac(open(t, c, "other", west), itemOf("test-web"))}),
		"another stack":     with(map[string]map[string]any{attrMAC: mac(good, itemOf("test-api"))}),
		"of another stack":  with(map[string]map[string]any{"id": text("test-api")}),
		"no body":           with(map[string]map[string]any{attrBody: nil}),
		"a body, not a map": with(map[string]map[string]any{attrBody: text("1"), attrMAC: {"B": good.signer.sign("test-web", "1")}}),
		"a newer format":    write(good, newer),
	} {
		cloudtest.SetItems(cf, west, good.table, []cloudtest.Item{forged})
		items, names, err := good.read(t.Context())
		if err != nil || len(items) != 0 || len(names) != 1 {
			t.Errorf("%s: %+v, %v, %v", name, items, names, err)
		}
	}
	cloudtest.SetItems(cf, west, good.table, []cloudtest.Item{written})
	if items, _, err := good.read(t.Context()); err != nil || len(items) != 1 {
		t.Errorf("the true one: %+v, %v", items, err)
	}
}

// Every difference of a state makes an item useless, and states that prove nothing have none.
func TestStates(t *testing.T) {
	stack := func(change func(*live.Stack)) *live.Stack {
		s := &live.Stack{StackRef: assembly.StackRef{Region: west, Name: "test-web"}, ID: "arn:1", Status: types.StackStatusUpdateComplete,
			Created: time.Unix(100, 0), Updated: time.Unix(200, 5e6), Operations: []string{"b", "a"}}
		change(s)
		return s
	}
	before, proves := stateOf(stack(func(*live.Stack) {}))
	if !proves {
		t.Fatal("a good state proves nothing")
	}
	// JSON is the form of the items.
	text, err := json.Marshal(before)
	var read State
	if err == nil {
		err = json.Unmarshal(text, &read)
	}
	if err != nil || !read.equal(before) {
		t.Errorf("%s, %v", text, err)
	}
	for name, change := range map[string]func(*live.Stack){
		"made again":        func(s *live.Stack) { s.ID = "arn:2" },
		"updated":           func(s *live.Stack) { s.Updated = s.Updated.Add(time.Millisecond) },
		"never updated":     func(s *live.Stack) { s.Updated = time.Time{} },
		"another status":    func(s *live.Stack) { s.Status = types.StackStatusCreateComplete },
		"another operation": func(s *live.Stack) { s.Operations = []string{"c", "b", "a"} },
		"no operations":     func(s *live.Stack) { s.Operations = nil },
	} {
		if now, proves := stateOf(stack(change)); !proves || now.equal(before) {
			t.Errorf("%s: %+v", name, now)
		}
	}
	for name, change := range map[string]func(*live.Stack){
		"no id":   func(s *live.Stack) { s.ID = "" },
		"no time": func(s *live.Stack) { s.Created, s.Updated = time.Time{}, time.Time{} },
	} {
		if _, proves := stateOf(stack(change)); proves {
			t.Errorf("%s proves something", name)
		}
	}
	for _, status := range types.StackStatus("").Values() {
		want := status == types.StackStatusCreateComplete || status == types.StackStatusUpdateComplete
		if _, proves := stateOf(stack(func(s *live.Stack) { s.Status = status })); proves != want {
			t.Errorf("%s: %v", status, proves)
		}
	}
	if _, proves := stateOf(nil); proves {
		t.Error("no stack proves something")
	}
}

// Within SampleDays each stack is compared in full once, and on each day about as many.
func TestSample(t *testing.T) {
	const stacks = 3000
	day := time.Date(2026, 12, 1, 23, 59, 0, 0, time.UTC)
	times := map[string]int{}
	for range SampleDays {
		chosen := 0
		for i := range stacks {
			ref := assembly.StackRef{Region: west, Name: fmt.Sprintf("test-app%04d", i)}
			if Sampled(ref, day) != Sampled(ref, day.Add(-10*time.Hour)) {
				t.Fatalf("%s: the hour matters", ref)
			}
			if Sampled(ref, day) {
				chosen++
				times[ref.Name]++
			}
		}
		if want := stacks / SampleDays; chosen < want/2 || chosen > want*2 {
			t.Errorf("%s: %d stacks", day, chosen)
		}
		day = day.AddDate(0, 0, 1)
	}
	for name, n := range times {
		if n != 1 {
			t.Errorf("%s was chosen %d times", name, n)
		}
	}
	if len(times) != stacks {
		t.Errorf("%d stacks were chosen", len(times))
	}
}

// A secret without a version is never known.
func TestHidden(t *testing.T) {
	i := itemOf("test-web")
	for _, c := range []struct {
		versions map[string]string
		want     bool
	}{
		{nil, true}, {map[string]string{"Hook": "v1"}, true},
		{map[string]string{"Hook": "v2"}, false}, {map[string]string{"Hook": ""}, false},
		{map[string]string{"Hook": "v1", "Other": "v1"}, false}, {map[string]string{"Other": ""}, false},
	} {
		if got := i.HasHidden(c.versions); got != c.want {
			t.Errorf("%v: %v", c.versions, got)
		}
	}
}
