package pagerduty

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// These values mark an integration as CloudWatch's (PagerDuty developer docs, "Create a Vendor-Specific Service with
// the API").
const (
	integrationType = "event_transformer_api_inbound_integration"
	cloudWatch      = "PZQ6AUS"
)

// integration is an object of PagerDuty that receives the events of one kind of sender for a service.
type integration struct {
	Type   string    `json:"type"`
	Name   string    `json:"name,omitempty"`
	Vendor reference `json:"vendor"`
	Key    string    `json:"integration_key,omitempty"`
}

// integrationBody is an integration as requests and answers wrap it.
type integrationBody struct {
	Integration integration `json:"integration"`
}

// integrationKey returns the key of a service's CloudWatch integration. If there are several it takes the first by
// id; if there is none it creates one.
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

// integrations lists the ids of a service's integrations of the type that CloudWatch's integration has. Other vendors
// share that type, so the caller checks the vendor.
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

// makeIntegration creates the CloudWatch integration of a service and returns its key.
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

// key returns the integration's key, which becomes a part of the address for alarms.
func (b integrationBody) key(service string) (string, error) {
	if !id.MatchString(b.Integration.Key) {
		return "", fmt.Errorf("the CloudWatch integration of PagerDuty's service %s has no integration key: delete it in PagerDuty and "+
			"deploy again", service)
	}
	return b.Integration.Key, nil
}
