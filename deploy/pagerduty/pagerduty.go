// Package pagerduty finds or creates the address in PagerDuty that takes an app's alarms. SNS posts the alarms of
// CloudWatch to that address. Deploy calls this package when an artifact asks for such an address.
//
// It uses PagerDuty's REST API v2: https://developer.pagerduty.com/api-reference/
//
//	pagerduty.go      the target of alarms, and its address
//	services.go       finds or creates an app's service
//	integrations.go   finds or creates a service's CloudWatch integration
//	api.go            HTTP: the key, retries
//	refusal.go        errors
package pagerduty

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"sync"
)

// Client calls PagerDuty with an account's API key. Its methods may be called concurrently. They run one after the
// other, because several regions are deployed at the same time and must not create the same object twice.
type Client struct {
	Key    string       // for the REST API, with write access; no error contains it
	API    string       // base URL of the REST API; empty for DefaultAPI
	Events string       // base URL for events; empty for DefaultEvents
	HTTP   *http.Client // nil for one with a timeout

	mu sync.Mutex
}

// These are PagerDuty's addresses in the US. Europe's are https://api.eu.pagerduty.com and
// https://events.eu.pagerduty.com.
const (
	DefaultAPI    = "https://api.pagerduty.com"
	DefaultEvents = "https://events.pagerduty.com"
)

// Target says where alarms go: to a service, or to a service of the app's own that uses an escalation policy. Exactly
// one of the two ids is set.
type Target struct {
	Service          string // id
	EscalationPolicy string // id
	Orbit, App       string // name the service which is made for an escalation policy
}

// Name returns the name of the app's own service in PagerDuty.
func (t Target) Name() string {
	return fmt.Sprintf("%s (%s)", t.App, t.Orbit)
}

// id matches the ids of PagerDuty's objects.
var id = regexp.MustCompile(`^[A-Za-z0-9]{1,64}$`)

// check reports an error unless the target has exactly one id of a valid form: the ids become a part of the API's paths.
func (t Target) check() error {
	switch {
	case (t.Service == "") == (t.EscalationPolicy == ""):
		return errors.New("a PagerDuty endpoint must have either a service or an escalation_policy")
	case t.Service != "" && !id.MatchString(t.Service):
		return fmt.Errorf("service must be an id of PagerDuty, the last part of the service's address, such as PABC123, got %q", t.Service)
	case t.EscalationPolicy != "" && !id.MatchString(t.EscalationPolicy):
		return fmt.Errorf("escalation_policy must be an id of PagerDuty, the last part of the policy's address, such as PABC123, got %q",
			t.EscalationPolicy)
	}
	return nil
}

// IntegrationURL returns the address that takes CloudWatch's alarms for a target. It creates the app's service and
// the service's CloudWatch integration if they are missing. A second call creates nothing and returns the same
// address.
func (c *Client) IntegrationURL(ctx context.Context, t Target) (string, error) {
	if err := t.check(); err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.newAPI()
	service := t.Service
	if service == "" {
		var err error
		if service, err = a.appService(ctx, t); err != nil {
			return "", err
		}
	}
	key, err := a.integrationKey(ctx, service)
	if err != nil {
		return "", err
	}
	return a.events + "/integration/" + key + "/enqueue", nil
}
