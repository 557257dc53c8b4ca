package compiler

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/schema/units"
)

// containerName is Docker's pattern for container names (moby, RestrictedNamePattern), applied to the names of units. A
// unit's name becomes its container's.
var containerName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*\.service$`)

// stopMargin is the time that Docker has to end a container, beside the container's own.
const stopMargin = 30 * time.Second

// containerUnit is the text of a unit that runs a container, after the agent has written files and mounted volumes. It
// first removes a container left by a killed run. The unit restarts when Docker does.
//
// awaited says that another unit waits for the container's health.
func containerUnit(service units.Service, awaited bool) []string {
	c := service.Container
	lines := append(unitSection(service), "", "[Service]")
	lines = append(lines, restartLines(c)...)
	lines = append(lines, pullLines(c.PullPolicy, word(versioned(service.Image)))...)
	if c.NetworkMode == "" {
		lines = append(lines, "ExecStartPre=-/usr/bin/flock /run/spacel-network.lock /bin/sh -c "+word(makeNetwork))
	}
	run := append([]string{"/usr/bin/docker", "run"}, dockerRun(service)...)
	if len(c.Entrypoint) > 1 {
		lines = append(lines, document.EntrypointWords+"="+strconv.Itoa(len(c.Entrypoint)))
	}
	lines = append(lines,
		"ExecStartPre=-/usr/bin/docker rm --force %n",
		"ExecStart="+strings.Join(append(exclusively(c), run...), " "))
	if awaited {
		lines = append(lines, "ExecStartPost=/bin/sh -c "+word(waitHealthy)+" %n $MAINPID")
	}
	lines = append(lines,
		// systemd runs ExecStop= after the container has ended by itself, too. The dash keeps that from counting as a failure.
		"ExecStop=-/usr/bin/docker stop %n",
		// A killed client leaves its container behind.
		"ExecStopPost=-/usr/bin/docker rm --force %n",
		fmt.Sprintf("TimeoutStopSec=%d", seconds(c.StopGrace+stopMargin)),
		"",
	)
	if c.Job {
		return lines // only its timer starts it
	}
	return append(lines, "[Install]", "WantedBy=multi-user.target", "")
}

// containerNetwork is the Docker network of an app's containers. Unlike on Docker's default network, containers find each other by
// name there.
const containerNetwork = "spacel"

// makeNetwork makes the network unless it exists. Units start at the same time, and Docker would make two networks of one name, so
// the script runs under a lock.
const makeNetwork = "docker network inspect " + containerNetwork + " >/dev/null 2>&1 || docker network create " + containerNetwork

// waitHealthy ends when the health check of a container ($0) passes, and fails when the container has none or when docker run ($1)
// has ended. systemd counts the unit as started when it ends. Each change of the state goes to the journal.
const waitHealthy = `while kill -0 "$1" 2>/dev/null; do ` +
	`s=$(docker inspect --format "{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}" "$0" 2>/dev/null); ` +
	`case $s in healthy) exit 0;; none) echo "the container has no health check" >&2; exit 1;; esac; ` +
	`[ "$s" = "$p" ] || echo "health: $s"; p=$s; sleep 1; done; exit 1`

// unitSection returns the section [Unit]. A unit of which another one is the dependency has Wants= and not Requires=: with
// Requires=, one failure of the dependency's first start would keep this unit from starting for ever. A unit that must have
// completed is the exception, since nothing may run after a failed migration.
func unitSection(service units.Service) []string {
	wants := []string{"network-online.target", document.AgentUnit}
	after := []string{"docker.service", "network-online.target", document.AgentUnit}
	requires := []string{"docker.service"}
	if service.Container.Task {
		// The agent waits for the task before it is ready, so the task must not wait for the agent.
		wants, after = wants[:1], after[:2]
	}
	if service.Container.Restart.Policy == units.RestartNo {
		// A restart of Docker restarts units that require it. A unit that runs once must not run again then.
		requires, wants = nil, append([]string{"docker.service"}, wants...)
	}
	for _, d := range service.Container.DependsOn {
		after = append(after, escaped(d.Unit))
		if d.Condition == units.Completed && !d.Optional {
			requires = append(requires, escaped(d.Unit))
		} else {
			wants = append(wants, escaped(d.Unit))
		}
	}
	lines := []string{
		"[Unit]",
		"Description=" + escaped(service.Name),
	}
	if len(requires) > 0 {
		lines = append(lines, "Requires="+strings.Join(requires, " "))
	}
	lines = append(lines, "Wants="+strings.Join(wants, " "), "After="+strings.Join(after, " "))
	if partOf := restartedWith(service.Container); len(partOf) > 0 {
		lines = append(lines, "PartOf="+strings.Join(partOf, " "))
	}
	if retries := service.Container.Restart.Retries; retries > 0 {
		return append(lines, "StartLimitIntervalSec=infinity", fmt.Sprintf("StartLimitBurst=%d", retries+1))
	}
	return append(lines, "StartLimitIntervalSec=0")
}

// restartedWith returns the units with which a container is restarted and stopped (systemd.unit(5), PartOf=). The network of another
// container ends with it, so a container that shares one is always restarted with it.
func restartedWith(c units.Container) []string {
	var units []string
	for _, d := range c.DependsOn {
		if d.Restart || c.NetworkMode == "container:"+d.Unit {
			units = append(units, escaped(d.Unit))
		}
	}
	return units
}

// escaped returns a unit's name for a unit file, in which % begins a specifier.
func escaped(name string) string { return strings.ReplaceAll(name, "%", "%%") }

// restartLines returns the settings of restarts. A container that runs once is a oneshot: units that wait for it start when it has
// ended. It stays active then, so it runs once per boot, and not again with each unit that depends on it. A job does not stay active,
// or its timer could not start it again.
func restartLines(c units.Container) []string {
	const again = "RestartSec=2" // a crash loop must not ask the registry ten times a second
	switch {
	case c.Job:
		return []string{"Type=oneshot", "TimeoutStartSec=0"}
	case c.Restart.Policy == units.RestartNo:
		return []string{"Type=oneshot", "RemainAfterExit=yes", "TimeoutStartSec=0"}
	case c.Restart.Policy == units.RestartOnFailure:
		return []string{"TimeoutStartSec=0", "Restart=on-failure", again}
	}
	// Docker's unless-stopped is systemd's always: systemd does not restart a unit stopped by hand.
	return []string{"TimeoutStartSec=0", "Restart=always", again}
}

// pullLines returns the commands that pull the image before the container starts.
func pullLines(p units.PullPolicy, image string) []string {
	switch p {
	case units.PullAlways:
		return []string{"ExecStartPre=/usr/bin/docker pull " + image}
	case units.PullMissing:
		const inspect = `docker image inspect \"$$0\" >/dev/null 2>&1 || exec docker pull \"$$0\"`
		return []string{`ExecStartPre=/bin/sh -c "` + inspect + `" ` + image}
	case units.PullNever:
		return nil
	}
	return []string{"ExecStartPre=-/usr/bin/docker pull " + image}
}

