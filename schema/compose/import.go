package compose

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pebble/spacel/schema/units"
	"go.yaml.in/yaml/v3"
)

// Import reads a Compose project and returns the manifest of an app that runs the same containers. An error is one line for a
// user.
func Import(ctx context.Context, src Source) (*Manifest, error) {
	p, err := load(ctx, src)
	if err != nil {
		return nil, err
	}
	found := &findings{places: p.places}
	i := &importer{
		findings: found, project: p, units: map[string]string{}, aliases: map[string][]string{},
		volumes: newMapping(), files: newMapping(), labels: map[string]string{}, services: newMapping(),
		manifest: &Manifest{Name: appName(p.name), findings: found, origin: map[string][]string{}},
	}
	i.run()
	if len(i.units) == 0 {
		for _, f := range found.sorted() {
			return nil, fmt.Errorf("no service can be imported: %s", f)
		}
	}
	return i.manifest, nil
}

// importer holds the parts of the manifest while it is made.
type importer struct {
	*findings
	project  *project
	manifest *Manifest

	units    map[string]string   // the unit of each imported service
	aliases  map[string][]string // further names of a service on the network
	services mapping
	volumes  mapping
	files    mapping
	labels   map[string]string // the label of each named volume
	ports    []port
	restarts []string // services that do not say when they are restarted
	arm      int      // how many services ask for arm64
}

// run translates the model. Every part of it is taken from top, and the keys that no part takes are listed.
func (i *importer) run() {
	top := i.newFields(i.project.model)
	top.take("name")
	i.variables()
	i.ignored()
	services := top.object("services")
	names := i.order(services.values, "services")
	i.name(names, services.values, "services")
	i.names(services.values)
	for _, name := range names {
		i.translate(name, i.newFields(services.take(name), "services", name), "")
	}
	i.jobs(top.object("jobs"))
	i.namedVolumes(top.object("volumes"))
	i.shared(top.object("configs"), "configs")
	i.shared(top.object("secrets"), "secrets")
	for _, network := range slices.Sorted(maps.Keys(object(top.values["networks"]))) {
		i.left("all containers of an app share one network"+inner(object(top.values["networks"])[network]), "networks", network)
	}
	top.take("networks")
	top.rest(topReasons)
	i.write()
}

// topReasons says why keys outside of services are left out.
var topReasons = map[string]string{
	"models":  "models run outside of the containers: give the address of one in environment",
	"include": "",
}

// variables lists the variables without a value, each at its first use.
func (i *importer) variables() {
	for _, name := range slices.Sorted(maps.Keys(i.project.missing)) {
		i.all = append(i.all, Finding{i.places.ofVariable(name), "", fmt.Sprintf(
			"${%s} has no value, and is empty in the manifest: set it in %s, since nothing is taken from the shell", name, ".env"), false})
	}
}

// ignored lists what compose-go drops before it gives the model: version. It lists an override file that Compose would have read.
func (i *importer) ignored() {
	for _, file := range i.places.files {
		for _, document := range file.documents {
			if name, value := find(document, "version"); value != nil {
				i.all = append(i.all, Finding{Place{shown(file.name), name.Line}, "version", "left out: Compose ignores it, too", false})
			}
		}
	}
	if name := i.project.override; name != "" {
		const unnamed = "left out: the file was not named; Compose reads it unless files are named"
		i.all = append(i.all, Finding{Place{File: shown(name)}, "", unnamed, false})
	}
}

// order returns the names of services or jobs as they stand in the files.
func (i *importer) order(services map[string]any, kind string) []string {
	files := map[string]int{}
	for n, file := range i.places.files {
		files[shown(file.name)] = n
	}
	names := slices.Sorted(maps.Keys(services))
	slices.SortStableFunc(names, func(a, b string) int {
		x, y := i.places.of(kind, a), i.places.of(kind, b)
		return cmp.Or(cmp.Compare(files[x.File], files[y.File]), cmp.Compare(x.Line, y.Line))
	})
	return names
}

// oddInUnit matches the characters of a service's name not allowed in a unit's: systemd takes the text after a dot for
// the kind of unit.
var oddInUnit = regexp.MustCompile(`[^A-Za-z0-9_-]`)

// name chooses the unit of each service or job. One of an inactive profile has none.
func (i *importer) name(names []string, services map[string]any, kind string) {
	// Services come before jobs, and Compose refuses equal names among them. But two
	// names may become one unit: a.b and a-b.
	taken := map[string]bool{}
	for _, unit := range i.units {
		taken[unit] = true
	}
	for _, name := range names {
		if !i.active(name, services[name], kind) {
			continue
		}
		unit := strings.TrimLeft(oddInUnit.ReplaceAllString(name, "-"), "-_")
		if unit == "" || units.ReservedUnit(unit+".service") {
			unit = "app-" + strings.TrimLeft(unit, "-_")
		}
		for n, base := 2, unit; taken[unit]; n++ {
			unit = fmt.Sprint(base, "-", n)
		}
		taken[unit] = true
		i.units[name] = unit
		if unit != name {
			i.changed(fmt.Sprintf("is called %s here, since no unit can be called %s; other containers still find it by that name",
				unit, name), kind, name)
			i.aliases[name] = append(i.aliases[name], name)
		}
	}
}

