package schema

import (
	"github.com/pebble/spacel/schema/sections"
	"github.com/pebble/spacel/schema/units"
)

// checkPublished reports ports that no container publishes while some container publishes one: a target's health would be waited
// for in vain. Redirected ports do not reach the instances.
func checkPublished(s sections.Section, a *AppRegion) {
	p := units.PublishedBy(a.Services)
	if p.Unknown || len(p.Ports) == 0 {
		return
	}
	checked := 0
	if check := a.HealthCheck; check.Port != 0 && a.ELBAvailability != Disabled && len(a.PublicPorts) > 0 {
		checked = check.Port
		if !p.Has(check.Port, "tcp", false) && !s.Unknown("health_check") && !s.Unknown("services") {
			s.Report.Errorf(check.Pos, "the health check goes to port %d of the instances, which no container publishes: "+
				"published are %s; publish it (ports: {%d: …}), or change the check or the public port's internal_port", check.Port,
				orNone(p.List(false)), check.Port)
		}
	}
	if check := a.LocalHealthCheck; check != nil && check.Port != 0 && !p.Has(check.Port, "tcp", true) {
		s.Report.Errorf(check.Pos, "the check goes to port %d, which no container publishes: published are %s", check.Port,
			orNone(p.List(true)))
	}
	for _, port := range a.PublicPorts {
		protocol := "tcp"
		if port.Scheme == "UDP" {
			protocol = "udp"
		}
		if port.RedirectTo != 0 || p.Has(port.InternalPort, protocol, false) || port.InternalPort == checked && protocol == "tcp" {
			continue
		}
		s.Report.Warnf(port.Pos, "leads to port %d (%s) of the instances, which no container publishes: published are %s",
			port.InternalPort, protocol, orNone(p.List(false)))
	}
}

// orNone returns a list, or the word none.
func orNone(list string) string {
	if list == "" {
		return "none"
	}
	return list
}
