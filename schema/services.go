package schema

import (
	"path"
	"slices"
	"strings"

	"github.com/pebble/spacel/schema/manifest"
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
		Environment: environment(r, b.scope.reader()),
	}
	if r.Has("image") {
		r.Defaults = b.scope.facts.Defaults.Lookup("service")
		mounts := mountReader{b.scope.report, b.section}
		s.Ports, s.Volumes = publishedPorts(r), mounts.mounts(r)
		s.Container = container(r, debianOf(b.image()))
		s.Container.Mounts = mounts.mountWords(r, debianOf(b.image()))
		checkTargets(r, s.Volumes)
		readJob(r, &s.Container)
		checkImageName(r, s.Image)
	}
	if n, ok := r.Fields["unit_file"]; ok {
		text := b.scope.reader().Text(n)
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