// active reports whether a service is to be imported, and lists it otherwise.
func (i *importer) active(name string, service any, kind string) bool {
	s := object(service)
	profiles, _ := s["profiles"].([]any)
	wanted := func(profile any) bool {
		return slices.Contains(i.project.profiles, text(profile)) || slices.Contains(i.project.profiles, "*")
	}
	switch {
	case len(profiles) > 0 && !slices.ContainsFunc(profiles, wanted):
		i.left("none of its profiles is active: import it with --profile "+text(profiles[0]), kind, name, "profiles")
	case s["provider"] != nil:
		i.left("a provider outside of Docker runs it"+inner(s["provider"]), kind, name, "provider")
	case text(s["scale"]) == "0" || text(object(s["deploy"])["replicas"]) == "0":
		i.left("is to run 0 times", kind, name)
	default:
		return true
	}
	return false
}

// names collects the names by which containers find a service beside its own.
func (i *importer) names(services map[string]any) {
	// In Compose, a container has its service's name, the name of the container, the
	// aliases of its networks, and the names in other services' links. The last are for
	// the linking service only, which docker run cannot express on a network: here they
	// are names for all containers of the app.
	for name := range i.units {
		s := object(services[name])
		add := func(service, alias string) {
			if alias != "" && i.units[service] != "" && alias != i.units[service] && !slices.Contains(i.aliases[service], alias) {
				i.aliases[service] = append(i.aliases[service], alias)
			}
		}
		add(name, text(s["container_name"]))
		for _, network := range object(s["networks"]) {
			aliases, _ := object(network)["aliases"].([]any)
			for _, alias := range aliases {
				add(name, text(alias))
			}
		}
		links, _ := s["links"].([]any)
		for _, link := range links {
			service, alias, _ := strings.Cut(text(link), ":")
			add(service, alias)
		}
	}
	for name := range i.aliases {
		slices.Sort(i.aliases[name])
	}
}

// appName makes an app's name of a project's, which may have underscores, and begin with a digit.
func appName(project string) string {
	name := strings.Trim(strings.ReplaceAll(project, "_", "-"), "-0123456789")
	return cmp.Or(strings.TrimRight(name[:min(len(name), 32)], "-"), "app")
}

// write puts the manifest together.
func (i *importer) write() {
	root, all := newMapping(), newMapping()
	root.HeadComment = i.header()
	root.set("name", i.manifest.Name)
	i.capacity(all)
	i.public(all)
	if len(i.volumes.Content) > 0 {
		all.set("volumes", i.volumes).HeadComment = "EBS volumes, in place of Docker's: GiB, 4 unless given. Each belongs to one instance."
	}
	if len(i.files.Content) > 0 {
		all.set("files", i.files)
	}
	all.set("services", i.services)
	if len(i.restarts) > 0 {
		i.all = append(i.all, Finding{Place{File: shown(i.places.files[0].name)}, "", fmt.Sprintf(
			`note: a container without restart is started again when it ends; if it is to run once, write restart: "no" (%s)`,
			strings.Join(i.restarts, ", ")), true})
	}
	// Compose does not restart a container by default, and spacel does. The words differ
	// only for containers that end, and the file does not tell which do.
	root.set("all", all)
	i.manifest.root = root.Node
}

// header returns the comment at the top.
func (i *importer) header() string {
	var names []string
	for _, file := range i.places.files {
		names = append(names, shown(file.name))
	}
	return "Made of " + strings.Join(names, ", ") + " by spacel import compose.\n" +
		"Check it with: spacel vet --orbit orbit.yaml THIS_FILE"
}

// capacity writes the type and the number of instances.
func (i *importer) capacity(all mapping) {
	// spacel's default, t3.nano, has half a GiB of memory: too little for most projects
	// with several containers. No Compose file says how much memory all of them need.
	kind := "t3.small"
	if i.arm > 0 && i.arm == len(i.units) {
		kind = "t4g.small"
	}
	all.set("instance_type", kind).HeadComment = "An instance runs all services below. Choose a type with memory for all of them."
	if len(i.volumes.Content) > 0 {
		all.set("instance_min", 1).HeadComment = "One instance, since the data on its volumes is not shared with others."
		all.set("instance_max", 1)
	}
}

// comment adds a line to the comment above a key.
func comment(key *yaml.Node, line string) {
	key.HeadComment = strings.TrimPrefix(key.HeadComment+"\n"+line, "\n")
}
