package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/internal/cloudtest"
)

// signals is a CloudFormation that hears signals.
type signals struct {
	heard   []string // status, resource, unique id
	refuse  string   // code and message of an error
	hearing func()   // called before a signal is noted
	at      []time.Time
}

func (s *signals) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	if s.hearing != nil {
		s.hearing()
	}
	s.at = append(s.at, time.Now())
	s.heard = append(s.heard, fmt.Sprint(form.Get("Action"), " ", form.Get("StackName"), " ", form.Get("LogicalResourceId"), " ",
		form.Get("UniqueId"), " ", form.Get("Status")))
	if code, message, refused := strings.Cut(s.refuse, " "); refused {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>`, code,
			message)
		return
	}
	fmt.Fprint(w, `<SignalResourceResponse><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></SignalResourceResponse>`)
}

func (s *signals) client(t *testing.T) *cloudformation.Client {
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return cloudformation.NewFromConfig(cloudtest.Config(t, server.URL, "us-east-1"))
}

const signalled = "SignalResource arn:stack Asg i-0123456789abcdef0 "

// newBooting is an instance that was launched just now, with a CloudFormation that listens and log groups.
func newBooting(t *testing.T, s *signals) *bootEnv {
	t.Helper()
	h := newBootEnv(t, document.Document[string]{
		Format: 1, Orbit: "production", App: "laika", Region: "us-east-1", BootLog: "production-boot",
		Signal: document.Signal[string]{Stack: "arn:stack", Resource: "Asg", Timeout: 900},
	})
	h.Instance.Launched = time.Now()
	h.AWS = NewClients(cloudtest.Config(t, cloudtest.Moto(t), "us-east-1"))
	h.AWS.CloudFormation = s.client(t)
	h.newGroup("production-boot")
	h.output.send(h.streams()...)
	return h
}

func doing(name string, run func(context.Context, *Boot) error) stage {
	return stage{name: name, deadline: time.Minute, run: run}
}

func nothing(context.Context, *Boot) error { return nil }

func (h *bootEnv) status() Status {
	h.t.Helper()
	s, err := ReadStatus(h.Machine.Root)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

func TestBoot(t *testing.T) {
	s := &signals{}
	h := newBooting(t, s)
	var order []string
	step := func(name string) stage {
		return doing(name, func(context.Context, *Boot) error {
			order = append(order, name)
			if got := h.status(); got.Outcome != Booting || got.Stage != name {
				t.Errorf("during %s the status is %+v", name, got)
			}
			return nil
		})
	}
	all := []stage{step("one"), step("two")}
	if err := h.boot(t.Context(), h.output, all); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(order, []string{"one", "two"}) || !slices.Equal(s.heard, []string{signalled + "SUCCESS"}) {
		t.Errorf("ran %q and signalled %q", order, s.heard)
	}
	if got := h.status(); got.Outcome != Booted || got.Signal != "SUCCESS" ||
		!strings.Contains(got.String(), "i-0123456789abcdef0 booted at ") {
		t.Errorf("the status is %+v", got)
	}
	wantSubstring(t, strings.Join(h.logged("production-boot"), "\n"), "stage one: done in", "stage two: done in",
		"signalled SUCCESS to Asg of stack arn:stack")

	// A later boot does all of it again, with as much time as the first, but its stack waits for other instances by now.
	h.Instance.Launched = time.Now().Add(-240 * time.Hour)
	if err := h.boot(t.Context(), h.output, all); err != nil {
		t.Fatal(err)
	}
	if len(order) != 4 || len(s.heard) != 1 {
		t.Errorf("a later boot: ran %q and signalled %q", order, s.heard)
	}

	// An image made of this instance boots others, which signal for themselves.
	h.Instance.ID = "i-other"
	if err := h.boot(t.Context(), h.output, nil); err != nil || len(s.heard) != 2 {
		t.Errorf("another instance: %v, signalled %q", err, s.heard)
	}
}

func wantSubstring(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("lacks %q:\n%s", part, text)
		}
	}
}

func TestBootFails(t *testing.T) {
	s := &signals{}
	h := newBooting(t, s)
	h.Document.Units = map[string]document.Content{"laika.service": {}}
	h.Machine.Run = func(context.Context, string, ...string) (string, error) {
		return "panic: the secret is hunter22\n", nil
	}
	h.hidden.add([]byte("hunter22"))
	s.hearing = func() {
		wantSubstring(t, strings.Join(h.logged("production-boot"), "\n"), "error: the boot failed in stage two: broken by ***",
			"laika.service: panic: the secret is ***")
	}
	err := h.boot(t.Context(), h.output, []stage{
		doing("one", nothing),
		doing("two", func(context.Context, *Boot) error { return errors.New("broken by hunter22") }),
		doing("three", func(context.Context, *Boot) error { t.Error("it went on after a failure"); return nil }),
	})
	wantError(t, err, "two: broken")
	if !slices.Equal(s.heard, []string{signalled + "FAILURE"}) {
		t.Errorf("signalled %q", s.heard)
	}
	got := h.status()
	if got.Outcome != Failed || got.Stage != "two" || got.Signal != "FAILURE" || strings.Contains(got.Reason, "hunter22") {
		t.Errorf("the status is %+v", got)
	}
	wantSubstring(t, got.String(), "failed to boot at", "in stage two: two: broken by ***")
	if strings.Contains(h.log.String(), "hunter22") {
		t.Errorf("the log shows a secret:\n%s", h.log)
	}
}

func TestPanicsReachCloudFormation(t *testing.T) {
	s := &signals{}
	h := newBooting(t, s)
	err := h.boot(t.Context(), h.output, []stage{doing("one", func(context.Context, *Boot) error { panic("oops") })})
	wantError(t, err, "one: panic: oops")
	if !slices.Equal(s.heard, []string{signalled + "FAILURE"}) {
		t.Errorf("signalled %q", s.heard)
	}
}

func waiting(ctx context.Context, _ *Boot) error {
	<-ctx.Done()
	return fmt.Errorf("wait for the moon: %w", ctx.Err())
}

// Whatever hangs, FAILURE is signalled while the stack still waits.
func TestTheBootEndsInTime(t *testing.T) {
	s := &signals{}
	h := newBooting(t, s)
	h.Document.Signal.Timeout = 3
	h.Instance.Launched = time.Now().Add(-1500 * time.Millisecond)
	err := h.boot(t.Context(), h.output, []stage{doing("one", waiting)})
	wantError(t, err, "one: the boot ran out of the time that its stack waits: wait for the moon")
	if len(s.at) != 1 || s.at[0].After(h.Instance.Launched.Add(3*time.Second)) {
		t.Errorf("signalled %q at %s, want FAILURE before %s", s.heard, s.at, h.Instance.Launched.Add(3*time.Second))
	}
}

func TestAStageEndsInTime(t *testing.T) {
	h := newBooting(t, &signals{})
	err := h.boot(t.Context(), h.output, []stage{{name: "one", deadline: 50 * time.Millisecond, run: waiting}})
	wantError(t, err, "one: it took longer than 50ms: wait for the moon")
}

// A boot_timeout above the default is for the stages that wait.
func TestLongDeadlines(t *testing.T) {
	for timeout, want := range map[int][2]time.Duration{300: {10 * time.Minute, time.Minute}, 900: {10 * time.Minute, time.Minute},
		3600: {55 * time.Minute, time.Minute}} {
		b := newBootEnv(t, document.Document[string]{Signal: document.Signal[string]{Timeout: timeout}})
		got := map[string]time.Duration{}
		for _, s := range stages() {
			got[s.name] = b.deadlineOf(s)
		}
		if got["volumes"] != want[0] || got["units"] != want[0] || got["people"] != want[1] {
			t.Errorf("%d seconds: %v", timeout, got)
		}
	}
}

func TestEnd(t *testing.T) {
	now := time.Now()
	h := newBootEnv(t, document.Document[string]{Signal: document.Signal[string]{Timeout: 900}})
	for _, test := range []struct {
		name     string
		launched time.Duration
		signal   string
		want     time.Duration
	}{
		{"a first boot", 4 * time.Minute, "", 10 * time.Minute},
		{"a later boot", 4 * time.Minute, "SUCCESS", 14 * time.Minute},
		{"nobody waits any more", time.Hour, "", 14 * time.Minute},
		{"in the margin", 14*time.Minute + 30*time.Second, "", 14 * time.Minute},
		{"a clock that is behind", -time.Hour, "", 14 * time.Minute},
	} {
		h.Instance.Launched = now.Add(-test.launched)
		if got := h.end(Status{Began: now, Signal: test.signal}).Sub(now); got != test.want {
			t.Errorf("%s: it has %s, want %s", test.name, got, test.want)
		}
	}
	if parts := giveBackDeadline + journalDeadline + flushDeadline + signalDeadline; parts > margin {
		t.Errorf("telling of a failure may take %s, more than the margin of %s", parts, margin)
	}
}

func TestInterruptedBoot(t *testing.T) {
	s := &signals{}
	h := newBooting(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	err := h.boot(ctx, h.output, []stage{doing("one", func(ctx context.Context, b *Boot) error {
		cancel()
		return waiting(ctx, b)
	})})
	wantError(t, err, "one: ", "context canceled")
	if len(s.heard) != 0 || h.status().Signal != "" || h.status().Outcome != Failed {
		t.Errorf("signalled %q, the status is %+v", s.heard, h.status())
	}
}

func TestSignals(t *testing.T) {
	s := &signals{refuse: "ValidationError Stack arn:stack is in CREATE_COMPLETE state and can not be signaled"}
	h := newBooting(t, s)
	if err := h.boot(t.Context(), h.output, nil); err != nil {
		t.Errorf("a stack that does not wait: %v", err)
	}
	wantSubstring(t, h.log.String(), "the stack does not wait for a signal: Stack arn:stack is in CREATE_COMPLETE")

	s = &signals{refuse: "AccessDenied no"}
	h.AWS.CloudFormation = s.client(t)
	h.Instance.ID = "i-other"
	wantError(t, h.boot(t.Context(), h.output, nil), "signal SUCCESS to stack arn:stack", "AccessDenied")
	if got := h.status(); got.Signal != "" || got.Outcome != Booted {
		t.Errorf("the status is %+v", got)
	}
}

// The whole of a boot that asks for little: metadata, document, stages, log, signal.
func TestRun(t *testing.T) {
	s := &signals{}
	cloud := httptest.NewServer(s)
	t.Cleanup(cloud.Close)
	root := t.TempDir()
	var console lines
	metadata := newMetadataServer(t, strings.Replace(userData, `"region"`,
		`"environments": {"laika.env": [{"name": "A", "value": "1"}]}, "region"`, 1),
		strings.Replace(identity, "ARCH", "x86_64", 1))
	m := Machine{Root: root, Run: noPrograms}
	if err := Run(t.Context(), m, Endpoints{Services: cloud.URL, Metadata: metadata}, &console); err != nil {
		t.Fatalf("%v\n%s", err, &console)
	}
	if !slices.Equal(s.heard, []string{signalled + "SUCCESS"}) {
		t.Errorf("signalled %q", s.heard)
	}
	data, err := os.ReadFile(filepath.Join(root, "files/laika.env"))
	if err != nil || string(data) != "A=1\n" {
		t.Errorf("laika.env: %q, %v", data, err)
	}
	err = Run(t.Context(), m, Endpoints{Services: cloud.URL, Metadata: newMetadataServer(t, "", identity)}, &console)
	wantError(t, err, "read the instance document")
	if len(s.heard) != 1 {
		t.Errorf("signalled %q", s.heard)
	}
}
