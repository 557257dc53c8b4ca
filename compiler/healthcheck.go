package compiler

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// targetCheck is how a load balancer asks whether an instance is healthy.
type targetCheck struct {
	protocol string // TCP, HTTP or HTTPS
	port     int
	path     string // of HTTP and HTTPS
	codes    string // of HTTP and HTTPS: the answers that pass
}

// anyAnswer passes every status but a server error; an ALB knows codes up to 499 only.
const anyAnswer = "200-499"

// checkTargets converts the manifest's health check, which uses the classic load balancer's words, into one for the
// app's balancer. An ALB has no TCP checks for its target groups, and an NLB cannot check only a TLS handshake (ELB API
// Reference, CreateTargetGroup).
func checkTargets(check schema.HealthCheck, b balancing, r *report.Report) targetCheck {
	switch {
	case check.Protocol == "HTTP" || check.Protocol == "HTTPS":
		checkCodes(check, b, r)
		return targetCheck{check.Protocol, check.Port, check.Path, cmp.Or(check.Codes, "200")}
	case b.kind == application:
		return checkOverHTTP(check, b, r)
	}
	if check.Protocol == "SSL" {
		r.Warnf(check.Pos, "a network load balancer cannot check a TLS handshake: the port passes when it accepts a TCP "+
			"connection; write HTTPS:%d/ to check more", check.Port)
	}
	return targetCheck{protocol: "TCP", port: check.Port}
}

// checkCodes reports status codes that an ALB does not take: it knows 200 to 499, an NLB 200 to 599 (ELB API Reference, Matcher).
func checkCodes(check schema.HealthCheck, b balancing, r *report.Report) {
	codes := strings.FieldsFunc(check.Codes, func(c rune) bool { return c == ',' || c == '-' })
	if b.kind == application && slices.ContainsFunc(codes, func(code string) bool { return code > "499" }) {
		r.Errorf(check.At("codes"), "an HTTP load balancer takes status codes from 200 to 499, got %s", check.Codes)
	}
}

// checkOverHTTP replaces a TCP or SSL check for an ALB by a request for /, and accepts every answer but a server error.
// That comes closest to "the port accepts connections".
func checkOverHTTP(check schema.HealthCheck, b balancing, r *report.Report) targetCheck {
	protocol := "HTTP"
	if check.Protocol == "SSL" || b.speaksTLS(check.Port) {
		protocol = "HTTPS"
	}
	if !check.Default {
		r.Warnf(check.Pos, "an HTTP load balancer cannot check %s: it asks for / over %s on port %d, and any answer from 200 to "+
			"499 passes; write %s:%d/ to ask for a 200", check.Protocol, protocol, check.Port, protocol, check.Port)
	}
	return targetCheck{protocol, check.Port, "/", anyAnswer}
}

// speaksTLS says whether a route forwards to the port over TLS.
func (b balancing) speaksTLS(port int) bool {
	for _, t := range b.targets {
		if t.port == port && (t.protocol == "HTTPS" || t.protocol == "TLS") {
			return true
		}
	}
	return false
}
