package compiler

import (
	"strings"
	"unicode"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
)

// pagerDuty is the address of a PagerDuty integration: the endpoint's own, that of a service, or the default one. Deploy
// finds it; SNS can only be given it by a parameter.
func pagerDuty(a appContext, p *part, e schema.Endpoint) cfn.Value {
	if e.URL != "" || e.URLPayload != nil {
		return webhookParameter(p, e, assembly.ValueFrom{Secret: webhookSource(a, e)})
	}
	return webhookParameter(p, e, assembly.ValueFrom{
		PagerDuty: &assembly.PagerDuty{Service: e.Service, EscalationPolicy: e.EscalationPolicy},
	})
}

// webhookParameter is a webhook's address, which no template and no console shows.
func webhookParameter(p *part, e schema.Endpoint, source assembly.ValueFrom) cfn.Value {
	return p.parameter("Webhook"+idPart(e.Name), cfn.Parameter{
		Type:                  "String",
		AllowedPattern:        `https://[^\s]+`,
		ConstraintDescription: "must be an https address",
		Description:           "Where alarms for " + e.Name + " go.",
		NoEcho:                true,
	}, source).Ref()
}

// webhookSource is deploy's source for an endpoint's webhook. A webhook in plain text is never copied into the artifact:
// deploy reads it from an environment variable.
func webhookSource(a appContext, e schema.Endpoint) *assembly.Secret {
	if e.URLPayload != nil {
		return &assembly.Secret{Payload: payload(e.URLPayload)}
	}
	if name, ok := strings.CutPrefix(e.URL, "ssm:"); ok {
		return &assembly.Secret{SSM: name}
	}
	if name, ok := strings.CutPrefix(e.URL, "secret:"); ok {
		return &assembly.Secret{SecretsManager: name}
	}
	return &assembly.Secret{Environment: webhookVariable(a, e)}
}

// webhookVariable is the environment variable that deploy asks for in place of a webhook in the clear.
func webhookVariable(a appContext, e schema.Endpoint) string {
	return document.WebhookPrefix + variablePart(a.app.Name) + "__" + variablePart(e.Name)
}

// variablePart makes a piece of an environment variable's name of a name: http-env-echo gives HTTP_ENV_ECHO. As with ids, a
// name of another shape gets a suffix that comes from the whole name. It never holds two underscores in a row.
func variablePart(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	if !canonical.MatchString(name) {
		words = append(words, hash(name))
	}
	return strings.ToUpper(strings.Join(words, "_"))
}
