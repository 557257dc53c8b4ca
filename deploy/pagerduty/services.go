package pagerduty

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// reference names another object of PagerDuty by type and id.
type reference struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// service is a service of PagerDuty, reduced to the fields which are used here.
type service struct {
	ID               string      `json:"id,omitempty"`
	Type             string      `json:"type"`
	Name             string      `json:"name"`
	Description      string      `json:"description,omitempty"`
	EscalationPolicy reference   `json:"escalation_policy"`
	Integrations     []reference `json:"integrations,omitempty"`
}

// appService returns the id of the app's own service. It looks for the name and creates the service if there is none.
func (a api) appService(ctx context.Context, t Target) (string, error) {
	found, err := a.findService(ctx, t)
	if err != nil || found != "" {
		return found, err
	}
	if err := a.checkPolicy(ctx, t.EscalationPolicy); err != nil {
		return "", err
	}
	made, err := a.makeService(ctx, t)
	var answer *refusal
	if errors.As(err, &answer) && answer.status == http.StatusBadRequest {
		// Another deploy of the same app may have created the service since the search.
		if found, again := a.findService(ctx, t); again == nil && found != "" {
			return found, nil
		}
	}
	return made, err
}

// PagerDuty returns lists in pages of at most 100, and nothing beyond the 10,000th object.
// https://developer.pagerduty.com/docs/pagination
const (
	page     = 100
	lastPage = 10_000
)

// findService returns the id of the service with the app's name, "" if there is none. PagerDuty allows a name only
// once in an account.
func (a api) findService(ctx context.Context, t Target) (string, error) {
	for offset := 0; offset < lastPage; offset += page {
		var answer struct {
			Services []service `json:"services"`
			More     bool      `json:"more"`
		}
		query := url.Values{"query": {t.Name()}, "limit": {strconv.Itoa(page)}, "offset": {strconv.Itoa(offset)}}
		err := a.get(ctx, request{doing: fmt.Sprintf("look for service %q", t.Name()), path: "/services?" + query.Encode()}, &answer)
		if err != nil {
			return "", err
		}
		for _, s := range answer.Services {
			if s.Name == t.Name() {
				return s.ID, policyOf(s, t)
			}
		}
		if !answer.More {
			break
		}
	}
	return "", nil
}

// policyOf reports an error unless the service uses the target's escalation policy. Deploy does not change the policy
// of an existing service, because that would change the people who are called at night.
func policyOf(s service, t Target) error {
	if s.EscalationPolicy.ID == t.EscalationPolicy {
		return nil
	}
	return fmt.Errorf("PagerDuty's service %q (%s) has escalation policy %s, and the manifest says %s: change one of them, or write "+
		"service: %s",
		s.Name, s.ID, s.EscalationPolicy.ID, t.EscalationPolicy, s.ID)
}

// checkPolicy reads the escalation policy, to report a wrong id before anything is created.
func (a api) checkPolicy(ctx context.Context, policy string) error {
	return a.get(ctx, request{
		doing:  "find escalation policy " + policy,
		path:   "/escalation_policies/" + policy,
		absent: "check escalation_policy in the manifest: it must be the id at the end of the policy's address in PagerDuty",
	}, nil)
}

// makeService creates the app's service and returns its id.
func (a api) makeService(ctx context.Context, t Target) (string, error) {
	type body struct {
		Service service `json:"service"`
	}
	var made body
	err := a.post(ctx, request{doing: fmt.Sprintf("make service %q", t.Name()), path: "/services"}, body{service{
		Type:             "service",
		Name:             t.Name(),
		Description:      fmt.Sprintf("CloudWatch alarms of %s in orbit %s, made by spacel.", t.App, t.Orbit),
		EscalationPolicy: reference{ID: t.EscalationPolicy, Type: "escalation_policy_reference"},
	}}, &made)
	if err == nil && !id.MatchString(made.Service.ID) {
		return "", fmt.Errorf("make service %q: PagerDuty answers without an id", t.Name())
	}
	return made.Service.ID, err
}
