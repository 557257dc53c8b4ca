package schema

import (
	"strconv"
	"strings"
)

// healthCheck is what the balancer checks: TCP on the lowest public port's internal port unless the manifest says.
func (b appBuilder) healthCheck(a *AppRegion) HealthCheck {
	if n, ok := b.fields["health_check"]; ok {
		return b.checkOf(n)
	}
	check := HealthCheck{Node: NewNode(b.posOf("health_check"), nil), Protocol: "TCP", Default: true}
	for _, p := range a.PublicPorts {
		if p.RedirectTo == 0 && p.Scheme != "UDP" {
			check.Port = p.InternalPort
			return check
		}
	}
	if len(a.PublicPorts) > 0 && a.ELBAvailability != Disabled && !b.unknown("health_check") {
		b.mistake("health_check", "is missing: no public port can be checked by TCP, so write what to check, such as TCP:80")
	}
	return check
}

func (b appBuilder) localHealthCheck() *HealthCheck {
	n, ok := b.fields["local_health_check"]
	if !ok {
		return nil
	}
	check := b.checkOf(n)
	return &check
}

// checkOf reads PROTOCOL:port or PROTOCOL:port/path.
func (b appBuilder) checkOf(n node) HealthCheck {
	protocol, target, _ := strings.Cut(n.value.Text, ":")
	digits, path, _ := strings.Cut(target, "/")
	port, err := strconv.Atoi(digits)
	if err != nil || port < 1 || port > 65535 {
		b.report.Errorf(n.pos(), "the port must be 1 to 65535, got %s", digits)
	}
	check := HealthCheck{Node: NewNode(n.pos(), nil), Protocol: strings.ToUpper(protocol), Port: port}
	if strings.HasPrefix(check.Protocol, "HTTP") {
		check.Path = "/" + path
	}
	return check
}
