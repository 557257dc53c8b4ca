package compose

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/distribution/reference"
	"github.com/mattn/go-shellwords"
	"go.yaml.in/yaml/v3"
)

// translate translates one service, unless it is left out. A job has a schedule.
func (i *importer) translate(name string, f *fields, schedule string) {
	unit := i.units[name]
	if unit == "" {
		return
	}
	s := &service{findings: i.findings, importer: i, fields: f, name: name, out: newMapping(), schedule: schedule}
	s.run()
	key := i.services.set(unit, s.out)
	if line := i.offer(name, unit, s.image); line != "" {
		comment(key, line)
	}
	i.manifest.from(f.path, "services", unit)
}

// service is a service while it is translated.
type service struct {
	*findings
	*importer
	*fields
	name  string
	image string

	schedule string // of a job: when it runs
	out      mapping
	options  []string     // of docker run, for keys without a field
	mounts   []*yaml.Node // of configs and secrets
	waits    map[string]dependency
	deploy   *fields
	built    bool // its image is built from a directory of the project
	long     bool // it has ports, so it does not run once
}

// run translates the keys of a service, in the order in which the manifest has them.
func (s *service) run() {
	s.deploy = s.object("deploy")
	takeProfiles(s)
	s.takeImage()
	for _, key := range []string{"entrypoint", "command"} {
		s.takeCommand(key)
	}
	s.copyText("user", "working_dir", "hostname")
	s.takeEnvironment()
	s.takePorts()
	s.takeVolumes()
	s.takeResources()
	s.takeRights()
	s.takeNetwork()
	s.takeLabels()
	s.takeHealth()
	s.takeStop()
	takeShared(s)
	s.takeDependencies()
	s.takeOptions()
	s.out.set("options", s.options)
	s.rest(serviceReasons)
}

// rest lists the keys of the service that were not taken.
func (s *service) rest(reasons map[string]string) { s.fields.rest(reasons) }

// takeProfiles takes keys with an effect elsewhere.
func takeProfiles(s *service) {
	if s.take("profiles") != nil {
		s.changed("the service belongs to the app whatever profiles are active", s.at("profiles")...)
	}
	if name := s.text("container_name"); name != "" {
		s.changed(fmt.Sprintf("the container is called %s.service; other containers still find it as %s", s.units[s.name], name),
			s.at("container_name")...)
	}
	for _, f := range []*fields{s.fields, s.deploy} {
		key := map[bool]string{true: "scale", false: "replicas"}[f == s.fields]
		if count := f.text(key); count != "" && count != "1" {
			s.left(serviceReasons["deploy.replicas"], f.at(key)...)
		}
	}
	if mode := s.deploy.text("mode"); mode != "" && mode != "replicated" && mode != "global" {
		s.left(serviceReasons["deploy.mode"], s.deploy.at("mode")...)
	}
}

// copyText copies texts of the same meaning.
func (s *service) copyText(keys ...string) {
	for _, key := range keys {
		s.out.set(key, s.text(key))
	}
}

// copyFlag copies a key with yes or no. The default is no.
func (s *service) copyFlag(keys ...string) {
	for _, key := range keys {
		s.out.set(key, s.flag(key))
	}
}

// takeImage writes the image's name. A service with only a build gets Compose's name for the image.
func (s *service) takeImage() {
	image, build := s.text("image"), s.take("build")
	own := imageName(s.project.name, s.name)
	s.built = build != nil
	comments := ""
	_, err := reference.ParseNormalizedNamed(image)
	// An image without a tag means latest to Compose. In a manifest it means the version
	// that is deployed, which is right for an image of the project's own only.
	switch {
	case image == "" && build != nil:
		s.image = own
		comments = "Push the image, and write its name with the registry's. Without a tag it is the version of spacel deploy --version."
	case image == "":
		s.image = own
		s.left("has no image: "+own+" stands for it until you write a name", s.path...)
	case err != nil:
		s.image = own
		s.left(fmt.Sprintf("%q is not an image's name: %s stands for it until you write a name", image, own), s.at("image")...)
	case build == nil && !tagged(image):
		s.image = image + ":latest"
		s.changed("is "+s.image+", as in Compose: without a tag it would be the version of spacel deploy --version", s.at("image")...)
	default:
		s.image = image
	}
	if build != nil {
		s.left("spacel builds no images: build it, push it to a registry, and write its name in image"+inner(build), s.at("build")...)
	}
	s.out.set("image", s.image).HeadComment = comments
	if platform := s.text("platform"); platform != "" {
		takePlatform(s, platform)
	}
}

