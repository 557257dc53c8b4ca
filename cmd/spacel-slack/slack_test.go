package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// token is the part of the test's webhook that must never be seen.
const token = "T0SECRET/B0SECRET/xyzSecretToken"

// channel plays Slack: it answers each post with the next of its answers, the last one for ever.
type channel struct {
	*httptest.Server
	mu      sync.Mutex
	posts   []message
	answers []func(http.ResponseWriter, *http.Request)
}

func newChannel(t *testing.T, answers ...func(http.ResponseWriter, *http.Request)) *channel {
	c := &channel{answers: answers}
	c.Server = httptest.NewTLSServer(http.HandlerFunc(c.serve))
	t.Cleanup(c.Close)
	return c
}

func (c *channel) serve(w http.ResponseWriter, r *http.Request) {
	var m message
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil || r.Method != http.MethodPost || r.URL.Path != "/services/"+token ||
		!strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		http.Error(w, "invalid_payload", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	c.posts = append(c.posts, m)
	answer := ok
	if len(c.answers) > 0 {
		answer = c.answers[min(len(c.posts), len(c.answers))-1]
	}
	c.mu.Unlock()
	answer(w, r)
}

func (c *channel) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.posts)
}

func (c *channel) webhook() webhook { return webhook{address: c.URL + "/services/" + token} }

// slack is a client that trusts the channel and doesn't wait as long between tries.
func (c *channel) slack() slack {
	s := newSlack(c.Client())
	s.client.RetryWaitMin, s.client.RetryWaitMax = time.Millisecond, time.Millisecond
	return s
}

func ok(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }

func status(code int, body string, header ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// hang answers never: a handler that returned would answer 200 to a client that is still there.
func hang(_ http.ResponseWriter, r *http.Request) {
	<-r.Context().Done()
	panic(http.ErrAbortHandler)
}

// drop ends the connection without an answer.
func drop(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func TestPost(t *testing.T) {
	busy, later := status(500, "rollup_error"), status(429, "rate_limited", "Retry-After", "1")
	for name, c := range map[string]struct {
		answers []func(http.ResponseWriter, *http.Request)
		posts   int
		fails   string // what the error must say, nothing for none
		refused bool
		least   time.Duration
	}{
		"at once":              {posts: 1},
		"busy once":            {answers: arr(busy, ok), posts: 2},
		"busy thrice":          {answers: arr(busy, busy, busy, ok), posts: 4},
		"busy for ever":        {answers: arr(busy), posts: 4, fails: "500 rollup_error"},
		"dropped":              {answers: arr(drop, ok), posts: 2},
		"slow once":            {answers: arr(hang, ok), posts: 2},
		"slow for ever":        {answers: arr(hang), posts: 4, fails: "Client.Timeout exceeded"},
		"limited once":         {answers: arr(later, ok), posts: 2, least: time.Second},
		"limited for an hour":  {answers: arr(status(429, "rate_limited", "Retry-After", "3600")), posts: 1, fails: "429 rate_limited"},
		"unavailable for long": {answers: arr(status(503, "", "Retry-After", "3600")), posts: 1, fails: "503"},
		"gone": {answers: arr(status(410, "channel_is_archived")), posts: 1, fails: "make a new one in Slack",
			refused: true},
		"not found": {answers: arr(status(404, "no_service")), posts: 1, fails: "404 no_service", refused: true},
		"forbidden": {answers: arr(status(403, "action_prohibited")), posts: 1, fails: "403 action_prohibited", refused: true},
		"bad message": {answers: arr(status(400, "invalid_blocks")), posts: 1, fails: "the message: it answers 400 invalid_blocks",
			refused: true},
		"elsewhere": {answers: arr(status(302, "", "Location", "https://example.com/"+token)), posts: 1, fails: "302",
			refused: true},
		"a page": {answers: arr(status(404, "<html>no such page "+token+"</html>")), posts: 1, fails: "it answers 404;",
			refused: true},
		"an echo": {answers: arr(status(500, "https://hooks.slack.com/services/"+token)), posts: 4, fails: "500"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			channel := newChannel(t, c.answers...)
			s := channel.slack()
			s.client.HTTPClient.Timeout = 300 * time.Millisecond
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			start := time.Now()
			err := s.post(ctx, channel.webhook(), message{Text: "x"})
			if (err != nil) != (c.fails != "") || err != nil && !strings.Contains(err.Error(), c.fails) {
				t.Errorf("got %v, want %q", err, c.fails)
			}
			if channel.count() != c.posts || errors.Is(err, errRefused) != c.refused || time.Since(start) < c.least {
				t.Errorf("%d posts in %s, %v", channel.count(), time.Since(start), err)
			}
			silent(t, err)
		})
	}
}

func arr(answers ...func(http.ResponseWriter, *http.Request)) []func(http.ResponseWriter, *http.Request) {
	return answers
}

// silent checks that an error and all that it wraps keep the webhook to themselves.
func silent(t *testing.T, err error) {
	t.Helper()
	for ; err != nil; err = errors.Unwrap(err) {
		for part := range strings.SplitSeq(token, "/") {
			if strings.Contains(err.Error(), part) {
				t.Errorf("the error tells the webhook: %v", err)
			}
		}
	}
}

func TestPostWithoutServer(t *testing.T) {
	channel := newChannel(t)
	s := channel.slack()
	channel.Close()
	err := s.post(t.Context(), channel.webhook(), message{Text: "x"})
	if err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("got %v", err)
	}
	silent(t, err)
}

// A server that isn't Slack, by its certificate, gets nothing, and is asked once.
func TestPostToAnImpostor(t *testing.T) {
	channel := newChannel(t)
	s := newSlack(&http.Client{})
	err := s.post(t.Context(), channel.webhook(), message{Text: "x"})
	if err == nil || !strings.Contains(err.Error(), "certificate") || channel.count() != 0 {
		t.Errorf("got %v, %d posts", err, channel.count())
	}
	silent(t, err)
}

func TestPostToNonsense(t *testing.T) {
	for _, address := range []string{"https://hooks.slack.com/services/" + token + "\x7f", "ht tp://" + token, "gopher://x/" + token} {
		err := newSlack(&http.Client{}).post(t.Context(), webhook{address: address}, message{Text: "x"})
		if err == nil {
			t.Errorf("%q was posted to", address)
		}
		silent(t, err)
	}
}

// Posting ends with its deadline, whatever Slack does.
func TestPostEndsInTime(t *testing.T) {
	channel := newChannel(t, hang)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	err := channel.slack().post(ctx, channel.webhook(), message{Text: "x"})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 2*time.Second {
		t.Errorf("%v after %s", err, time.Since(start))
	}
	silent(t, err)
}

// Nothing that looks harmless is let through when it is a part of the webhook.
func TestPartsOfTheWebhookAreNotTold(t *testing.T) {
	to := webhook{address: "https://hooks.slack.com/services/T1/B1/lowercasetoken?key=value"}
	if got := said(strings.NewReader("lowercasetoken"), to); got != "" {
		t.Errorf("told %q", got)
	}
	if got := said(strings.NewReader("no_service"), to); got != " no_service" {
		t.Errorf("told %q", got)
	}
	for _, text := range []string{"cannot reach lowercasetoken", "proxy refuses ?key=value"} {
		if err := conceal(errors.New(text), to); err.Error() != "the request failed" {
			t.Errorf("told %v", err)
		}
	}
	if err := conceal(errors.New("lookup hooks.slack.com: no such host"), to); err.Error() != "lookup hooks.slack.com: no such host" {
		t.Errorf("told only %v", err)
	}
}
