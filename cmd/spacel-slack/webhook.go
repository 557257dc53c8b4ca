package main

import (
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"strings"
)

// webhook is the address of a Slack channel: whoever knows it can post. It doesn't print.
type webhook struct{ address string }

// String and GoString hide the address in logs and in errors, for every verb of fmt.
func (webhook) String() string   { return "(webhook)" }
func (webhook) GoString() string { return "(webhook)" }

// variable is the name of a secret written as NAME=value. No URL begins so.
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)

// parseWebhook reads the content of a source. It is the URL, NAME=URL, or a JSON object with the URL under the key url
// or as its only value. No error quotes it.
func parseWebhook(text string, anyHost bool) (webhook, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "{") {
		text = onlyValue(text)
	}
	text = strings.Trim(text[len(variable.FindString(text)):], "\"' \t")
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		return webhook{}, errors.New("its content must be the https URL of a Slack webhook, and nothing else")
	case u.Scheme != "https":
		return webhook{}, errors.New("the webhook must be an https URL")
	case anyHost:
		return webhook{address: text}, nil
	case u.Host != "hooks.slack.com" && u.Host != "hooks.slack-gov.com" || u.User != nil:
		return webhook{}, errors.New("the webhook must be at https://hooks.slack.com (or hooks.slack-gov.com)")
	case len(u.Path) < len("/services/T/B/X"):
		return webhook{}, errors.New("the webhook is cut: it must be all of https://hooks.slack.com/services/…")
	}
	return webhook{address: text}, nil
}

// onlyValue returns the only value of a JSON object, else the one of its key url. It returns "" for any other text.
func onlyValue(text string) string {
	var object map[string]string
	if json.Unmarshal([]byte(text), &object) != nil {
		return ""
	}
	if len(object) == 1 {
		for _, value := range object {
			return value
		}
	}
	return object["url"]
}
