package schema

import (
	"maps"
	"net/mail"
	"slices"
	"strconv"
	"strings"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/sections"
)

// endpointFields lists the fields that each type of endpoint takes, apart from type.
var endpointFields = map[string][]string{
	"email":     {"addresses"},
	"slack":     {"url"},
	"pagerduty": {"url", "service", "escalation_policy"},
	"scale":     {"adjustment", "cooldown"},
	"scaleup":   {"adjustment", "cooldown"},
	"scaledown": {"adjustment", "cooldown"},
}

// endpoint reads one endpoint, and refuses fields that belong to other types.
func (b alarmBuilder) endpoint(e sections.Entry) Endpoint {
	r := e.Record(b.scope.report, b.scope.facts.Defaults.Lookup("endpoint"))
	p := Endpoint{
		Node: r.Node(), Name: e.Key, Type: r.Text("type"),
		Service: r.Text("service"), EscalationPolicy: r.Text("escalation_policy"),
	}
	if allowed, known := endpointFields[p.Type]; known {
		// Sorted, so that messages come in the same order each time.
		for _, field := range slices.Sorted(maps.Keys(r.Fields)) {
			if field != "type" && !slices.Contains(allowed, field) {
				r.Errorf(field, "cannot be used with an endpoint of type %s: remove it", p.Type)
			}
		}
	}
	switch p.Type {
	case "email":
		p.Addresses = emailAddresses(r)
		r.DeriveList("addresses", p.Addresses)
	case "slack", "pagerduty":
		b.webhook(r, &p)
	case "scale", "scaleup", "scaledown":
		p.Adjustment = scaleAdjustment(r, p.Type)
		p.Cooldown = r.Number("cooldown")
		r.DeriveText("adjustment", p.Adjustment)
	}
	return p
}

// emailAddresses returns the addresses of a list, or of one string with commas in between.
func emailAddresses(r sections.Record) []string {
	var addresses []string
	for _, n := range r.List("addresses") {
		// The 2016 tool took one string with commas.
		for _, address := range strings.Split(n.Tree.Text, ",") {
			address = strings.TrimSpace(address)
			if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address {
				r.Report.Errorf(n.Pos(), "must be an email address, got %q", address)
				continue
			}
			addresses = append(addresses, address)
		}
	}
	if len(r.List("addresses")) == 0 && !r.Unknown("addresses") {
		r.Errorf("addresses", "is missing: an endpoint of type email needs an address")
	}
	return addresses
}

// webhook reads the URL for Slack or PagerDuty. Anyone with the URL can post to it, so a plain one in the
// manifest gets a warning.
func (b alarmBuilder) webhook(r sections.Record, p *Endpoint) {
	n, ok := r.Fields["url"]
	switch {
	case !ok && p.Type == "slack" && !r.Unknown("url"):
		r.Errorf("url", "is missing: an endpoint of type slack needs its webhook")
	// A PagerDuty endpoint needs no URL: deploy finds it by the service or the escalation policy.
	case !ok:
	case n.Tree.Kind == manifest.Object:
		p.URLPayload = b.scope.reader().Payload(n)
	default:
		p.URL = n.Tree.Text
		if strings.HasPrefix(p.URL, "https:") {
			r.Report.Warnf(n.Pos(),
				"is a secret in plain text: encrypt it with spacel secret, or name an SSM parameter (ssm:NAME) or a secret "+
					"(secret:NAME)")
		}
	}
	if p.Service != "" && p.EscalationPolicy != "" {
		r.Errorf("escalation_policy", "is ignored when service is set: remove one")
	}
}

// scaleAdjustment returns the change of an app's size as a signed number or percentage. The types scaleup and
// scaledown set the sign.
func scaleAdjustment(r sections.Record, kind string) string {
	written := strings.TrimPrefix(r.Text("adjustment"), "+")
	digits := strings.TrimSuffix(strings.TrimPrefix(written, "-"), "%")
	if n, err := strconv.Atoi(digits); err != nil || n == 0 {
		r.Errorf("adjustment", "must not be 0, got %s", written)
	}
	// The type decides the direction, so a sign written by the user does not matter there.
	switch unsigned := strings.TrimPrefix(written, "-"); kind {
	case "scaleup":
		return unsigned
	case "scaledown":
		return "-" + unsigned
	}
	return written
}
