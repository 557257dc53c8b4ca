package pagerduty

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-cleanhttp"
	"github.com/hashicorp/go-retryablehttp"
)

// maxWait is the longest wait that one answer with Retry-After may cause. A longer one is reported as an error.
const maxWait = 2 * time.Minute

// maxAnswerSize limits how many bytes of an answer are read. An answer with a hundred services has about 300 kB.
const maxAnswerSize = 8 << 20

// api calls PagerDuty's REST API with a key. Reads and writes have clients of their own, because they are retried
// after different failures.
type api struct {
	base, events  string
	key           string
	reads, writes *retryablehttp.Client
}

// newAPI prepares the two HTTP clients. The given one is copied, because its timeout and redirects are changed.
func (c *Client) newAPI() api {
	inner := cleanhttp.DefaultPooledClient()
	if c.HTTP != nil {
		copied := *c.HTTP
		inner = &copied
	}
	inner.Timeout = cmp.Or(inner.Timeout, 30*time.Second)
	// A redirect would send the key to another host.
	inner.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return api{
		base:   strings.TrimSuffix(cmp.Or(c.API, DefaultAPI), "/"),
		events: strings.TrimSuffix(cmp.Or(c.Events, DefaultEvents), "/"),
		key:    c.Key,
		reads:  retrying(inner, retryRead),
		writes: retrying(inner, retryWrite),
	}
}

// retrying returns a client that tries up to five times, while the given function says that it is worth it.
func retrying(client *http.Client, when retryablehttp.CheckRetry) *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient:   client,
		RetryMax:     4,
		RetryWaitMin: 500 * time.Millisecond,
		RetryWaitMax: 10 * time.Second,
		CheckRetry:   when,
		Backoff:      wait,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
}

// retryRead retries a read after a failed connection, a 5xx or a 429, unless the answer asks for a wait longer than
// maxWait.
func retryRead(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if resp != nil && wait(0, 0, 0, resp) > maxWait {
		return false, nil
	}
	return retryablehttp.DefaultRetryPolicy(ctx, resp, err)
}

// retryWrite retries a write only after a 429 (too many requests). After any other failure PagerDuty may have created
// the object, and a second attempt would create another one.
func retryWrite(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if resp == nil || resp.StatusCode != http.StatusTooManyRequests {
		return false, nil
	}
	return retryRead(ctx, resp, err)
}

// wait returns the time to wait before the next attempt: Retry-After, or PagerDuty's own header Ratelimit-Reset, or a
// time that doubles.
func wait(least, most time.Duration, attempt int, resp *http.Response) time.Duration {
	if resp != nil && resp.StatusCode == http.StatusTooManyRequests && resp.Header.Get("Retry-After") == "" {
		if seconds, err := strconv.Atoi(resp.Header.Get("Ratelimit-Reset")); err == nil && seconds >= 0 {
			return time.Duration(seconds) * time.Second
		}
	}
	return retryablehttp.DefaultBackoff(least, most, attempt, resp)
}

// request is a call of the API: the action for an error message, the path, and the advice if the answer is 404.
type request struct{ doing, path, absent string }

// get reads an object.
func (a api) get(ctx context.Context, r request, into any) error {
	return a.call(ctx, a.reads, http.MethodGet, r, nil, into)
}

// post creates an object. body is sent as JSON, and the answer is decoded into into.
func (a api) post(ctx context.Context, r request, body, into any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("%s: %w", r.doing, err)
	}
	return a.call(ctx, a.writes, http.MethodPost, r, data, into)
}

// call sends one request and decodes the JSON of the answer. Errors name the action and never contain the key.
func (a api) call(ctx context.Context, client *retryablehttp.Client, method string, r request, body []byte, into any) error {
	req, err := retryablehttp.NewRequestWithContext(ctx, method, a.base+r.path, body)
	if err != nil {
		return fmt.Errorf("%s: %w", r.doing, err)
	}
	req.Header.Set("Authorization", "Token token="+a.key)
	req.Header.Set("Accept", "application/vnd.pagerduty+json;version=2")
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("%s in PagerDuty: %w; run it again: what was made is found then", r.doing, err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerSize))
	if err != nil {
		return fmt.Errorf("%s: read PagerDuty's answer: %w", r.doing, err)
	}
	if resp.StatusCode/100 != 2 {
		return a.refused(r, resp, data)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: PagerDuty's answer must be JSON: %w", r.doing, err)
	}
	return nil
}
