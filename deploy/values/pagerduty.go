package values

import (
	"context"
	"errors"
	"strings"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/pagerduty"
)

// placeholder stands for the address of an integration which a dry run does not create. A change set that contains it
// is never executed.
const placeholder = pagerduty.DefaultEvents + "/integration/made-by-deploy/enqueue"

// pagerDuty returns the address for alarms. An endpoint that names a service or policy gets the address of a
// PagerDuty integration, which is created if it is missing. Other endpoints share the address in the settings.
func (r *Resolver) pagerDuty(ctx context.Context, q question, s assembly.PagerDuty) (Value, error) {
	if s == (assembly.PagerDuty{}) {
		return r.defaultPagerDuty(ctx, q)
	}
	switch {
	case r.settings.PagerDutyKey == "":
		return Value{}, errors.New("there is no key for PagerDuty's API, to find out where alarms go: give one with PAGERDUTY_API_KEY or " +
			"--pagerduty-api-key")
	// A dry run makes nothing in PagerDuty. The deployed address, if there is one, gives the right comparison.
	case r.settings.DryRun:
		if v, ok := q.kept(); ok {
			v.Secret = true
			return v, nil
		}
		return Value{Text: placeholder, Secret: true}, nil
	}
	url, err := r.pagerduty.IntegrationURL(ctx, pagerduty.Target{
		Service: s.Service, EscalationPolicy: s.EscalationPolicy, Orbit: q.orbit(), App: q.stack.App,
	})
	return Value{Text: url, Secret: true}, err
}

// defaultPagerDuty returns the address in the settings, else the deployed one, else the user's answer to a question.
func (r *Resolver) defaultPagerDuty(ctx context.Context, q question) (Value, error) {
	url := strings.TrimSpace(r.settings.WebhooksPagerDuty)
	switch {
	case url == "":
		return r.keptOrAsked(ctx, q, "the address that PagerDuty takes alarms at, for endpoints that name no service",
			errors.New("an endpoint names no service of PagerDuty's, and there is no address for such: give one with WEBHOOKS_PAGERDUTY "+
				"or --webhooks-pagerduty"))
	case !strings.HasPrefix(url, "https://"):
		return Value{}, errors.New("WEBHOOKS_PAGERDUTY or --webhooks-pagerduty must be an address that begins with https://")
	}
	return Value{Text: url, Secret: true}, nil
}
