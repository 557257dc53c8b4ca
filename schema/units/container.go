package units

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/sections"
)

// Container describes how a service's container runs, in the words of the Compose specification. Texts are as Docker's options
// take them. An empty value means Docker's or the image's own.
type Container struct {
	Entrypoint  []string // nil: the image's own; one empty word: none
	Command     []string // nil: the image's own
	User        string
	WorkingDir  string
	Hostname    string
	Memory      string // bytes, with a unit
	ShmSize     string
	CPUs        string
	Ulimits     []Ulimit // sorted by name
	CapAdd      []string
	CapDrop     []string
	ReadOnly    bool
	Init        bool
	Privileged  bool
	Tmpfs       []string // path, or path:options
	Mounts      []string // values of docker run's --mount, for mounts that --volume cannot express
	Devices     []string
	ExtraHosts  []string // NAME:ADDRESS, sorted
	Labels      []string // NAME=value, sorted
	NetworkMode string   // bridge, host, none or container:UNIT.service; "": the network of the app's containers
	Health      *ContainerHealth
	StopGrace   time.Duration
	StopSignal  string
	Restart     Restart
	PullPolicy  PullPolicy
	DependsOn   []Dependency // sorted by unit
	Options     []string     // further words of docker run
	Job         bool         // a timer starts it, and it runs once at a time
	Schedule    string       // the calendar expression of a job's own timer; "" without one
	Exclusive   bool         // each firing runs on one instance of the region
	Task        bool         `json:",omitempty"` // a release task: the agent runs it within a boot, before the app's units may start
	EnvOf       string       `json:",omitempty"` // of a task: the service whose .env file it reads, before its own; "" for none
}

// Ulimit is a limit of a container's processes. -1 is no limit.
type Ulimit struct {
	Name       string
	Soft, Hard string
}

// ContainerHealth is a container's health check, by Docker. An empty or zero field means the image's own.
type ContainerHealth struct {
	sections.Node
	Disabled      bool
	Command       string // for the image's shell
	Interval      time.Duration
	Timeout       time.Duration
	StartPeriod   time.Duration
	StartInterval time.Duration
	Retries       int
}

// Restart tells when systemd starts a container again.
type Restart struct {
	Policy  RestartPolicy
	Retries int // of on-failure: how often at most; 0: no limit
}

// RestartPolicy is Docker's name of a restart policy.
type RestartPolicy string

// The restart policies. A container with RestartNo runs once.
const (
	RestartNo            RestartPolicy = "no"
	RestartAlways        RestartPolicy = "always"
	RestartUnlessStopped RestartPolicy = "unless-stopped"
	RestartOnFailure     RestartPolicy = "on-failure"
)

// PullPolicy tells when an image is pulled.
type PullPolicy string

// The pull policies. PullDefault pulls at each start, and uses the existing image if that fails.
const (
	PullDefault PullPolicy = ""
	PullAlways  PullPolicy = "always"
	PullMissing PullPolicy = "missing"
	PullNever   PullPolicy = "never"
)

// leastMemory is the least memory that Docker gives a container, in bytes (Docker's docs, "Resource constraints").
const leastMemory = 6 << 20

// container reads the fields of a service that are for containers only. debian is the release on the instances, "" when unknown.
func container(r sections.Record, debian string) Container {
	c := Container{
		Entrypoint:  commandWords(r, "entrypoint"),
		Command:     commandWords(r, "command"),
		User:        r.Text("user"),
		WorkingDir:  r.Text("working_dir"),
		Hostname:    r.Text("hostname"),
		Memory:      size(r, "mem_limit", leastMemory),
		ShmSize:     size(r, "shm_size", 1),
		CPUs:        r.Text("cpus"),
		Ulimits:     ulimits(r),
		CapAdd:      upper(wordList(r, "cap_add")),
		CapDrop:     upper(wordList(r, "cap_drop")),
		ReadOnly:    r.Flag("read_only"),
		Init:        r.Flag("init"),
		Privileged:  r.Flag("privileged"),
		Tmpfs:       append(wordList(r, "tmpfs"), tmpfsMounts(r)...),
		Devices:     wordList(r, "devices"),
		ExtraHosts:  extraHosts(r),
		Labels:      labels(r),
		NetworkMode: networkMode(r),
		Health:      containerHealth(r, debian),
		StopSignal:  r.Text("stop_signal"),
		StopGrace:   Duration(r, "stop_grace_period"),
		Restart:     restart(r),
		PullPolicy:  pullPolicy(r),
		DependsOn:   dependencies(r),
		Options:     wordList(r, "options"),
	}
	checkContainer(r, c)
	return c
}