// dockerRun returns the words after docker run, quoted for systemd.
func dockerRun(service units.Service) []string {
	c := service.Container
	base := strings.TrimSuffix(service.Name, ".service")
	run := dockerWords{"--rm", "--name", "%n"}
	for _, file := range environmentFiles(service) {
		run.add("--env-file", "/files/"+file)
	}
	if c.PullPolicy == units.PullNever {
		run.add("--pull", "never")
	}
	if c.Exclusive {
		run.add("--env", document.FenceVariable)
	}
	run.add("--network", cmp.Or(c.NetworkMode, containerNetwork))
	if c.NetworkMode == "" {
		run.add("--network-alias", base) // Docker knows the container's name, web.service, by itself
	}
	for _, port := range service.Ports {
		run.add("--publish", port.Host+":"+port.Container)
	}
	for _, volume := range service.Volumes {
		run.add("--volume", strings.TrimPrefix(volume.Host+":"+volume.Container, ":"))
	}
	run.identity(c)
	run.limits(c)
	run.health(c.Health)
	run.add("--stop-signal", c.StopSignal)
	run.add("--stop-timeout", strconv.Itoa(seconds(c.StopGrace)))
	for _, option := range c.Options {
		run = append(run, word(option))
	}
	entrypoint, command := entrypointAndCommand(c)
	if entrypoint != nil {
		run = append(run, "--entrypoint", word(*entrypoint))
	}
	run = append(run, word(versioned(service.Image)))
	for _, w := range command {
		run = append(run, word(w))
	}
	return run
}

