package pagerduty

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// What makes an integration CloudWatch's (PagerDuty, "Create a Vendor-Specific Service with the API").
const (
	integrationType = "event_transformer_api_inbound_integration"
	cloudWatch      = "PZQ6AUS"
)

// integration is how a service is told of events.
type integration struct {
	Type   string    `json:"type"`
	Name   string    `json:"name,omitempty"`
	Vendor reference `json:"vendor"`
	Key    string    `json:"integration_key,omitempty"`
}

type integrationBody struct {
	Integration integration `json:"integration"`
}

// integrationKey is that of a service's CloudWatch integration, the first by id, or of a new one.
func (a api) integrationKey(ctx context.Context, service string) (string, error) {
	candidates, err := a.integrations(ctx, service)
	if err != nil {
		return "", err
	}
	for _, candidate := range candidates {
		var found integrationBody
		err := a.get(ctx, request{
			doing: fmt.Sprintf("read integration %s of service %s", candidate, service),
			path:  "/services/" + service + "/integrations/" + candidate,
		}, &found)
		if err != nil {
			return "", err
		}
		if found.Integration.Vendor.ID == cloudWatch {
			return found.key(service)
		}
	}
	return a.makeIntegration(ctx, service)
}

// integrations are the ids of a service's integrations of CloudWatch's type, which other vendors share.
func (a api) integrations(ctx context.Context, id string) ([]string, error) {
	var found struct {
		Service service `json:"service"`
	}
	err := a.get(ctx, request{
		doing:  "find service " + id,
		path:   "/services/" + id,
		absent: "check service in the manifest: it must be the id at the end of the service's address in PagerDuty",
	}, &found)
	var ids []string
	for _, r := range found.Service.Integrations {
		if strings.TrimSuffix(r.Type, "_reference") == integrationType {
			ids = append(ids, r.ID)
		}
	}
	slices.Sort(ids)
	return ids, err
}

func (a api) makeIntegration(ctx context.Context, service string) (string, error) {
	var made integrationBody
	err := a.post(ctx, request{
		doing: "make the CloudWatch integration of service " + service,
		path:  "/services/" + service + "/integrations",
	}, integrationBody{integration{
		Type:   integrationType,
		Name:   "Amazon CloudWatch",
		Vendor: reference{ID: cloudWatch, Type: "vendor_reference"},
	}}, &made)
	if err != nil {
		return "", err
	}
	return made.key(service)
}

// key is the integration's key, which is a part of an address.
func (b integrationBody) key(service string) (string, error) {
	if !id.MatchString(b.Integration.Key) {
		return "", fmt.Errorf("the CloudWatch integration of PagerDuty's service %s has no integration key: delete it in PagerDuty and deploy again", service)
	}
	return b.Integration.Key, nil
}
