package schema

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	names "github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/sections"
)

// services returns the systemd units of the app. The entries of the region's section and of all are merged by unit name, so web and
// web.service are one unit.
func (b appBuilder) services() []Service {
	var services []Service
	records := map[string]sections.Record{}
	for _, e := range b.section.Merged("services", manifest.UnitName, nil) {
		records[e.Key] = e.Record(b.scope.report, nil)
		services = append(services, b.service(e.Key, records[e.Key]))
	}
	checkTimers(services, records)
	withoutMissing(b.scope.report, services)
	completes(services, records)
	checkDependencies(b.scope.report, services)
	checkHostPorts(b.scope.report, services)
	return services
}

// service reads one unit: the text of a unit file, or a container to run.
func (b appBuilder) service(name string, r sections.Record) Service {
	s := Service{
		Node:        r.Node(),
		Name:        name,
		Image:       r.Text("image"),
		Environment: b.scope.environment(r),
	}
	if r.Has("image") {
		r.Defaults = b.scope.facts.Defaults.Lookup("service")
		mounts := mountReader{b.scope.report, b.section}
		s.Ports, s.Volumes = publishedPorts(r), mounts.mounts(r)
		s.Container = container(r, debianOf(b.image()))
		s.Container.Mounts = mounts.mountWords(r, debianOf(b.image()))
		readJob(r, &s.Container)
		checkImageName(r, s.Image)
	}
	if n, ok := r.Fields["unit_file"]; ok {
		text := b.scope.content(n)
		s.UnitFile = &text
	}
	checkUnit(r, s)
	return s
}

// checkUnit checks a unit's name and its one source, an image or a unit file.
func checkUnit(r sections.Record, s Service) {
	suffix := path.Ext(s.Name)
	switch {
	case !slices.Contains(manifest.UnitTypes, suffix):
		r.Report.Errorf(r.At, "%s is not a type of systemd unit: name it %s.service", suffix, s.Name)
		return
	case strings.TrimSuffix(s.Name, suffix) == "":
		r.Report.Errorf(r.At, "a unit needs a name before %s", suffix)
	}
	checkUnitName(r, s.Name)
	image := r.Has("image") || r.Unknown("image")
	unitFile := r.Has("unit_file") || r.Unknown("unit_file")
	switch {
	case image && unitFile:
		r.Errorf("image", "cannot be set together with unit_file: a unit is either written by hand or generated for a container")
	// If a field of the unit was refused, the missing source may just be that one.
	case !image && !unitFile && len(r.Reported) == 0:
		r.Report.Errorf(r.At, "must have an image (of a container) or a unit_file (the unit's text)")
	case image && suffix != ".service":
		r.Errorf("image", "a container runs in a .service, not in a %s", suffix)
	}
	if unitFile && !image {
		checkUnitText(r.Report, s)
	}
	if unitFile {
		for _, field := range containerFields {
			if r.Has(field) {
				r.Errorf(field, "works only with image: a unit_file contains its own command")
			}
		}
	}
}

// portMappings returns the ports of the host for a container, from an object. The definitions check the form only, so
// the range is checked here.
func portMappings(r sections.Record) []Mapping {
	var ports []Mapping
	for _, e := range r.Entries("ports") {
		port := Mapping{Host: e.Key, Container: e.Tree.Text}
		checkPortNumbers(r.Report, e.Pos(), port)
		ports = append(ports, port)
	}
	return ports
}

// checkPortNumbers reports numbers that are no ports. Both sides may be ranges.
func checkPortNumbers(found *report.Report, at report.Pos, port Mapping) {
	host := port.Host[strings.LastIndex(port.Host, ":")+1:] // without an address in front
	container, _, _ := strings.Cut(port.Container, "/")
	isDash := func(c rune) bool { return c == '-' }
	for _, number := range strings.FieldsFunc(host+"-"+container, isDash) {
		if !validPort(number) {
			found.Errorf(at, "a port is 1 to 65535, got %s", number)
		}
	}
}

// validPort reports whether digits are a port number. It compares text, because the digits may exceed an int.
func validPort(digits string) bool {
	digits = bare(digits)
	return digits != "0" && (len(digits) < 5 || len(digits) == 5 && digits <= "65535")
}

// environment returns the variables sorted by name: those of env_file, and those of environment, which win.
func (c appScope) environment(r sections.Record) []Variable {
	const noValue = "has no value: nothing is taken from the shell that builds; write NAME=value"
	all := envFiles(r)
	for _, e := range pairs(r, "environment", noValue) {
		all[e.Key] = e
	}
	entries := slices.SortedFunc(maps.Values(all), func(x, y sections.Entry) int { return cmp.Compare(x.Key, y.Key) })
	var variables []Variable
	object := &manifest.Tree{Kind: manifest.Object}
	for _, e := range entries {
		variables = append(variables, c.variable(e))
		object.Set(e.Key, e.At, e.Tree)
	}
	if n, listed := r.Fields["environment"]; r.Has("env_file") || listed && n.Tree.Kind == manifest.List {
		// The resolved value has one object for all forms.
		object.At = r.Place()
		r.Derive("environment", object)
		r.LeaveOut("env_file")
	}
	return variables
}

// variable reads an environment variable. Lists and objects are passed to the container as JSON.
func (c appScope) variable(e sections.Entry) Variable {
	v := Variable{Node: sections.NewNode(e.Pos(), nil), Name: e.Key}
	switch {
	case looksEncrypted(e.Tree):
		v.Payload = c.payload(e.Value)
	case isReference(e.Tree):
		v.From = c.reference(e.Value)
	case e.Tree.Kind == manifest.Text || e.Tree.Kind == manifest.Number || e.Tree.Kind == manifest.Boolean:
		v.Value = e.Tree.Text
	default:
		v.Value = e.Tree.JSON()
	}
	c.variableLookalike(e)
	if strings.ContainsAny(v.Value, "\r\n") {
		c.report.Errorf(e.Pos(), "must be one line: a container's environment cannot hold line breaks")
	}
	if size := len(v.Name) + len("=") + len(v.Value); size > names.MaxVariable {
		c.report.Errorf(e.Pos(), "has %d bytes, and Docker takes %d of a variable's name and value together: use a file", size,
			names.MaxVariable)
	}
	return v
}
