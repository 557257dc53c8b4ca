package pagerduty

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var app = Target{EscalationPolicy: "PPOLICY", Orbit: "production", App: "laika"}

// policed is a service of the name with the policy of app.
func policed(name string) service {
	return service{Type: "service", Name: name, EscalationPolicy: reference{ID: "PPOLICY", Type: "escalation_policy_reference"}}
}

func cloudWatchIntegration() integration {
	return integration{Type: integrationType, Vendor: reference{ID: cloudWatch, Type: "vendor_reference"}}
}

const address = "https://events.example.com/integration/0123456789abcdef%016d/enqueue"

// want asks for a target's address, which must be that of the nth integration of the account.
func want(t *testing.T, c *Client, target Target, n int) {
	t.Helper()
	got, err := c.IntegrationURL(t.Context(), target)
	if err != nil || got != fmt.Sprintf(address, n) {
		t.Errorf("got %q, %v, want integration %d", got, err, n)
	}
}

// refuse asks for a target's address in vain. The error says all of these, and never the key.
func refuse(t *testing.T, c *Client, target Target, says ...string) error {
	t.Helper()
	got, err := c.IntegrationURL(t.Context(), target)
	if err == nil {
		t.Fatalf("got %q", got)
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q doesn't say %q", err, text)
		}
	}
	if strings.Contains(err.Error(), testKey) || strings.Contains(err.Error(), "\n") {
		t.Errorf("unfit error %q", err)
	}
	return err
}

func TestFoundServiceAndIntegration(t *testing.T) {
	a := newAccount(t)
	s := a.have(policed("anything"))
	a.integrate(a.service(s.ID), integration{Type: "events_api_v2_inbound_integration"})
	a.integrate(a.service(s.ID), integration{Type: integrationType, Vendor: reference{ID: "PDATADOG"}})
	a.integrate(a.service(s.ID), cloudWatchIntegration())
	a.integrate(a.service(s.ID), cloudWatchIntegration())
	want(t, a.client(), Target{Service: s.ID}, 2)
	if a.made() != 0 {
		t.Errorf("calls: %v", a.calls)
	}
}

func TestMadeIntegration(t *testing.T) {
	a := newAccount(t)
	s := a.have(policed("anything"))
	want(t, a.client(), Target{Service: s.ID}, 0)
	want(t, a.client(), Target{Service: s.ID}, 0)
	if got := a.integrations["PINT0"]; len(a.integrations) != 1 || got.Vendor.ID != cloudWatch || got.Type != integrationType {
		t.Errorf("integrations: %+v", a.integrations)
	}
}

func TestMadeServiceOnce(t *testing.T) {
	a := newAccount(t)
	a.have(policed("laika (production) old"))
	for range 2 {
		want(t, a.client(), app, 0)
	}
	if len(a.services) != 2 || a.made() != 2 {
		t.Fatalf("services %+v, calls %v", a.services, a.calls)
	}
	if s := a.services[1]; s.Name != "laika (production)" || s.EscalationPolicy.ID != "PPOLICY" {
		t.Errorf("made %+v", s)
	}
}

// The service is the 251st of those that the query finds.
func TestFoundServiceOnALaterPage(t *testing.T) {
	a := newAccount(t)
	for n := range 250 {
		a.have(policed(fmt.Sprintf("old laika (production) %d", n)))
	}
	a.have(policed("laika (production)"))
	want(t, a.client(), app, 0)
	if len(a.services) != 251 || a.made() != 1 {
		t.Errorf("%d services, calls %v", len(a.services), a.calls)
	}
}

// A list that never ends is given up.
func TestEndlessPages(t *testing.T) {
	a := newAccount(t)
	pages := 0
	a.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && r.URL.Path == "/services" {
			pages++
			respond(w, http.StatusOK, map[string]any{"services": []service{}, "more": true})
			return true
		}
		return false
	}
	want(t, a.client(), app, 0)
	if pages != lastPage/page {
		t.Errorf("%d pages", pages)
	}
}

func TestServiceOfAnotherPolicy(t *testing.T) {
	a := newAccount(t)
	s := policed("laika (production)")
	s.EscalationPolicy.ID = "POTHER"
	a.have(s)
	refuse(t, a.client(), app, "POTHER", "PPOLICY", "write service: PSERVICE0")
	if a.made() != 0 {
		t.Errorf("calls: %v", a.calls)
	}
}

// Another deploy makes the service between our look and our making it.
func TestServiceMadeMeanwhile(t *testing.T) {
	a := newAccount(t)
	a.before = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost && r.URL.Path == "/services" {
			a.mu.Lock()
			a.have(policed(app.Name()))
			a.mu.Unlock()
		}
		return false
	}
	want(t, a.client(), app, 0)
	if len(a.services) != 1 {
		t.Errorf("services: %+v", a.services)
	}
}

