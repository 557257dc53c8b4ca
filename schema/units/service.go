// Package units reads the systemd units of an app: units written by hand, and containers in the words of the Compose specification.
//
//	service.go                            a unit, and all units of an app
//	container.go, containerwords.go       the words of a container
//	containerports.go, hostports.go       the ports that a container publishes, and two that clash
//	published.go                          the ports that somebody listens on
//	mounts.go                             mounts in their short and long forms
//	environment.go, envfiles.go           variables
//	dependencies.go, jobs.go              order, and units that end
//	imagename.go, unittext.go             names of images, and the text of a unit
package units

import (
	"path"
	"slices"
	"strings"

	"github.com/pebble/spacel/schema/content"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/sections"
)

// Service is a systemd unit. It is written out as text, or generated for a container.
type Service struct {
	sections.Node
	Name        string        // with its suffix: laika.service, laika.timer
	UnitFile    *content.Text // nil when there is an image
	Image       string
	Ports       []Mapping          // host → container, sorted
	Volumes     []Mapping          // host → container, sorted; the host of an anonymous volume is ""
	Environment []content.Variable // sorted by name
	Container   Container          // of a service with an image
}

// Mapping maps a port or path of the host to one of the container.
type Mapping struct{ Host, Container string }

// Reader reads the systemd units of an app in a region.
type Reader struct {
	Report   *report.Report
	Section  sections.Section // of the app
	Defaults *manifest.Tree   // of a service
	Content  content.Reader
	Debian   string // Debian's release on the instances, "" for a machine image of the user's
}

// Services returns the systemd units of the app. The entries of the region's section and of all are merged by unit name, so web and
// web.service are one unit.
func (u Reader) Services() []Service {
	var services []Service
	records := map[string]sections.Record{}
	for _, e := range u.Section.Merged("services", manifest.UnitName, nil) {
		records[e.Key] = e.Record(u.Report, nil)
		services = append(services, u.service(e.Key, records[e.Key]))
	}
	checkTimers(services, records)
	withoutMissing(u.Report, services)
	completes(services, records)
	checkDependencies(u.Report, services)
	checkHostPorts(u.Report, services)
	return services
}

// service reads one unit: the text of a unit file, or a container to run.
func (u Reader) service(name string, r sections.Record) Service {
	s := Service{
		Node:        r.Node(),
		Name:        name,
		Image:       r.Text("image"),
		Environment: environment(r, u.Content),
	}
	if r.Has("image") {
		r.Defaults = u.Defaults
		mounts := mountReader{u.Report, u.Section}
		s.Ports, s.Volumes = publishedPorts(r), mounts.mounts(r)
		s.Container = container(r, u.Debian)
		s.Container.Mounts = mounts.mountWords(r, u.Debian)
		checkTargets(r, s.Volumes)
		readJob(r, &s.Container)
		checkImageName(r, s.Image)
	}
	if n, ok := r.Fields["unit_file"]; ok {
		text := u.Content.Text(n)
		s.UnitFile = &text
	}
	checkUnit(r, s)
	return s
}

// Task reads the container of a release task, which runs once. own is the task's own record. whole also has the words of the service
// that the task is like.
func (u Reader) Task(name string, own, whole sections.Record) Service {
	s := Service{
		Node: own.Node(), Name: name, Image: whole.Text("image"), Environment: environment(own, u.Content),
		Volumes: mountReader{u.Report, u.Section}.mounts(whole), Container: container(whole, u.Debian),
	}
	if s.Image != "" {
		checkImageName(whole, s.Image)
	}
	checkTargets(own, s.Volumes)
	s.Container.Restart, s.Container.Job, s.Container.Task = Restart{Policy: RestartNo}, true, true
	whole.Drop("restart")
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