// containerFields lists the fields that have no effect on a unit that is written by hand.
var containerFields = []string{
	"ports", "volumes", "command", "entrypoint", "user", "working_dir", "mem_limit", "cpus", "shm_size", "ulimits", "cap_add", "cap_drop",
	"read_only", "tmpfs", "init", "privileged", "devices", "extra_hosts", "hostname", "labels", "network_mode", "healthcheck",
	"stop_grace_period", "stop_signal", "restart", "pull_policy", "depends_on", "options",
	"schedule", "exclusive",
}

// checkContainer reports combinations that Docker refuses when the container starts.
func checkContainer(r sections.Record, c Container) {
	reset := len(c.Entrypoint) > 0 && c.Entrypoint[0] == ""
	switch {
	case r.Unknown("command") || r.Unknown("entrypoint"):
	case reset && len(c.Entrypoint) > 1:
		r.Errorf("entrypoint", "the first word is empty: it must be a program")
	case reset && len(c.Command) == 0:
		r.Errorf("entrypoint", "is empty, so there must be a command")
	case reset && c.Command[0] == "":
		r.Errorf("command", "the first word is empty: it must be a program")
	case c.Command != nil && len(c.Command) == 0 && c.Entrypoint == nil:
		r.Errorf("command", "is empty: docker run cannot leave out an image's command; write entrypoint and command, or remove it")
	}
	if c.NetworkMode != "" && c.NetworkMode != "bridge" && r.Has("ports") {
		r.Errorf("ports", "has no effect beside network_mode: %s: remove one of them", r.Text("network_mode"))
	}
	if strings.HasPrefix(c.NetworkMode, "container:") && c.Hostname != "" {
		r.Errorf("hostname", "cannot be set beside network_mode: %s, whose container has the host name", r.Text("network_mode"))
	}
	checkOptions(r)
}

// reservedOptions maps options of docker run that a unit cannot work with to the reason.
var reservedOptions = map[string]string{
	"--name":    "is set by the unit: the container is called after it",
	"--detach":  "would end the unit at once: systemd follows the client of docker run",
	"-d":        "would end the unit at once: systemd follows the client of docker run",
	"--restart": "is systemd's part: write the field restart",
	"--rm":      "is set by the unit",
	"--cidfile": "would keep the container from starting a second time",
	"--":        "would make the image part of the command",
}

// checkOptions reports words that would break the unit, or be taken for the image.
func checkOptions(r sections.Record) {
	for i, n := range r.List("options") {
		name, _, _ := strings.Cut(n.Tree.Text, "=")
		switch reason := reservedOptions[name]; {
		case reason != "":
			r.Report.Errorf(n.Pos(), "%s %s", name, reason)
		case i == 0 && !strings.HasPrefix(name, "-"):
			r.Report.Errorf(n.Pos(), "must begin with a dash: it would be taken for the image, got %q", n.Tree.Text)
		}
	}
}

