package agent

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/internal/cloudtest"
)

func TestLogLines(t *testing.T) {
	var console lines
	log, _ := newLog(&console)
	log.Info("volume mounted", "label", "data", "took", 3*time.Second)
	log.Warn("a\nb\n")
	log.With("unit", "x").Error("it wrote \x1b[31mred\x07")
	log.Debug("nothing")
	wantText(t, "the log", console.String(), "volume mounted label=data took=3s\nwarn: a | b\nerror: it wrote  [31mred  unit=x\n")
}

func TestHidden(t *testing.T) {
	h := &hidden{}
	h.add([]byte("line one\n\nabc\n  line two  \n"))
	h.add([]byte("line"))
	h.add([]byte("p@ss word"))
	for text, want := range map[string]string{
		"line one and line two": "*** and ***",
		"a line":                "a ***",
		"abc":                   "abc", // too short to hide
		"u:p%40ss%20word@h":     "u:***@h",
		"u:p%40ss+word@h":       "u:***@h",
	} {
		wantText(t, text, h.mask(text), want)
	}
	(*hidden)(nil).add([]byte("x"))
	wantText(t, "nothing hidden", (*hidden)(nil).mask("text"), "text")
}

// logged is what a group holds of the instance's stream.
func (h *bootEnv) logged(group string) []string {
	h.t.Helper()
	stream, start := h.streamName(), true
	out, err := h.AWS.Logs.GetLogEvents(h.t.Context(), &cloudwatchlogs.GetLogEventsInput{LogGroupName: &group, LogStreamName: &stream,
		StartFromHead: &start})
	if err != nil {
		h.t.Fatal(err)
	}
	var all []string
	for _, e := range out.Events {
		all = append(all, *e.Message)
	}
	return all
}

func (h *bootEnv) newGroup(name string) {
	h.t.Helper()
	if _, err := h.AWS.Logs.CreateLogGroup(h.t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &name}); err != nil {
		h.t.Fatal(err)
	}
}

func TestLogGroups(t *testing.T) {
	h := newBootEnv(t, document.Document[string]{})
	h.AWS = NewClients(cloudtest.Config(t, cloudtest.Moto(t), "us-east-1"))
	h.Document.BootLog = "production-boot"
	h.Document.Logging = &document.Logging[string]{Deploy: "deploy"}
	h.newGroup("production-boot")
	h.newGroup("deploy")
	group, stream := "production-boot", "laika/i-0123456789abcdef0" // the installer was here
	if _, err := h.AWS.Logs.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group,
		LogStreamName: &stream}); err != nil {
		t.Fatal(err)
	}
	h.hidden.add([]byte("hunter22"))
	h.Log.Info("before")
	h.output.send(h.streams()...)
	h.Log.Info("after hunter22")
	h.Log.Info("")
	h.output.flush(t.Context())
	h.output.flush(t.Context())
	for _, group := range []string{"production-boot", "deploy"} {
		wantText(t, group, strings.Join(h.logged(group), "\n"), "before\nafter ***\n ")
	}
	h.Log.Info("last")
	h.output.flush(t.Context())
	if got := h.logged("deploy"); len(got) != 4 || got[3] != "last" {
		t.Errorf("got %q", got)
	}
}

// A group that cannot be reached costs one line, and the boot nothing.
func TestLogGroupThatIsGone(t *testing.T) {
	h := newBootEnv(t, document.Document[string]{})
	h.AWS = NewClients(cloudtest.Config(t, cloudtest.Moto(t), "us-east-1"))
	h.Document.BootLog = "gone"
	h.output.send(h.streams()...)
	h.Log.Info("x")
	h.output.flush(t.Context())
	h.output.flush(t.Context())
	if got := strings.Count(h.log.String(), "write to log group gone"); got != 1 {
		t.Errorf("it complains %d times, want once: %s", got, h.log)
	}
	h.newGroup("gone")
	h.output.flush(t.Context())
	wantText(t, "the group", strings.Join(h.logged("gone"), "\n"), "x")
}

func TestBatches(t *testing.T) {
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".PutLogEvents") {
			calls++
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		fmt.Fprint(w, "{}")
	}))
	t.Cleanup(server.Close)
	s := &logStream{client: cloudwatchlogs.NewFromConfig(cloudtest.Config(t, server.URL, "us-east-1")), group: "g", stream: "s"}
	for range maxBatchEvents + 1 {
		s.add(logLine{time.Now(), "x"})
	}
	if got := len(s.batch()); got != maxBatchEvents {
		t.Errorf("the first batch has %d events, want %d", got, maxBatchEvents)
	}
	if err := s.flush(t.Context()); err != nil || calls != 2 {
		t.Errorf("%d calls, %v; want 2", calls, err)
	}
	s.add(logLine{time.Now(), strings.Repeat("é", maxLine)})
	if batch := s.batch(); len(*batch[0].Message) != maxLine || !strings.HasSuffix(*batch[0].Message, "é") {
		t.Errorf("a long line has %d bytes, want %d", len(*batch[0].Message), maxLine)
	}
	for range 200 {
		s.add(logLine{time.Now(), strings.Repeat("x", maxLine)})
	}
	if got := len(s.batch()); got != maxBatchBytes/(maxLine+eventOverhead) {
		t.Errorf("a batch of long lines has %d", got)
	}
	for range 2 * maxWaiting {
		s.add(logLine{time.Now(), "x"})
	}
	if got := len(s.waiting); got != maxWaiting {
		t.Errorf("%d lines wait, want %d", got, maxWaiting)
	}
}
