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

// maxWait is the longest that one answer can make us wait.
const maxWait = 2 * time.Minute

// maxAnswerSize is how much of an answer is read. A hundred services are some 300 kB.
const maxAnswerSize = 8 << 20

// api is the REST API with a key.
type api struct {
	base, events  string
	key           string
	reads, writes *retryablehttp.Client
}

func (c *Client) newAPI() api {
	inner := cleanhttp.DefaultPooledClient()
	if c.HTTP != nil {
		copied := *c.HTTP
		inner = &copied
	}
	inner.Timeout = cmp.Or(inner.Timeout, 30*time.Second)
	// A redirect could take the key somewhere else.
	inner.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return api{
		base:   strings.TrimSuffix(cmp.Or(c.API, DefaultAPI), "/"),
		events: strings.TrimSuffix(cmp.Or(c.Events, DefaultEvents), "/"),
		key:    c.Key,
		reads:  retrying(inner, retryRead),
		writes: retrying(inner, retryWrite),
	}
}

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

// retryRead has a read tried again after a failed connection, a 5xx or a 429, unless that means to wait too long.
func retryRead(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if resp != nil && wait(0, 0, 0, resp) > maxWait {
		return false, nil
	}
	return retryablehttp.DefaultRetryPolicy(ctx, resp, err)
}

// retryWrite has a write tried again only after a 429. Any other failure may have made something all the same.
func retryWrite(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if resp == nil || resp.StatusCode != http.StatusTooManyRequests {
		return false, nil
	}
	return retryRead(ctx, resp, err)
}

// wait is what PagerDuty asks for, in Retry-After or in a header of its own, or a doubling time.
func wait(least, most time.Duration, attempt int, resp *http.Response) time.Duration {
	if resp != nil && resp.StatusCode == http.StatusTooManyRequests && resp.Header.Get("Retry-After") == "" {
		if seconds, err := strconv.Atoi(resp.Header.Get("Ratelimit-Reset")); err == nil && seconds >= 0 {
			return time.Duration(seconds) * time.Second
		}
	}
	return retryablehttp.DefaultBackoff(least, most, attempt, resp)
}

// request is a call of the API: what an error says was being done, where, and what to do should it not be there.
type request struct{ doing, path, absent string }

func (a api) get(ctx context.Context, r request, into any) error {
	return a.call(ctx, a.reads, http.MethodGet, r, nil, into)
}

func (a api) post(ctx context.Context, r request, body, into any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("%s: %w", r.doing, err)
	}
	return a.call(ctx, a.writes, http.MethodPost, r, data, into)
}

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
