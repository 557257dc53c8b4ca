package pagerduty

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode"
)

// refusal is an answer whose status is not 2xx.
type refusal struct {
	status int
	text   string
}

// Error returns the whole message.
func (r *refusal) Error() string { return r.text }

// refused makes an error from an answer: the action, PagerDuty's message, the next step.
func (a api) refused(r request, resp *http.Response, body []byte) error {
	answer := strings.TrimSpace(fmt.Sprintf("%d %s", resp.StatusCode, a.explanation(body)))
	return &refusal{status: resp.StatusCode, text: fmt.Sprintf("%s: PagerDuty answers %s: %s", r.doing, answer, next(r, resp))}
}

// next returns the advice for a status. A client error is final; too many requests and a server's error are worth another run,
// which finds the objects that this one made.
func next(r request, resp *http.Response) string {
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized:
		return "it doesn't know the API key; give a valid one as --pagerduty-api-key or PAGERDUTY_API_KEY"
	case code == http.StatusForbidden:
		return "the API key may not do this; give one with full access, not a read-only one, whose owner sees this service"
	case code == http.StatusPaymentRequired:
		return "the account's plan doesn't allow it; name an existing service in the manifest"
	case code == http.StatusNotFound && r.absent != "":
		return r.absent
	case code == http.StatusTooManyRequests:
		return "too many requests; run it again later" + retryTime(resp)
	case code >= 500:
		return "run it again later; what was made is found then"
	case code/100 == 3:
		return "the API's address is not right"
	}
	return "look at the escalation policy or service in PagerDuty"
}

// retryTime returns the time after which PagerDuty wants the next request, as text; "" if the answer does not say.
func retryTime(resp *http.Response) string {
	if asked := wait(0, 0, 0, resp); asked > 0 {
		return ", in " + asked.String()
	}
	return ""
}

// explanation returns PagerDuty's own explanation in one line, "" if the answer has none.
func (a api) explanation(body []byte) string {
	var answer struct {
		Error struct {
			Message string          `json:"message"`
			Errors  json.RawMessage `json:"errors"` // a list of texts, or one text
		} `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.Error.Message == "" {
		return ""
	}
	var several []string
	var one string
	if json.Unmarshal(answer.Error.Errors, &several) != nil && json.Unmarshal(answer.Error.Errors, &one) == nil {
		several = []string{one}
	}
	return "(" + a.oneLine(strings.Join(append([]string{answer.Error.Message}, several...), ": ")) + ")"
}

// oneLine prepares text from the network for an error message: one line, shortened, without the key.
func (a api) oneLine(text string) string {
	const most = 300
	if a.key != "" {
		text = strings.ReplaceAll(text, a.key, "…")
	}
	line := []rune(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text))
	return string(line[:min(len(line), most)])
}
