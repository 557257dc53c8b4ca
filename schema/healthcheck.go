package schema

import (
	"strconv"
	"strings"

	"github.com/pebble/spacel/schema/report"
)

// healthCheck returns the load balancer's health check. The default is TCP on the internal port of the lowest
// public port. UDP cannot be checked, and a redirecting port never reaches the instances, so both are passed over.
func healthCheck(s section, a *AppRegion) HealthCheck {
	if n, ok := s.fields["health_check"]; ok {
		check := parseHealthCheck(s.report, n)
		s.deriveText("health_check", check.text())
		return check
	}
	check := HealthCheck{Node: NewNode(s.posOf("health_check"), nil), Protocol: "TCP", Default: true}
	for _, p := range a.PublicPorts {
		if p.RedirectTo == 0 && p.Scheme != "UDP" {
			check.Port = p.InternalPort
			return check
		}
	}
	if len(a.PublicPorts) > 0 && a.ELBAvailability != Disabled && !s.unknown("health_check") {
		s.errorf("health_check", "is missing: no public port can be checked by TCP, so write what to check, such as TCP:80")
	}
	return check
}

// localHealthCheck returns the check by the agent on the instance itself, nil when there is none.
func localHealthCheck(s section) *HealthCheck {
	n, ok := s.fields["local_health_check"]
	if !ok {
		return nil
	}
	check := parseHealthCheck(s.report, n)
	s.deriveText("local_health_check", check.text())
	return &check
}

// text returns the check as a manifest has it, with the protocol in upper case.
func (c HealthCheck) text() string { return c.Protocol + ":" + strconv.Itoa(c.Port) + c.Path }

// parseHealthCheck reads PROTOCOL:port or PROTOCOL:port/path.
func parseHealthCheck(found *report.Report, n node) HealthCheck {
	protocol, target, _ := strings.Cut(n.value.Text, ":")
	// The path may have a colon and slashes of its own, so only the first of each counts.
	digits, path, _ := strings.Cut(target, "/")
	port, err := strconv.Atoi(digits)
	if err != nil || port < 1 || port > 65535 {
		found.Errorf(n.pos(), "the port must be 1 to 65535, got %s", digits)
	}
	check := HealthCheck{Node: NewNode(n.pos(), nil), Protocol: strings.ToUpper(protocol), Port: port}
	if strings.HasPrefix(check.Protocol, "HTTP") {
		check.Path = "/" + path
	}
	return check
}
