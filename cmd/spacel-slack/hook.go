package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// freshness is how long a webhook is used before its source is asked again.
const freshness = 5 * time.Minute

// hook is the webhook, fetched when first needed and then kept for a while.
type hook struct {
	from    source
	anyHost bool // for tests: the webhook may be elsewhere than at Slack

	mu    sync.Mutex
	value webhook
	until time.Time
}

// open returns the webhook. It reads the source at most once in freshness, since Lambda reuses a process for many
// events.
func (h *hook) open(ctx context.Context) (webhook, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Now().Before(h.until) {
		return h.value, nil
	}
	text, err := h.from.read(ctx)
	if err != nil {
		return webhook{}, fmt.Errorf("read the webhook from %s: %w", h.from.name, err)
	}
	value, err := parseWebhook(text, h.anyHost)
	if err != nil {
		return webhook{}, fmt.Errorf("%s: %w", h.from.name, err)
	}
	h.value, h.until = value, time.Now().Add(freshness)
	return value, nil
}

// forget has the next open ask the source: Slack refused the webhook, so there may be another by now.
func (h *hook) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.until = time.Time{}
}