// Regions that are deployed side by side share what one of them makes.
func TestSideBySide(t *testing.T) {
	a := newAccount(t)
	c := a.client()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() { want(t, c, app, 0) })
	}
	group.Wait()
	if len(a.services) != 1 || len(a.integrations) != 1 {
		t.Errorf("%d services, %d integrations", len(a.services), len(a.integrations))
	}
}

func TestNotFound(t *testing.T) {
	a := newAccount(t)
	refuse(t, a.client(), Target{Service: "PNONE"}, "find service PNONE", "404 (Not Found)", "check service in the manifest")
	missing := app
	missing.EscalationPolicy = "PNONE"
	refuse(t, a.client(), missing, "find escalation policy PNONE", "404", "check escalation_policy in the manifest")
	if a.made() != 0 {
		t.Errorf("calls: %v", a.calls)
	}
}

func TestRefused(t *testing.T) {
	for status, says := range map[int][]string{
		401: {"find service PSERVICE0", "401", "PAGERDUTY_API_KEY"},
		402: {"402", "plan"},
		403: {"403", "full access"},
		400: {"400 (no key … here: one: two)"},
		301: {"301", "address"},
	} {
		a := newAccount(t)
		a.have(policed("anything"))
		a.before = func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Location", "https://example.com/")
			problem(w, status, "no\nkey "+testKey+" here", "one", "two")
			return true
		}
		refuse(t, a.client(), Target{Service: "PSERVICE0"}, says...)
	}
}

func TestWrongKey(t *testing.T) {
	a := newAccount(t)
	c := a.client()
	c.Key = "another"
	refuse(t, c, app, "401", "PAGERDUTY_API_KEY")
	c.Key = testKey + "\n"
	refuse(t, c, app, "look for service")
}

// failing has the first so many requests that a condition picks fail.
func (a *account) failing(n int32, method string, fail http.HandlerFunc) *atomic.Int32 {
	seen := new(atomic.Int32)
	a.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != method || seen.Add(1) > n {
			return false
		}
		fail(w, r)
		return true
	}
	return seen
}

func limited(header, value string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(header, value)
		problem(w, http.StatusTooManyRequests, "Rate Limit Exceeded")
	}
}

func TestRateLimit(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		for _, header := range []string{"Retry-After", "Ratelimit-Reset"} {
			a := newAccount(t)
			a.failing(1, method, limited(header, "1"))
			start := time.Now()
			want(t, a.client(), app, 0)
			if time.Since(start) < time.Second || len(a.services) != 1 {
				t.Errorf("%s %s: after %s, %d services", method, header, time.Since(start), len(a.services))
			}
		}
	}
}

func TestRateLimitForTooLong(t *testing.T) {
	for header, value := range map[string]string{"Retry-After": "3600", "Ratelimit-Reset": "3600"} {
		a := newAccount(t)
		seen := a.failing(1, http.MethodGet, limited(header, value))
		refuse(t, a.client(), app, "429 (Rate Limit Exceeded)", "run it again later, in 1h0m0s")
		if seen.Load() != 1 {
			t.Errorf("asked %d times", seen.Load())
		}
	}
}

func TestServerErrors(t *testing.T) {
	broken := func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "<html>oops</html>", http.StatusBadGateway)
	}
	gone := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for name, fail := range map[string]http.HandlerFunc{"502": broken, "dropped": gone} {
		a := newAccount(t)
		a.failing(1, http.MethodGet, fail)
		want(t, a.client(), app, 0)

		// A write is not repeated: it may have been done.
		a = newAccount(t)
		seen := a.failing(1, http.MethodPost, fail)
		refuse(t, a.client(), app, `make service "laika (production)"`, "what was made is found then")
		if seen.Load() != 1 {
			t.Errorf("%s: written %d times", name, seen.Load())
		}
		want(t, a.client(), app, 0)
	}
}

func TestOddAnswers(t *testing.T) {
	a := newAccount(t)
	a.have(policed("anything"))
	a.key = "../evil?"
	refuse(t, a.client(), Target{Service: "PSERVICE0"}, "has no integration key")
	a.before = func(w http.ResponseWriter, r *http.Request) bool {
		_, _ = fmt.Fprint(w, "<html>")
		return true
	}
	refuse(t, a.client(), Target{Service: "PSERVICE0"}, "must be JSON")
}

func TestStopped(t *testing.T) {
	a := newAccount(t)
	a.before = func(_ http.ResponseWriter, r *http.Request) bool {
		<-r.Context().Done()
		return true
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := a.client().IntegrationURL(ctx, app); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestTargets(t *testing.T) {
	c := &Client{Key: testKey, API: "http://127.0.0.1:1"}
	refuse(t, c, Target{}, "either a service or an escalation_policy")
	refuse(t, c, Target{Service: "A", EscalationPolicy: "B"}, "either a service or")
	refuse(t, c, Target{Service: "../users"}, "service must be an id", "../users")
	refuse(t, c, Target{EscalationPolicy: "Night shift"}, "escalation_policy must be an id", "Night shift")
}