// commandWords returns the words of a command: a list, or a string that is split. It returns nil for an absent field. An empty
// entry point is one empty word, as docker run takes it.
func commandWords(r sections.Record, field string) []string {
	n, ok := r.Fields[field]
	if !ok {
		return nil
	}
	words := []string{}
	if n.Tree.Kind == manifest.List {
		words = append(words, wordList(r, field)...)
	} else {
		split, err := splitWords(n.Tree.Text)
		if err != nil {
			r.Errorf(field, "%v", err)
			return nil
		}
		for _, word := range split {
			checkWord(r, n, word)
			words = append(words, word)
		}
		r.DeriveList(field, words)
	}
	if field == "entrypoint" && len(words) == 0 {
		return []string{""}
	}
	return words
}

// wordList returns the items of a list, each a word of docker run's command line.
func wordList(r sections.Record, field string) []string {
	var words []string
	for _, n := range r.List(field) {
		words = append(words, n.Tree.Text)
	}
	return words
}

// checkWord reports line breaks and other control characters in a word of a longer text: a unit file cannot hold them as they are
// written. The definitions refuse them in other fields.
func checkWord(r sections.Record, n sections.Value, word string) {
	if strings.ContainsFunc(word, unicode.IsControl) {
		r.Report.Errorf(n.Pos(), "cannot hold line breaks or other control characters: put such text into a file, or into environment")
	}
}

// upper returns texts in capitals, as Docker writes capabilities.
func upper(texts []string) []string {
	for i, text := range texts {
		texts[i] = strings.ToUpper(text)
	}
	return texts
}

// ulimits returns the limits of the container's processes.
func ulimits(r sections.Record) []Ulimit {
	var all []Ulimit
	for _, e := range r.Entries("ulimits") {
		limit := Ulimit{Name: e.Key, Soft: e.Tree.Text, Hard: e.Tree.Text}
		if e.Tree.Kind == manifest.Object {
			inner := e.Record(r.Report, nil)
			limit.Soft, limit.Hard = inner.Text("soft"), inner.Text("hard")
			soft, hard := inner.Number("soft"), inner.Number("hard")
			if inner.Has("soft") && inner.Has("hard") && hard != -1 && (soft == -1 || soft > hard) {
				inner.Errorf("soft", "must be at most hard, got %s and %s", limit.Soft, limit.Hard)
			}
		}
		all = append(all, limit)
	}
	return all
}

// labels returns Docker labels as NAME=value, sorted.
func labels(r sections.Record) []string {
	var all []string
	for _, e := range pairs(r, "labels", "") {
		all = append(all, e.Key+"="+e.Tree.Text)
	}
	return all
}

// pairs returns the entries of a field that is an object, or a list of NAME=value. As in Compose, the last item of a name wins.
// missing is the message for an item without a value; "" allows it.
func pairs(r sections.Record, field, missing string) []sections.Entry {
	n, ok := r.Fields[field]
	if !ok || n.Tree.Kind != manifest.List {
		return r.Entries(field)
	}
	found := map[string]sections.Entry{}
	for _, item := range n.Items() {
		name, value, assigned := strings.Cut(item.Tree.Text, "=")
		switch {
		case name == "" || strings.ContainsFunc(name, unicode.IsSpace):
			r.Report.Errorf(item.Pos(), "must be NAME=value, with a name without spaces")
			continue
		case !assigned && missing != "":
			r.Report.Errorf(item.Pos(), "%s %s", name, missing)
			continue
		}
		item.Tree = &manifest.Tree{Kind: manifest.Text, At: item.Tree.At, Text: value}
		found[name] = sections.Entry{Key: name, Value: item}
	}
	var entries []sections.Entry
	for _, e := range found {
		entries = append(entries, e)
	}
	sections.SortEntries(entries)
	return entries
}

