package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestParseWebhook(t *testing.T) {
	const address = "https://hooks.slack.com/services/" + token
	for _, text := range []string{
		address, " " + address + "\n", "SLACK_URL=" + address, "url=\"" + address + "\"", `{"url":"` + address + `"}`,
		`{"webhook":"` + address + `"}`, `{"url":"` + address + `","note":"x"}`,
	} {
		if got, err := parseWebhook(text, false); err != nil || got.address != address {
			t.Errorf("%q: %q, %v", text, got.address, err)
		}
	}
	if got, err := parseWebhook("https://hooks.slack-gov.com/services/"+token, false); err != nil || got.address == "" {
		t.Error(got.address, err)
	}
}

func TestParseWebhookRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "must be the https URL",
		"xoxb-" + token:                         "must be the https URL",
		"{\"a\":\"b\",\"c\":\"" + token + "\"}": "must be the https URL",
		"{\"url\":[\"" + token + "\"]}":         "must be the https URL",
		"{" + token:                             "must be the https URL",
		"https://hooks.slack.com/%zz" + token:   "must be the https URL",
		"http://hooks.slack.com/services/" + token:              "https",
		"https://hooks.slack.com.example.com/services/" + token: "must be at https://hooks.slack.com",
		"https://example.com/hooks.slack.com/" + token:          "must be at https://hooks.slack.com",
		"https://hooks.slack.com@example.com/" + token:          "must be at https://hooks.slack.com",
		"https://me@hooks.slack.com/services/" + token:          "must be at https://hooks.slack.com",
		"https://hooks.slack.com:8443/services/" + token:        "must be at https://hooks.slack.com",
		"https://hooks.slack.com/services":                      "is cut",
	} {
		got, err := parseWebhook(text, false)
		if err == nil || !strings.Contains(err.Error(), want) || got.address != "" {
			t.Errorf("%q: %q, %v, want %q", text, got.address, err, want)
		}
		silent(t, err)
	}
}

func TestWebhookDoesNotPrint(t *testing.T) {
	w := webhook{address: "https://hooks.slack.com/services/" + token}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if got := fmt.Sprintf(format, w); strings.Contains(got, "SECRET") || strings.Contains(got, fmt.Sprintf("%x", "SECRET")) {
			t.Errorf("%s: %s", format, got)
		}
	}
}
