package cloudtest

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"golang.org/x/time/rate"
)

// Rate is how often AWS takes calls of an operation: so many a second, after so many at once.
type Rate struct{ Second, Burst int }

// Limited is an account that refuses calls above its rates, in each region and for each operation apart. It counts the calls by
// service:operation.
type Limited struct {
	URL string

	account http.Handler
	rateOf  func(service, operation string) Rate // zero: no limit

	mu      sync.Mutex
	buckets map[string]*rate.Limiter
	calls   map[string]int
	refused map[string]int
}

// NewLimited starts the account until the test ends.
func NewLimited(t testing.TB, c *CloudFormation, rateOf func(service, operation string) Rate) *Limited {
	t.Helper()
	l := &Limited{account: c, rateOf: rateOf, buckets: map[string]*rate.Limiter{}, calls: map[string]int{}, refused: map[string]int{}}
	server := httptest.NewServer(l)
	t.Cleanup(server.Close)
	l.URL = server.URL
	return l
}

// ServeHTTP refuses a call above the rate, and has the account answer the others.
func (l *Limited) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	service, operation := about(r, body)
	region := ""
	if m := scopePattern.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		region = m[2]
	}
	if !l.takes(region, service, operation) {
		refuseAs(w, r, service, throttle)
		return
	}
	l.account.ServeHTTP(w, r)
}

// takes counts a call, and reports whether it is within the rate.
func (l *Limited) takes(region, service, operation string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls[service+":"+operation]++
	limit := l.rateOf(service, operation)
	if limit.Second == 0 {
		return true
	}
	key := region + " " + service + " " + operation
	if l.buckets[key] == nil {
		l.buckets[key] = rate.NewLimiter(rate.Limit(limit.Second), limit.Burst)
	}
	if l.buckets[key].Allow() {
		return true
	}
	l.refused[service+":"+operation]++
	return false
}

// Count returns the calls and the refused ones among them since the last Count.
func (l *Limited) Count() (calls, refused map[string]int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	calls, refused = maps.Clone(l.calls), maps.Clone(l.refused)
	clear(l.calls)
	clear(l.refused)
	return calls, refused
}