// oddInImage matches characters not allowed in the name of an image.
var oddInImage = regexp.MustCompile(`[^a-z0-9]+`)

// imageName returns the name that Compose gives the image of a service without one, as far as it is valid.
func imageName(project, service string) string {
	return strings.Trim(oddInImage.ReplaceAllString(strings.ToLower(project+"-"+service), "-"), "-")
}

// takePlatform takes the platform. The instance's type has it for all services.
func takePlatform(s *service, platform string) {
	// A manifest has no platform for a container: all containers of an instance have the
	// instance's own. Only if all services ask for arm64, the instance gets it.
	if strings.HasPrefix(platform, "linux/arm64") || strings.HasPrefix(platform, "linux/aarch64") {
		s.arm++
	}
	s.changed("the architecture is that of instance_type", s.at("platform")...)
}

// tagged reports whether an image's name has a tag or a digest. The colon of a registry's port comes before a slash.
func tagged(image string) bool {
	return strings.ContainsAny(image[strings.LastIndexByte(image, '/')+1:], ":@") || strings.Contains(image, "@")
}

// takeCommand writes a command as Compose wrote it. A string with an operator of a shell is written as the words that Compose
// makes of it: it stops at the operator.
func (s *service) takeCommand(key string) {
	switch value := s.take(key).(type) {
	case nil:
	case []any:
		words := []string{}
		for _, item := range value {
			words = append(words, text(item))
		}
		s.out.Content = append(s.out.Content, scalar(key), sequence(words))
	default:
		line := text(value)
		if line != "" && !strings.ContainsAny(line, ";&|<>()`\n\t") {
			s.out.set(key, line)
			return
		}
		// compose-go parses commands with this library and its defaults. It ends the
		// command at an operator of a shell, without an error.
		parser := shellwords.NewParser()
		words, err := parser.Parse(line)
		if err != nil {
			s.left(fmt.Sprintf("cannot be split into words: %v", err), s.at(key)...)
			return
		}
		if parser.Position >= 0 {
			cut := line[min(parser.Position, len(line)):]
			s.note(fmt.Sprintf(`ends before %q, as in Compose: no shell runs it; write ["sh", "-c", "…"]`, cut), s.at(key)...)
		}
		s.out.Content = append(s.out.Content, scalar(key), sequence(words))
	}
}

// takeLabels writes the labels, with those of label_file.
func (s *service) takeLabels() {
	// As in Compose, the field labels wins over the files.
	labels := types.Labels{}
	written := types.Labels{}
	if value := s.take("labels"); value != nil {
		if err := loader.Transform(value, &written); err != nil {
			s.left("cannot be read: "+err.Error(), s.at("labels")...)
		}
	}
	for _, name := range s.texts("label_file") {
		for key, value := range s.variablesIn(name, "", true, s.at("label_file")) {
			labels[key] = value
		}
	}
	for key, value := range written {
		labels[key] = value
	}
	out := newMapping()
	for _, key := range sortedKeys(labels) {
		out.set2(key, labels[key])
	}
	if len(out.Content) > 0 {
		s.out.set("labels", out)
	}
}

// takeHealth copies the health check.
func (s *service) takeHealth() {
	if s.values["healthcheck"] == nil {
		return
	}
	// Zero means the default to Docker, and a manifest leaves the key out for that.
	h := s.object("healthcheck")
	out := newMapping()
	switch test := h.take("test").(type) {
	case []any:
		var words []string
		for _, word := range test {
			words = append(words, text(word))
		}
		out.set("test", words)
	default:
		out.set("test", text(test))
	}
	for _, key := range []string{"interval", "timeout", "start_period", "start_interval"} {
		if value := h.text(key); strings.Trim(value, "0smhu.") != "" {
			out.set(key, value) // 0s is the default
		}
	}
	if retries := h.text("retries"); retries != "" && retries != "0" {
		out.set("retries", number(retries))
	}
	out.set("disable", h.flag("disable"))
	if len(out.Content) > 0 {
		s.out.set("healthcheck", out)
	}
}