// containerHealth reads the health check, nil when the image's own is unchanged. Docker run knows no check without a shell, so the
// words of such a check are quoted for the shell of the image. debian is the release on the instances, "" when it is unknown.
func containerHealth(r sections.Record, debian string) *ContainerHealth {
	if !r.Has("healthcheck") {
		return nil
	}
	h := r.Child("healthcheck", nil)
	check := &ContainerHealth{Node: h.Node(), Disabled: h.Flag("disable"), Retries: h.Number("retries")}
	check.Interval, check.Timeout = healthTime(h, "interval"), healthTime(h, "timeout")
	check.StartPeriod, check.StartInterval = healthTime(h, "start_period"), healthTime(h, "start_interval")
	if h.Has("start_interval") && debian == "12" {
		h.Errorf("start_interval", "needs Docker 25, and Debian 12 has 20.10: set debian to 13, or remove it")
	}
	if h.Has("test") {
		healthTest(h, check)
	}
	if check.Disabled && len(h.Fields) > 1 && !h.Unknown("test") && !(len(h.Fields) == 2 && h.Has("test") && check.Command == "") {
		h.Warnf("disable", "the other fields have no effect")
	}
	return check
}

// healthTest reads the field test: a string for the shell, or a list whose first word is its kind.
func healthTest(h sections.Record, check *ContainerHealth) {
	n := h.Fields["test"]
	words := wordList(h, "test")
	if n.Tree.Kind != manifest.List {
		checkWord(h, n, n.Tree.Text)
		words = []string{"CMD-SHELL", n.Tree.Text}
	}
	switch {
	case len(words) == 1 && words[0] == "NONE":
		check.Disabled = true
	case len(words) == 2 && words[0] == "CMD-SHELL" && words[1] != "":
		check.Command = words[1]
	case len(words) > 1 && words[0] == "CMD":
		var quoted []string
		for _, word := range words[1:] {
			quoted = append(quoted, shellQuote(word))
		}
		check.Command = strings.Join(quoted, " ")
		h.Notef("test", "docker run has checks for the image's shell only, so the words are quoted for it; an image without a shell "+
			"needs a HEALTHCHECK of its own")
	default:
		h.Errorf("test", `must be ["CMD", "program", …], ["CMD-SHELL", "command"], ["NONE"], or a string`)
	}
}

// networkMode returns the network as docker run names it. The network of a unit is that of the unit's container.
func networkMode(r sections.Record) string {
	mode := r.Text("network_mode")
	if unit, ok := strings.CutPrefix(mode, "service:"); ok {
		return "container:" + manifest.UnitName(unit)
	}
	return mode
}

// restart reads the restart policy.
func restart(r sections.Record) Restart {
	policy, retries, _ := strings.Cut(r.Text("restart"), ":")
	return Restart{Policy: RestartPolicy(policy), Retries: atoi(retries)}
}

// pullPolicy reads the pull policy. if_not_present is an older name of missing in Compose.
func pullPolicy(r sections.Record) PullPolicy {
	if policy := r.Text("pull_policy"); policy != "if_not_present" {
		return PullPolicy(policy)
	}
	return PullMissing
}

// extraHosts returns host names with their addresses, in the form of docker run's --add-host.
func extraHosts(r sections.Record) []string {
	var hosts []string
	add := func(n sections.Value, name, address string) {
		address = strings.TrimSuffix(strings.TrimPrefix(address, "["), "]")
		if !validAddress(address) {
			r.Report.Errorf(n.Pos(), "must be an IP address or host-gateway, got %q", address)
		}
		hosts = append(hosts, name+":"+address)
	}
	n, ok := r.Fields["extra_hosts"]
	if ok && n.Tree.Kind == manifest.List {
		for _, item := range n.Items() {
			at := strings.IndexAny(item.Tree.Text, "=:")
			if at <= 0 || strings.ContainsFunc(item.Tree.Text[:at], unicode.IsSpace) {
				r.Report.Errorf(item.Pos(), "must be NAME:ADDRESS, such as db:10.0.0.5")
				continue
			}
			add(item, item.Tree.Text[:at], item.Tree.Text[at+1:])
		}
	} else {
		for _, e := range r.Entries("extra_hosts") {
			for _, address := range e.List() {
				add(address, e.Key, address.Tree.Text)
			}
		}
	}
	slices.Sort(hosts)
	return hosts
}
