package deploy

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/cloud"
)

// running is a deployment that hangs in the middle of its first stack.
func (b *deployEnv) running(ctx context.Context, c *activity.Control, stacks ...built) <-chan *Result {
	b.Helper()
	d := b.prepared(stacks...)
	b.mu.Lock()
	b.events = nil
	b.mu.Unlock()
	first := stacks[0]
	b.cf.Hold(first.Region, first.Name)
	done := make(chan *Result, 1)
	go func() {
		r, err := d.Execute(ctx, b.user, c)
		if err != nil {
			b.Error(err)
		}
		done <- r
	}()
	b.until(func() bool { return len(b.told(activity.Started)) > 0 })
	return done
}

func TestStop(t *testing.T) {
	b := newEnv(t)
	stacks := []built{testStack(east, "test-vpc", topics("Vpc")),
		testStack(east, "test-web", reader("VpcId"), output("VpcId", "test-vpc", "Vpc", false), after("test-vpc"))}
	c := activity.NewControl()
	done := b.running(t.Context(), c, stacks...)
	c.Stop()
	b.cf.Release(east, "test-vpc")
	r := <-done
	b.expect(r, "test-vpc created, test-web skipped")
	b.says(r.Stacks[1].Why, "stopped")
	b.expect(b.deploy(stacks...), "test-vpc unchanged, test-web created")
}

func TestDetachAndPickUp(t *testing.T) {
	b := newEnv(t)
	stacks := []built{testStack(east, "test-vpc", topics("Vpc")),
		testStack(east, "test-web", reader("VpcId"), output("VpcId", "test-vpc", "Vpc", false), after("test-vpc"))}
	c := activity.NewControl()
	done := b.running(t.Context(), c, stacks...)
	c.Detach()
	r := <-done
	b.expect(r, "test-vpc detached, test-web skipped")
	b.says(r.Stacks[0].Why, "run spacel deploy again")
	go func() {
		b.until(func() bool { return len(b.told(activity.Waiting)) > 1 })
		b.cf.Release(east, "test-vpc")
	}()
	b.expect(b.deploy(stacks...), "test-vpc unchanged, test-web created")
}

func TestCancelUpdate(t *testing.T) {
	b := newEnv(t)
	b.deploy(testStack(east, "test-web", topics("A")))
	c := activity.NewControl()
	done := b.running(t.Context(), c, testStack(east, "test-web", topics("A", "B")))
	c.Cancel()
	b.until(func() bool { return b.cf.Calls()["cloudformation:CancelUpdateStack"] > 0 })
	b.cf.Release(east, "test-web")
	b.expect(<-done, "test-web cancelled")
	if seen := b.cf.Seen(east, "test-web"); seen.Status != types.StackStatusUpdateRollbackComplete || seen.Outputs["B"] != "" {
		t.Errorf("got %+v", seen)
	}
}

func TestCancelCreate(t *testing.T) {
	b := newEnv(t)
	c := activity.NewControl()
	done := b.running(t.Context(), c, testStack(east, "test-web", topics("A")))
	c.Cancel()
	b.until(func() bool { return b.cf.Calls()["cloudformation:DeleteStack"] > 0 })
	b.cf.Release(east, "test-web")
	b.expect(<-done, "test-web cancelled")
	if seen := b.cf.Seen(east, "test-web"); seen != nil {
		t.Errorf("got %+v", seen)
	}
}

func TestTimeout(t *testing.T) {
	b := newEnv(t)
	b.options.Timeout = 20 * time.Millisecond
	d := b.prepared(testStack(east, "test-web", topics("A")))
	b.cf.Hold(east, "test-web")
	r, err := d.Execute(t.Context(), b.user, nil)
	if err == nil || !strings.Contains(err.Error(), "--timeout") {
		t.Errorf("got %v", err)
	}
	if got := r.Stacks[0].Outcome; got != activity.WasDetached && got != activity.WasSkipped { // skipped: the time was over before it began
		t.Errorf("got %s", got)
	}
}

// formAction returns the operation of a call, and the call with its body unread.
func formAction(r *http.Request) (string, *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body))
	return form.Get("Action"), r
}

// flaky is a connection that breaks once at each call of some operations, after AWS has done what it was asked.
func (b *deployEnv) flaky(operations ...string) string {
	target, _ := url.Parse(b.cf.URL)
	proxy := httputil.NewSingleHostReverseProxy(target)
	var mu sync.Mutex
	broken := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		action, r := formAction(r)
		mu.Lock()
		first := !broken[action] && slices.Contains(operations, action)
		broken[action] = broken[action] || first
		mu.Unlock()
		if first {
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, r)
	}))
	b.Cleanup(server.Close)
	return server.URL
}

// An answer that is lost does no harm: the call that comes again is the same call.
func TestLostAnswers(t *testing.T) {
	b := newEnv(t)
	cfg := b.cf.Config(t, "")
	cfg.BaseEndpoint = aws.String(b.flaky("CreateChangeSet", "ExecuteChangeSet", "DeleteChangeSet", "UpdateTerminationProtection",
		"DescribeStacks"))
	for _, template := range []string{topics("A"), topics("A", "B")} {
		account := cloud.New(cfg, cloud.Access{})
		d, err := Prepare(t.Context(), account, b.artifact(testStack(east, "test-web", template, protected)), b.options, b.listen)
		if err != nil {
			t.Fatal(err)
		}
		r, err := d.Execute(t.Context(), b.user, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !r.OK() {
			t.Fatalf("got %s %+v", outcomes(r), r.Failures)
		}
	}
	if seen := b.cf.Seen(east, "test-web"); seen.Status != types.StackStatusUpdateComplete || len(seen.ChangeSets) > 0 || !seen.Protected {
		t.Errorf("got %+v", seen)
	}
}
