package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// bench is a notifier on a channel, with what it logs and how often it asked for the webhook.
type bench struct {
	notifier
	channel *channel
	log     bytes.Buffer
	asked   int
	address string
}

func newBench(t *testing.T, answers ...func(http.ResponseWriter, *http.Request)) *bench {
	b := &bench{channel: newChannel(t, answers...)}
	b.address = b.channel.webhook().address
	from := source{name: "SSM parameter /production/slack", read: func(context.Context) (string, error) {
		b.asked++
		return b.address, nil
	}}
	b.notifier = notifier{hook: &hook{from: from, anyHost: true}, slack: b.channel.slack(), log: slog.New(slog.NewJSONHandler(&b.log, nil))}
	t.Cleanup(func() { silent(t, errors.New(b.log.String())) })
	return b
}

func (b *bench) run(t *testing.T, timeout time.Duration, event events.SNSEvent) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	err := b.handle(ctx, event)
	silent(t, err)
	return err
}

// Each state of an alarm arrives, with its colour, its name and a link.
func TestHandleEachState(t *testing.T) {
	for name, colour := range map[string]string{"ok": "#1d8102", "alarm": "#d13212", "insufficient-data": "#879596"} {
		b := newBench(t)
		if err := b.run(t, 10*time.Second, readEvent(t, name)); err != nil {
			t.Fatal(err)
		}
		if b.channel.count() != 1 {
			t.Fatalf("%d posts", b.channel.count())
		}
		m := b.channel.posts[0]
		state := strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		if m.Attachments[0].Color != colour || !strings.HasPrefix(m.Text, "*"+state+"* <https://") ||
			!strings.Contains(m.Text, "#alarmsV2:alarm/production-laika-Alarm") {
			t.Errorf("%s: %+v", name, m)
		}
		if !strings.Contains(b.log.String(), `"posted"`) {
			t.Errorf("log: %s", b.log.String())
		}
	}
}

// One webhook look-up serves many events, until Slack refuses the webhook.
func TestHandleKeepsTheWebhook(t *testing.T) {
	b := newBench(t, ok, ok, status(404, "no_service"), ok)
	for range 2 {
		if err := b.run(t, 10*time.Second, readEvent(t, "ok")); err != nil {
			t.Fatal(err)
		}
	}
	if b.asked != 1 {
		t.Errorf("asked %d times", b.asked)
	}
	if err := b.run(t, 10*time.Second, readEvent(t, "ok")); err == nil ||
		!strings.Contains(err.Error(), "SSM parameter /production/slack") {
		t.Errorf("got %v", err)
	}
	if err := b.run(t, 10*time.Second, readEvent(t, "ok")); err != nil || b.asked != 2 {
		t.Errorf("asked %d times, %v", b.asked, err)
	}
}

func TestHookGetsStale(t *testing.T) {
	b := newBench(t)
	for range 2 {
		if _, err := b.hook.open(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.hook.until = time.Now().Add(-time.Millisecond)
	}
	if b.asked != 2 {
		t.Errorf("asked %d times", b.asked)
	}
}

// A record that fails doesn't keep the others from arriving, even when it takes all the time it is given.
func TestHandleSeveralRecords(t *testing.T) {
	b := newBench(t, hang, ok)
	b.slack.client.RetryMax = 0
	event := readEvent(t, "alarm")
	event.Records = append(event.Records, readEvent(t, "plain").Records...)
	event.Records = append(event.Records, readEvent(t, "ok").Records...)
	start := time.Now()
	err := b.run(t, margin+900*time.Millisecond, event)
	if err == nil || b.channel.count() != 3 || time.Since(start) > margin+900*time.Millisecond {
		t.Errorf("%v, %d posts in %s", err, b.channel.count(), time.Since(start))
	}
	if got := b.channel.posts[2].Text; !strings.HasPrefix(got, "*OK*") {
		t.Errorf("the last is %s", got)
	}
}

// A run says why it failed before Lambda ends it.
func TestHandleEndsBeforeItsTimeout(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request){"hang": hang,
		"limit": status(429, "", "Retry-After", "2")} {
		b := newBench(t, answer)
		timeout := margin + 300*time.Millisecond
		start := time.Now()
		if err := b.run(t, timeout, readEvent(t, "alarm")); err == nil || time.Since(start) > timeout-margin/2 {
			t.Errorf("%s: %v after %s", name, err, time.Since(start))
		}
		if !strings.Contains(b.log.String(), `"not posted"`) {
			t.Errorf("log: %s", b.log.String())
		}
	}
}

func TestHandleMalformedEvents(t *testing.T) {
	b := newBench(t)
	if err := b.run(t, 10*time.Second, events.SNSEvent{}); err == nil || !strings.Contains(err.Error(), "no records") {
		t.Errorf("got %v", err)
	}
	for _, body := range []string{"{", "null", "[]", `{"AlarmName":7,"NewStateValue":{}}`, `{"AlarmName":"a"}`, "\xff"} {
		event := events.SNSEvent{Records: []events.SNSEventRecord{{SNS: events.SNSEntity{Message: body}}}}
		if err := b.run(t, 10*time.Second, event); err != nil {
			t.Errorf("%q: %v", body, err)
		}
	}
	if b.channel.count() != 6 {
		t.Errorf("%d posts", b.channel.count())
	}
}

func TestHandleWithoutAWebhook(t *testing.T) {
	b := newBench(t)
	b.address = "http://example.com/services/" + token
	if err := b.run(t, 10*time.Second, readEvent(t, "ok")); err == nil ||
		!strings.Contains(err.Error(), "SSM parameter /production/slack: the webhook must be an https URL") {
		t.Errorf("got %v", err)
	}
	if b.channel.count() != 0 {
		t.Error("it was posted")
	}
}
