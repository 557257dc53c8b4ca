package agent

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// shortestHidden is the length from which on a secret is masked: to mask every "a" would hide the log, not the secret.
const shortestHidden = 4

// hidden holds the secrets of this boot, to mask them in the log. The agent itself logs no secret. It does log the last lines
// of units and of Docker after a failure, and these may hold one.
type hidden struct {
	mu    sync.Mutex
	texts []string // the longest first, or a piece of one would be left over
}

// add hides a secret's lines, as they are and as a URL holds them.
func (h *hidden) add(secret []byte) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for line := range bytes.Lines(secret) {
		text := string(bytes.TrimSpace(line))
		for _, form := range []string{text, url.QueryEscape(text), inURL(text)} {
			if len(form) >= shortestHidden && !slices.Contains(h.texts, form) {
				h.texts = append(h.texts, form)
			}
		}
	}
	slices.SortStableFunc(h.texts, func(a, b string) int { return len(b) - len(a) })
}

// inURL is a password as databaseURL writes it.
func inURL(password string) string {
	return strings.TrimPrefix(url.UserPassword("", password).String(), ":")
}

// mask replaces each secret in a text by three asterisks.
func (h *hidden) mask(text string) string {
	if h == nil {
		return text
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, secret := range h.texts {
		text = strings.ReplaceAll(text, secret, "***")
	}
	return text
}
