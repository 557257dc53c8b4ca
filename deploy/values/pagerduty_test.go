package values

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/live"
)

func pager(service, policy string) assembly.ValueFrom {
	return assembly.ValueFrom{PagerDuty: &assembly.PagerDuty{Service: service, EscalationPolicy: policy}}
}

func TestPagerDutyByDefault(t *testing.T) {
	a := newAWSEnv(t)
	a.wantError(pager("", ""), "an endpoint names no service of PagerDuty's", "WEBHOOKS_PAGERDUTY or --webhooks-pagerduty")
	a.wantValue(pager("", ""), deployed(map[string]string{"P": live.Masked}), Value{Text: live.Masked, Secret: true, Keep: true})
	a.settings.WebhooksPagerDuty = hook
	a.wantValue(pager("", ""), deployed(map[string]string{"P": live.Masked}), Value{Text: hook, Secret: true})
	a.settings.WebhooksPagerDuty = "hooks.example.com"
	a.wantError(pager("", ""), "must be an address that begins with https://")
}

func TestPagerDutyService(t *testing.T) {
	a := newAWSEnv(t)
	calls := 0
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		switch r.URL.Path {
		case "/services/PSERVICE":
			fmt.Fprint(w, `{"service":{"id":"PSERVICE","type":"service","name":"n",`+
				`"integrations":[{"id":"PINT","type":"aws_cloudwatch_inbound_integration_reference"}]}}`)
		default:
			fmt.Fprint(w, `{"integration":{"id":"PINT","type":"aws_cloudwatch_inbound_integration",`+
				`"integration_key":"0123456789abcdef0123456789abcdef","vendor":{"id":"PZQ6AUS","type":"vendor_reference"}}}`)
		}
	}))
	t.Cleanup(api.Close)
	a.wantError(pager("PSERVICE", ""), "there is no key for PagerDuty's API", "PAGERDUTY_API_KEY or --pagerduty-api-key")
	a.settings.PagerDutyKey, a.settings.PagerDutyAPI, a.settings.PagerDutyEvents = "key", api.URL, "https://events.example.com"
	a.settings.DryRun = true
	a.wantValue(pager("PSERVICE", ""), nil, Value{Text: placeholder, Secret: true})
	a.wantValue(pager("PSERVICE", ""), deployed(map[string]string{"P": live.Masked}), Value{Text: live.Masked, Secret: true, Keep: true})
	if calls != 0 {
		t.Errorf("a dry run makes %d calls", calls)
	}
	a.settings.DryRun = false
	a.wantValue(pager("PSERVICE", ""), deployed(map[string]string{"P": live.Masked}),
		Value{Text: "https://events.example.com/integration/0123456789abcdef0123456789abcdef/enqueue", Secret: true})
	a.wantError(pager("", "not an id"), "escalation_policy must be an id")
}
