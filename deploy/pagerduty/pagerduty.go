// Package pagerduty finds, or makes, where in PagerDuty an app's alarms go: an address that an SNS topic can be subscribed to.
// It speaks PagerDuty's REST API v2. Deploy calls it when an artifact asks for such an address.
package pagerduty

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"sync"
)

// Client has an account's API key. Its methods may be called at the same time; they take turns, so that regions which are
// deployed side by side don't make a thing twice.
type Client struct {
	Key    string       // of the REST API, allowed to write; in no error
	API    string       // where the REST API is; empty for PagerDuty's in the US, DefaultAPI
	Events string       // where events go; empty for DefaultEvents
	HTTP   *http.Client // nil for one with a timeout

	mu sync.Mutex
}

// PagerDuty's addresses in the US. Europe's are https://api.eu.pagerduty.com and https://events.eu.pagerduty.com.
const (
	DefaultAPI    = "https://api.pagerduty.com"
	DefaultEvents = "https://events.pagerduty.com"
)

// Target is who is to be told: a service, or an app's own service with an escalation policy. Exactly one of the ids is set.
type Target struct {
	Service          string // id
	EscalationPolicy string // id
	Orbit, App       string // name the service that is made for an escalation policy
}

// Name is what the service of an app is called, in PagerDuty.
func (t Target) Name() string {
	return fmt.Sprintf("%s (%s)", t.App, t.Orbit)
}

// id is what PagerDuty's ids look like.
var id = regexp.MustCompile(`^[A-Za-z0-9]{1,64}$`)

func (t Target) check() error {
	switch {
	case (t.Service == "") == (t.EscalationPolicy == ""):
		return errors.New("a PagerDuty endpoint must have either a service or an escalation_policy")
	case t.Service != "" && !id.MatchString(t.Service):
		return fmt.Errorf("service must be an id of PagerDuty, the last part of the service's address, such as PABC123, got %q", t.Service)
	case t.EscalationPolicy != "" && !id.MatchString(t.EscalationPolicy):
		return fmt.Errorf("escalation_policy must be an id of PagerDuty, the last part of the policy's address, such as PABC123, got %q", t.EscalationPolicy)
	}
	return nil
}

// IntegrationURL is the address that takes CloudWatch's alarms for a target. What is missing is made: the app's service, and a
// service's CloudWatch integration. Asked again, it makes nothing and gives the same.
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