// takeStop copies how a container is stopped and started again.
func (s *service) takeStop() {
	s.copyText("stop_grace_period")
	s.out.set("stop_signal", strings.ToUpper(s.text("stop_signal")))
	restart := s.text("restart")
	policy := s.deploy.object("restart_policy")
	condition, attempts := policy.text("condition"), policy.text("max_attempts")
	if restart == "" && (condition != "" || attempts != "") {
		// Without restart, Compose takes the policy of deploy.
		restart = map[string]string{"none": "no", "on-failure": "on-failure"}[condition]
		if restart == "" {
			restart = "always"
		}
		if restart == "on-failure" && attempts != "" && attempts != "0" {
			restart += ":" + attempts
		}
		s.changed("is restart: "+restart, policy.path...)
	}
	// restart: "no" is a unit that runs once in a manifest, and the boot waits for its
	// end. A container that serves a port never ends, so it must not be one.
	switch {
	case s.schedule != "":
		s.out.set("schedule", s.schedule)
	case restart == "":
		s.restarts = append(s.restarts, s.units[s.name])
	case restart == "no" && s.long:
		s.left("a container with ports is not one that runs once, so it is started again when it ends", s.at("restart")...)
	default:
		s.out.set("restart", restart)
	}
	takePull(s)
}

// takePull copies when the image is pulled.
func takePull(s *service) {
	switch policy := s.text("pull_policy"); policy {
	case "":
	case "always", "never", "missing", "if_not_present":
		s.out.set("pull_policy", policy)
	case "build":
		s.left("spacel builds no images", s.at("pull_policy")...)
	default:
		s.changed("the image is pulled at each start", s.at("pull_policy")...)
	}
}

// dependency is a service that another one waits for.
type dependency struct {
	condition         string
	optional, restart bool
}

// takeDependencies writes depends_on, with the services whose network, volumes or processes this one shares.
func (s *service) takeDependencies() {
	// compose-go has written out every form of depends_on as an object with conditions.
	for name, value := range object(s.take("depends_on")) {
		d := object(value)
		wanted := dependency{text(d["condition"]), text(d["required"]) == "false", text(d["restart"]) == "true"}
		if s.units[name] == "" {
			s.left(name+" is not imported", s.at("depends_on", name)...)
			continue
		}
		s.wait(name, wanted)
	}
	// A link is Compose's old way to a name, and to an order: the other service starts
	// first. The name was collected before.
	for _, link := range s.texts("links") {
		name, _, _ := strings.Cut(link, ":")
		s.changed("containers find each other by name", s.at("links")...)
		s.wait(name, dependency{})
	}
	// The short form, a list, says the same when no dependency has a condition of its own.
	out, plain := newMapping(), []string{}
	for _, name := range sortedKeys(s.waits) {
		d := s.waits[name]
		inside := newMapping()
		if d.condition != "" && d.condition != "service_started" {
			inside.set("condition", d.condition)
		}
		if d.optional {
			inside.Content = append(inside.Content, scalar("required"), falseNode())
		}
		inside.set("restart", d.restart)
		if len(inside.Content) == 0 {
			plain = append(plain, s.units[name])
		}
		out.set(s.units[name], inline(inside))
	}
	switch {
	case len(out.Content) == 0:
	case len(plain) == len(s.waits):
		slices.Sort(plain)
		s.out.set("depends_on", plain)
	default:
		s.out.set("depends_on", out)
	}
}

// wait adds a service to wait for, unless it is one already.
func (s *service) wait(name string, d dependency) {
	if s.waits == nil {
		s.waits = map[string]dependency{}
	}
	if _, known := s.waits[name]; !known && s.units[name] != "" && name != s.name {
		s.waits[name] = d
	} else if known && d.restart {
		known := s.waits[name]
		known.restart = true
		s.waits[name] = known
	}
}