// environmentFiles returns the names of a container's .env files, in the order in which Docker reads them: a later one wins.
func environmentFiles(service units.Service) []string {
	own := strings.TrimSuffix(service.Name, ".service") + ".env"
	other := strings.TrimSuffix(service.Container.EnvOf, ".service") + ".env"
	switch {
	case service.Container.EnvOf == "":
		return []string{own}
	case len(service.Environment) == 0:
		return []string{other}
	}
	return []string{other, own}
}

// entrypointAndCommand splits the two as docker run wants them: its --entrypoint is one word, and the others come before the
// command. With --entrypoint, Docker ignores the image's own command, as Compose does.
func entrypointAndCommand(c units.Container) (entrypoint *string, command []string) {
	if len(c.Entrypoint) == 0 {
		return nil, c.Command
	}
	return &c.Entrypoint[0], append(append([]string{}, c.Entrypoint[1:]...), c.Command...)
}

// dockerWords are words of docker run's command line, quoted for systemd.
type dockerWords []string

// add appends an option with a value, unless the value is empty.
func (w *dockerWords) add(option, value string) {
	if value != "" {
		*w = append(*w, option, word(value))
	}
}

// each appends an option for each value. An empty value is one, too.
func (w *dockerWords) each(option string, values []string) {
	for _, value := range values {
		*w = append(*w, option, word(value))
	}
}

// flag appends an option without a value.
func (w *dockerWords) flag(option string, on bool) {
	if on {
		*w = append(*w, option)
	}
}

// identity appends the options of the container's user, names and files.
func (w *dockerWords) identity(c units.Container) {
	w.add("--hostname", c.Hostname)
	w.each("--add-host", c.ExtraHosts)
	w.each("--label", c.Labels)
	w.add("--user", c.User)
	w.add("--workdir", c.WorkingDir)
	w.flag("--read-only", c.ReadOnly)
	w.each("--tmpfs", c.Tmpfs)
	w.each("--mount", c.Mounts)
	w.each("--device", c.Devices)
	w.flag("--init", c.Init)
}

// limits appends the options of resources and rights.
func (w *dockerWords) limits(c units.Container) {
	w.add("--memory", c.Memory)
	w.add("--cpus", c.CPUs)
	w.add("--shm-size", c.ShmSize)
	for _, u := range c.Ulimits {
		w.add("--ulimit", u.Name+"="+u.Soft+":"+u.Hard)
	}
	w.flag("--privileged", c.Privileged)
	w.each("--cap-add", c.CapAdd)
	w.each("--cap-drop", c.CapDrop)
}

// health appends the options of the health check.
func (w *dockerWords) health(h *units.ContainerHealth) {
	switch {
	case h == nil:
		return
	case h.Disabled:
		w.flag("--no-healthcheck", true)
		return
	}
	w.add("--health-cmd", h.Command)
	for _, t := range []struct {
		option string
		time   time.Duration
	}{
		{"--health-interval", h.Interval}, {"--health-timeout", h.Timeout}, {"--health-start-period", h.StartPeriod},
		{"--health-start-interval", h.StartInterval},
	} {
		if t.time > 0 {
			w.add(t.option, t.time.String())
		}
	}
	if h.Retries > 0 {
		w.add("--health-retries", strconv.Itoa(h.Retries))
	}
}

// seconds returns a time in whole seconds, rounded up, as Docker's and systemd's options take it.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// versioned gives an image without a tag the tag __VERSION__, which the agent replaces by the version deployed. The colon of
// a registry's port, before the last slash, is no tag.
func versioned(image string) string {
	if strings.Contains(image, "@") || strings.Contains(image[strings.LastIndex(image, "/")+1:], ":") {
		return image
	}
	return image + ":" + versionWord
}

// word is a word of a systemd command line: % and $ stand for themselves, and a word that systemd would split or change is quoted
// (systemd.service(5), "Command lines"; systemd.syntax(7), "Quoting").
func word(s string) string {
	s = literal.Replace(s)
	if s != "" && !strings.ContainsAny(s, " \t\"'\\;") {
		return s
	}
	return `"` + quoted.Replace(s) + `"`
}

// The characters that systemd replaces in any word, and those that it reads inside of quotes.
var (
	literal = strings.NewReplacer("%", "%%", "$", "$$")
	quoted  = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\t", `\t`)
)
