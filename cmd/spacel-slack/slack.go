package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// errRefused is a permanent refusal by Slack, of the webhook or of the message. Trying again does not help.
var errRefused = errors.New("Slack refuses")

// slack posts messages to webhooks.
type slack struct{ client *retryablehttp.Client }

// newSlack tries four times, 5 s each and 3.5 s of waiting together, or as long as Slack asks; a run's deadline cuts it short.
func newSlack(client *http.Client) slack {
	client.Timeout = 5 * time.Second
	// A redirect would send the message, and with it the webhook's path, to another host.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return slack{client: &retryablehttp.Client{
		HTTPClient:   client,
		Logger:       nil, // it would log the address
		RetryMax:     3,
		RetryWaitMin: 500 * time.Millisecond,
		RetryWaitMax: 4 * time.Second,
		CheckRetry:   worthwhile,
		Backoff:      retryablehttp.DefaultBackoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}}
}

// worthwhile says whether to try again: after a failed connection, a 5xx, or a 429 whose wait ends before the deadline.
func worthwhile(ctx context.Context, resp *http.Response, err error) (bool, error) {
	asked := retryablehttp.DefaultBackoff(0, 0, 0, resp)
	// Lambda would end the function during the wait, without a line in its log.
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < asked {
		return false, nil
	}
	return retryablehttp.DefaultRetryPolicy(ctx, resp, err)
}

// post sends a message. No error holds the webhook.
func (s slack) post(ctx context.Context, to webhook, m message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("write the message: %w", err)
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, to.address, body)
	if err != nil {
		return fmt.Errorf("post to Slack: %w", conceal(err, to))
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	resp, err := s.client.Do(req)
	if err != nil {
		return fmt.Errorf("post to Slack: %w", conceal(err, to))
	}
	defer resp.Body.Close()
	return verdict(resp, to)
}

// conceal strips the address that net/http puts into its errors.
func conceal(err error, to webhook) error {
	var wrapped *url.Error
	for errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if mentions(err.Error(), to) {
		return errors.New("the request failed")
	}
	return err
}

// mentions says whether a text has a part of the webhook that tells more than its host.
func mentions(text string, to webhook) bool {
	u, err := url.Parse(to.address)
	if err != nil {
		return true
	}
	for part := range strings.SplitSeq(u.Path, "/") {
		if part != "" && part != "services" && strings.Contains(text, part) {
			return true
		}
	}
	return u.RawQuery != "" && strings.Contains(text, u.RawQuery)
}

// verdict is what Slack's answer means.
func verdict(resp *http.Response, to webhook) error {
	answer := fmt.Sprintf("%d%s", resp.StatusCode, said(resp.Body, to))
	switch code := resp.StatusCode; {
	case code == http.StatusOK:
		return nil
	case code == http.StatusTooManyRequests || code >= 500:
		return fmt.Errorf("Slack cannot take the message now: it answers %s", answer)
	case code == http.StatusForbidden || code == http.StatusNotFound || code == http.StatusGone:
		return fmt.Errorf("%w the webhook: it answers %s; make a new one in Slack and store it", errRefused, answer)
	}
	return fmt.Errorf("%w the message: it answers %s", errRefused, answer)
}

// word is one of Slack's own errors, such as invalid_payload or no_service.
var word = regexp.MustCompile(`^[a-z][a-z_]{2,39}$`)

// said returns Slack's one word of explanation, or "" when the body is anything else.
func said(body io.Reader, to webhook) string {
	const enough = 64
	text, err := io.ReadAll(io.LimitReader(body, enough))
	if err != nil || !word.Match(text) || mentions(string(text), to) {
		return ""
	}
	return " " + string(text)
}
