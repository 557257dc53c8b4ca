package schema

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pebble/spacel/schema/language"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/sections"
)

// healthCheck returns the load balancer's health check. The default is TCP on the internal port of the lowest
// public port. UDP cannot be checked, and a redirecting port never reaches the instances, so both are passed over.
func healthCheck(s sections.Section, facts *language.Facts, a *AppRegion) HealthCheck {
	timing := s.Child("health_check", facts.Defaults.Lookup("health_check"))
	if !s.Has("health_check") {
		timing = timing.Untraced() // the default is a text in the resolved value, which has no timing
	}
	check := writtenCheck(s, "health_check", a)
	if check == nil {
		check = &HealthCheck{Node: sections.NewNode(s.PosOf("health_check"), nil), Protocol: "TCP", Default: true, Port: checkedPort(a)}
		if check.Port != 0 && a.ELBAvailability != Disabled {
			s.DeriveText("health_check", check.text())
		}
	}
	if isText(s, "health_check") {
		timing = timing.Untraced()
	}
	check.Interval, check.Timeout = timing.Number("interval"), timing.Number("timeout")
	check.Healthy, check.Unhealthy = timing.Number("healthy"), timing.Number("unhealthy")
	if check.Timeout >= check.Interval && !timing.Unknown("timeout") && !timing.Unknown("interval") {
		field := "timeout"
		if !timing.Has(field) {
			field = "interval"
		}
		timing.Errorf(field, "the timeout, %d seconds, must be less than the interval, %d seconds: set both", check.Timeout, check.Interval)
	}
	if check.Port == 0 && len(a.PublicPorts) > 0 && a.ELBAvailability != Disabled && !s.Unknown("health_check") {
		s.Errorf("health_check", "is missing: no public port can be checked by TCP, so write what to check, such as TCP:80")
	}
	return *check
}

// isText reports whether a check is written as PROTOCOL:port. The timing of such a check is not part of its value.
func isText(s sections.Section, name string) bool {
	n, ok := s.Fields[name]
	return ok && n.Tree.Kind != manifest.Object
}

// localHealthCheck returns the check by the agent on the instance itself, nil when there is none.
func localHealthCheck(s sections.Section, a *AppRegion) *HealthCheck {
	check := writtenCheck(s, "local_health_check", a)
	if check != nil && check.Port == 0 && !s.Unknown("local_health_check") {
		s.Child("local_health_check", nil).Errorf("port", "is missing: no public port leads to a port that could be checked")
	}
	return check
}

// writtenCheck reads a check in either form. It returns nil when the manifest has none.
func writtenCheck(s sections.Section, name string, a *AppRegion) *HealthCheck {
	n, ok := s.Fields[name]
	switch {
	case !ok:
		return nil
	case n.Tree.Kind != manifest.Object:
		check := parseHealthCheck(s.Report, n)
		s.DeriveText(name, check.text())
		return &check
	}
	return objectCheck(s.Child(name, nil), a)
}

// checkedPort returns the port behind the lowest public port that a check can reach, 0 when there is none.
func checkedPort(a *AppRegion) int {
	for _, p := range a.PublicPorts {
		if p.RedirectTo == 0 && p.Scheme != "UDP" {
			return p.InternalPort
		}
	}
	return 0
}

// maxCheckPath is AWS's limit for the path of a health check (ELB API Reference, CreateTargetGroup).
const maxCheckPath = 1024

// objectCheck reads a check in the form of an object.
func objectCheck(r sections.Record, a *AppRegion) *HealthCheck {
	check := &HealthCheck{Node: r.Node(), Protocol: strings.ToUpper(r.Text("protocol")), Port: r.Number("port"), Path: r.Text("path"),
		Codes: r.Text("codes"), Default: !r.Has("protocol")}
	if check.Port == 0 && !r.Unknown("port") {
		// A check without a port goes to the port behind the lowest public one.
		check.Port = checkedPort(a)
	}
	// The protocol follows from the other fields, so an object with a path alone is a complete check.
	if check.Protocol == "" {
		check.Protocol = impliedProtocol(check, a)
	}
	if strings.HasPrefix(check.Protocol, "HTTP") {
		if check.Path == "" {
			check.Path = "/"
		}
		r.DeriveText("path", check.Path)
	} else if !r.Unknown("protocol") {
		for _, field := range []string{"path", "codes"} {
			if r.Has(field) {
				r.Errorf(field, "works only with protocol HTTP or HTTPS, and this one is %s", check.Protocol)
			}
		}
	}
	if len(check.Path) > maxCheckPath {
		r.Errorf("path", "must have at most %d characters, got %d", maxCheckPath, len(check.Path))
	}
	checkCodes(r, check.Codes)
	r.DeriveText("protocol", check.Protocol)
	if check.Port != 0 {
		r.DeriveNumber("port", strconv.Itoa(check.Port))
	}
	return check
}

// impliedProtocol returns the protocol of a check that names none. A path and codes exist in HTTP and HTTPS only.
func impliedProtocol(check *HealthCheck, a *AppRegion) string {
	if check.Path == "" && check.Codes == "" {
		return "TCP"
	}
	secure := func(p PublicPort) bool {
		return p.InternalPort == check.Port && p.InternalScheme == "HTTPS" && p.RedirectTo == 0
	}
	if slices.ContainsFunc(a.PublicPorts, secure) {
		return "HTTPS"
	}
	return "HTTP"
}

// checkCodes reports a range of status codes that ends before it begins.
func checkCodes(r sections.Record, codes string) {
	for part := range strings.SplitSeq(codes, ",") {
		if first, last, isRange := strings.Cut(part, "-"); isRange && first > last {
			r.Errorf("codes", "has the range %s, which ends before it begins: write %s-%s", part, last, first)
		}
	}
}

// text returns the check in the form of a manifest's text, with the protocol in upper case. The resolved value has this one form.
func (c HealthCheck) text() string { return c.Protocol + ":" + strconv.Itoa(c.Port) + c.Path }

// parseHealthCheck reads PROTOCOL:port or PROTOCOL:port/path. The definitions check the form, and this function the port's range.
func parseHealthCheck(found *report.Report, n sections.Value) HealthCheck {
	protocol, target, _ := strings.Cut(n.Tree.Text, ":")
	digits, path, _ := strings.Cut(target, "/")
	port, err := strconv.Atoi(digits)
	if err != nil || port < 1 || port > 65535 {
		found.Errorf(n.Pos(), "the port must be 1 to 65535, got %s", digits)
		port = -1 // so that no second message says that it is missing
	}
	check := HealthCheck{Node: sections.NewNode(n.Pos(), nil), Protocol: strings.ToUpper(protocol), Port: port}
	if strings.HasPrefix(check.Protocol, "HTTP") {
		check.Path = "/" + path
	}
	return check
}
