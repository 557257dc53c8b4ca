package compiler

import (
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

// The predecessor's timing, within today's limits: interval 5 to 300 s, timeout 2 to 120 s, thresholds 2 to 10.
const (
	checkInterval      = 5
	checkTimeout       = 2
	healthyThreshold   = 2
	unhealthyThreshold = 3
)

// anyAnswer passes every status but a server error; an ALB knows codes up to 499 only.
const anyAnswer = "200-499"

// checkTargets converts the manifest's health check, which uses the classic load balancer's words, into one for the
// app's balancer. An ALB has no TCP checks for its target groups, and an NLB cannot check only a TLS handshake (ELB API
// Reference, CreateTargetGroup).
func checkTargets(check schema.HealthCheck, b balancing, r *report.Report) targetCheck {
	switch {
	case check.Protocol == "HTTP" || check.Protocol == "HTTPS":
		return targetCheck{check.Protocol, check.Port, check.Path, "200"}
	case b.kind == application:
		return checkOverHTTP(check, b, r)
	}
	if check.Protocol == "SSL" {
		r.Warnf(check.Pos, "a network load balancer cannot check a TLS handshake: the port passes when it accepts a TCP "+
			"connection; write HTTPS:%d/ to check more", check.Port)
	}
	return targetCheck{protocol: "TCP", port: check.Port}
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
