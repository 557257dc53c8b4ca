package access

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"github.com/pebble/spacel/agent/sshkey"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/internal/cloudtest"
)

var regions = []string{"eu-west-1", "us-east-1", "us-west-2"}

// orbit makes an orbit's tables in every region, as the compiler's templates do.
func orbit(t *testing.T, endpoint string) *Tables {
	t.Helper()
	c := cloud.New(cloudtest.Config(t, endpoint, ""), cloud.Access{})
	for _, region := range regions {
		for _, name := range []string{"production-users", "production-services"} {
			cloudtest.MakeTable(t, c.Region(region).DynamoDB(), name, "name")
		}
	}
	return New(c, "production", regions)
}

func key(t *testing.T, comment string) sshkey.Key {
	t.Helper()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	wire, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	made, err := sshkey.Parse(strings.TrimSpace(string(ssh.MarshalAuthorizedKey(wire))) + " " + comment)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// allChanged fails unless every region answered so.
func allChanged(t *testing.T, outcomes []Outcome, want bool) {
	t.Helper()
	for i, o := range outcomes {
		if o.Region != regions[i] || o.Changed != want || o.Err != nil {
			t.Errorf("%s: got %+v, want changed %v", regions[i], o, want)
		}
	}
}

// content is what every region holds, which must be the same.
func content(t *testing.T, tables *Tables) Snapshot {
	t.Helper()
	read, err := tables.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range read[1:] {
		if d := s.Differences(read[0]); d != nil {
			t.Errorf("%s differs: %+v", s.Region, d)
		}
	}
	return read[0]
}

func TestAUsersLife(t *testing.T) {
	t.Parallel()
	tables, ctx := orbit(t, cloudtest.Moto(t)), t.Context()
	first, second := key(t, "ada@home"), key(t, "ada@work")

	allChanged(t, tables.AddKeys(ctx, "ada", []sshkey.Key{first}), true)
	allChanged(t, tables.AddKeys(ctx, "ada", []sshkey.Key{first, second}), true)
	allChanged(t, tables.AddKeys(ctx, "ada", []sshkey.Key{second}), false)
	allChanged(t, tables.Grant(ctx, "ada", "laika"), true)
	allChanged(t, tables.Grant(ctx, "ada", "laika"), false)
	allChanged(t, tables.Grant(ctx, "ada", Operators), true)

	keys := []string{first.String(), second.String()}
	slices.Sort(keys)
	want := Snapshot{regions[0], map[string][]string{"ada": keys}, map[string][]string{"laika": {"ada"}, Operators: {"ada"}}}
	if diff := cmp.Diff(want, content(t, tables)); diff != "" {
		t.Error(diff)
	}

	other, err := sshkey.Parse(first.Type + " " + strings.Fields(first.String())[1] + " another comment")
	if err != nil {
		t.Fatal(err)
	}
	allChanged(t, tables.RemoveKeys(ctx, "ada", []sshkey.Key{other}), true)
	allChanged(t, tables.Revoke(ctx, "ada", "laika"), true)
	allChanged(t, tables.Revoke(ctx, "ada", "laika"), false)
	want = Snapshot{regions[0], map[string][]string{"ada": {second.String()}}, map[string][]string{Operators: {"ada"}}}
	if diff := cmp.Diff(want, content(t, tables)); diff != "" {
		t.Error(diff)
	}

	allChanged(t, tables.RemoveUser(ctx, "ada"), true)
	if got := content(t, tables); len(got.Users)+len(got.Services) != 0 {
		t.Errorf("left: %+v", got)
	}
}

func TestWhoHasNoKeyIsGrantedNothing(t *testing.T) {
	t.Parallel()
	tables := orbit(t, cloudtest.Moto(t))
	for _, o := range tables.Grant(t.Context(), "bob", "laika") {
		if o.Err == nil || !strings.Contains(o.Err.Error(), "spacel access user add bob") {
			t.Errorf("%s: got %v", o.Region, o.Err)
		}
	}
	if got := content(t, tables); len(got.Services) != 0 {
		t.Errorf("granted: %+v", got)
	}
}

func TestConcurrentGrantsLoseNothing(t *testing.T) {
	t.Parallel()
	tables, ctx := orbit(t, cloudtest.Moto(t)), t.Context()
	var wait sync.WaitGroup
	var want []string
	for i := range 8 {
		user := fmt.Sprintf("user%d", i)
		want = append(want, user)
		mine := key(t, user)
		wait.Go(func() {
			if Failed(tables.AddKeys(ctx, user, []sshkey.Key{mine})) || Failed(tables.Grant(ctx, user, "laika")) {
				t.Error("a change failed")
			}
		})
	}
	wait.Wait()
	got := content(t, tables)
	if diff := cmp.Diff(want, got.Services["laika"]); diff != "" || len(got.Users) != len(want) {
		t.Errorf("%d users; %s", len(got.Users), diff)
	}
}

// brokenRegionProxy passes calls on to moto, but for a region that is down: its calls are refused. It tells a call's region by its
// signature.
type brokenRegionProxy struct {
	proxy *httputil.ReverseProxy
	down  string
}

func (f *brokenRegionProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.down != "" && strings.Contains(r.Header.Get("Authorization"), "/"+f.down+"/") {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"__type": "com.amazon.coral.service#AccessDeniedException", "message": "the region is not enabled"}`)
		return
	}
	f.proxy.ServeHTTP(w, r)
}

func TestARegionDownIsSaidAndRepaired(t *testing.T) {
	t.Parallel()
	moto, err := url.Parse(cloudtest.Moto(t))
	if err != nil {
		t.Fatal(err)
	}
	f := &brokenRegionProxy{proxy: httputil.NewSingleHostReverseProxy(moto)}
	server := httptest.NewServer(f)
	defer server.Close()
	tables, ctx := orbit(t, server.URL), t.Context()
	allChanged(t, tables.AddKeys(ctx, "ada", []sshkey.Key{key(t, "ada")}), true)
	allChanged(t, tables.Grant(ctx, "ada", "laika"), true)

	f.down = "us-east-1"
	for _, o := range tables.Revoke(ctx, "ada", "laika") {
		if down := o.Region == f.down; (o.Err != nil) != down || o.Changed == down {
			t.Errorf("got %+v", o)
		}
	}
	read, err := tables.Read(ctx)
	if err == nil || len(read) != 2 || !strings.Contains(err.Error(), "us-east-1") {
		t.Errorf("read %d regions and %v", len(read), err)
	}

	f.down = ""
	outcomes := tables.Sync(ctx, read[0])
	if Failed(outcomes) || len(outcomes) != 2 {
		t.Fatalf("got %+v", outcomes)
	}
	if got := content(t, tables); len(got.Services) != 0 || len(got.Users) != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestSyncLeavesWhatChangedMeanwhile(t *testing.T) {
	t.Parallel()
	tables, ctx := orbit(t, cloudtest.Moto(t)), t.Context()
	ada, bob := key(t, "ada"), key(t, "bob")
	allChanged(t, tables.AddKeys(ctx, "ada", []sshkey.Key{ada}), true)
	read, err := tables.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	one := New(tables.cloud, "production", regions[1:2])
	if Failed(one.AddKeys(ctx, "bob", []sshkey.Key{bob})) {
		t.Fatal("add failed")
	}
	if Failed(tables.Sync(ctx, read[0])) {
		t.Fatal("sync failed")
	}
	if got := content(t, tables); len(got.Users) != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestAnOrbitWithoutTables(t *testing.T) {
	t.Parallel()
	c := cloud.New(cloudtest.Config(t, cloudtest.Moto(t), ""), cloud.Access{})
	for _, o := range New(c, "production", regions).RevokeAll(t.Context(), "ada") {
		if o.Err == nil || !strings.Contains(o.Err.Error(), "deploy the orbit there first") {
			t.Errorf("got %v", errors.Unwrap(o.Err))
		}
	}
}

func TestCheckUser(t *testing.T) {
	for name, good := range map[string]bool{
		"ada": true, "_x": true, "ada.lovelace": true, "a-b_c9": true, strings.Repeat("a", 32): true,
		"": false, "Ada": false, "9a": false, "a b": false, "root;": false, strings.Repeat("a", 33): false,
	} {
		if err := CheckUser(name); (err == nil) != good {
			t.Errorf("%q: got %v", name, err)
		}
	}
}
