package compose

import (
	"fmt"
	"strings"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// takeResources writes the limits, those of deploy, too. Compose refuses a file in which both differ.
func (s *service) takeResources() {
	// Compose applies deploy.resources without Swarm, too, and refuses a file in which it
	// contradicts the older keys.
	resources := s.deploy.object("resources")
	limits, reservations := resources.object("limits"), resources.object("reservations")
	cpus, memory, pids := limits.text("cpus"), limits.text("memory"), limits.text("pids")
	for key, value := range map[string]string{"cpus": cpus, "memory": memory, "pids": pids} {
		if value != "" {
			field := map[string]string{"cpus": "cpus", "memory": "mem_limit", "pids": "options: [--pids-limit]"}[key]
			s.changed("is "+field, limits.at(key)...)
		}
	}
	if memory = first(s.text("mem_limit"), memory); memory != "0" {
		s.out.set("mem_limit", memory)
	}
	if cpus = first(s.text("cpus"), cpus); cpus != "0" {
		s.out.set("cpus", cpus)
	}
	s.copyText("shm_size")
	s.option("--pids-limit", first(s.text("pids_limit"), pids))
	if reserved := reservations.text("memory"); reserved != "" {
		s.changed("is options: [--memory-reservation]", reservations.at("memory")...)
		if s.values["mem_reservation"] == nil {
			s.option("--memory-reservation", reserved)
		}
	}
	takeUlimits(s)
}

// takeUlimits writes the limits of processes.
func takeUlimits(s *service) {
	if ulimits := object(s.take("ulimits")); len(ulimits) > 0 {
		out := newMapping()
		for _, name := range sortedKeys(ulimits) {
			value := ulimits[name]
			pair := object(value)
			if pair == nil {
				out.set(name, number(text(value)))
				continue
			}
			both := newMapping()
			both.set("soft", number(text(pair["soft"])))
			both.set("hard", number(text(pair["hard"])))
			out.set(name, inline(both))
		}
		s.out.set("ulimits", out)
	}
}

// first returns the first text with a character.
func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// takeRights writes a container's rights.
func (s *service) takeRights() {
	s.out.set("cap_add", s.texts("cap_add"))
	s.out.set("cap_drop", s.texts("cap_drop"))
	s.copyFlag("read_only", "init", "privileged")
	var devices []string
	for _, device := range s.list("devices") {
		d := object(device)
		line := text(device)
		if d != nil {
			line = text(d["source"])
			target, permissions := text(d["target"]), text(d["permissions"])
			limited := permissions != "" && permissions != "rwm" // rwm is the default
			if target != "" && (target != line || limited) {
				line += ":" + target
			}
			if limited {
				line += ":" + permissions
			}
		}
		devices = append(devices, line)
	}
	s.out.set("devices", devices)
}

// takeNetwork writes the network, and the names on it.
func (s *service) takeNetwork() {
	mode := s.text("network_mode")
	other, isService := strings.CutPrefix(mode, "service:")
	switch {
	case mode == "" || mode == "host" || mode == "none" || mode == "bridge":
		s.out.set("network_mode", mode)
	case isService && s.units[other] != "":
		s.out.set("network_mode", "service:"+s.units[other])
	case isService:
		s.left(other+" is not imported", s.at("network_mode")...)
	default:
		s.left("all containers of an app share one network", s.at("network_mode")...)
	}
	if networks := object(s.values["networks"]); len(networks) > 0 {
		takeNetworks(s, networks)
	}
	s.take("networks")
	// Both forms of Compose are forms of a manifest. The values are copied as they are, and
	// the build judges the addresses.
	switch value := s.take("extra_hosts").(type) {
	case []any:
		var hosts []string
		for _, host := range value {
			hosts = append(hosts, text(host))
		}
		s.out.set("extra_hosts", hosts)
	case map[string]any:
		hosts := newMapping()
		for _, name := range sortedKeys(value) {
			if list, ok := value[name].([]any); ok {
				var addresses []string
				for _, address := range list {
					addresses = append(addresses, text(address))
				}
				hosts.set(name, addresses)
				continue
			}
			hosts.set(name, text(value[name]))
		}
		s.out.set("extra_hosts", hosts)
	}
	// Docker knows further names on networks of users only, and the app's own is one. A
	// container on the host's network has no name.
	if mode == "" {
		for _, alias := range s.aliases[s.name] {
			s.option("--network-alias", alias)
		}
	}
}

// takeNetworks lists the networks of a service. Their aliases have become names on the app's network.
func takeNetworks(s *service, networks map[string]any) {
	for _, name := range sortedKeys(networks) {
		settings := object(networks[name])
		s.left(serviceReasons["networks"]+inner(settings), s.at("networks", name)...)
		if settings["aliases"] != nil {
			s.changed("other containers find it by these names on the app's network", s.at("networks", name, "aliases")...)
		}
	}
}

// optionKeys lists keys of one value that docker run has an option for.
var optionKeys = []struct{ key, option string }{
	{"domainname", "--domainname"}, {"mac_address", "--mac-address"}, {"cpu_shares", "--cpu-shares"}, {"cpu_period", "--cpu-period"},
	{"cpu_quota", "--cpu-quota"}, {"cpu_rt_period", "--cpu-rt-period"}, {"cpu_rt_runtime", "--cpu-rt-runtime"}, {"cpuset", "--cpuset-cpus"},
	{"mem_reservation", "--memory-reservation"}, {"memswap_limit", "--memory-swap"}, {"mem_swappiness", "--memory-swappiness"},
	{"oom_score_adj", "--oom-score-adj"}, {"userns_mode", "--userns"}, {"uts", "--uts"}, {"cgroup", "--cgroupns"},
	{"cgroup_parent", "--cgroup-parent"},
}

// optionLists lists keys with several values, for each of which docker run has an option.
var optionLists = []struct{ key, option string }{
	{"dns", "--dns"}, {"dns_search", "--dns-search"}, {"dns_opt", "--dns-option"}, {"group_add", "--group-add"},
	{"security_opt", "--security-opt"}, {"device_cgroup_rules", "--device-cgroup-rule"},
}

// optionMaps lists keys with names and values, for each of which docker run has an option with NAME=value.
var optionMaps = []struct{ key, option string }{
	{"sysctls", "--sysctl"}, {"annotations", "--annotation"}, {"storage_opt", "--storage-opt"},
}

// option adds an option of docker run, unless the value is empty.
func (s *service) option(option, value string) {
	if value != "" {
		s.options = append(s.options, option, value)
	}
}

// takeOptions writes keys without a field as options of docker run.
func (s *service) takeOptions() {
	// These words have no field in a manifest, because few containers need them. docker run
	// takes each value as Compose writes it.
	for _, o := range optionKeys {
		s.option(o.option, s.text(o.key))
	}
	for _, o := range optionLists {
		for _, value := range s.texts(o.key) {
			s.option(o.option, value)
		}
	}
	for _, o := range optionMaps {
		values := types.Mapping{}
		if value := s.take(o.key); value != nil {
			if err := loader.Transform(value, &values); err != nil {
				s.left("cannot be read: "+err.Error(), s.at(o.key)...)
			}
		}
		for _, name := range sortedKeys(values) {
			s.option(o.option, name+"="+values[name])
		}
	}
	for _, key := range []string{"oom_kill_disable", "tty"} {
		if s.flag(key) {
			s.options = append(s.options, "--"+strings.ReplaceAll(key, "_", "-"))
		}
	}
	takeBlkio(s)
}

// takeBlkio writes the weight and the limits of block devices.
func takeBlkio(s *service) {
	b := s.object("blkio_config")
	s.option("--blkio-weight", b.text("weight"))
	for _, device := range b.list("weight_device") {
		d := object(device)
		s.option("--blkio-weight-device", text(d["path"])+":"+text(d["weight"]))
	}
	for _, key := range []string{"device_read_bps", "device_read_iops", "device_write_bps", "device_write_iops"} {
		for _, device := range b.list(key) {
			d := object(device)
			s.option("--"+strings.ReplaceAll(key, "_", "-"), text(d["path"])+":"+text(d["rate"]))
		}
	}
}

// takeShared writes the namespaces and volumes shared with another container.
func takeShared(s *service) {
	// Docker resolves container:NAME when the container starts, so the other one must run
	// by then, and a restart of the other one must restart this one.
	for _, key := range []string{"pid", "ipc"} {
		value := s.text(key)
		if other, ok := strings.CutPrefix(value, "service:"); ok {
			if s.units[other] == "" {
				s.left(other+" is not imported", s.at(key)...)
				continue
			}
			value = "container:" + s.units[other] + ".service"
			s.wait(other, dependency{restart: true})
		}
		s.option("--"+key, value)
	}
	for _, from := range s.texts("volumes_from") {
		other, mode, _ := strings.Cut(from, ":")
		if other == "container" || s.units[other] == "" {
			s.left(fmt.Sprintf("%s is not a service of the app", from), s.at("volumes_from")...)
			continue
		}
		value := s.units[other] + ".service"
		if mode == "ro" {
			value += ":ro"
		}
		s.option("--volumes-from", value)
		s.wait(other, dependency{restart: true})
	}
}
