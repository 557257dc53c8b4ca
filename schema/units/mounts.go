package units

import (
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/sections"
)

// mountReader reads the volumes of containers. It looks up the app's own volumes in the section.
type mountReader struct {
	report  *report.Report
	section sections.Section
}

// mounts returns the volumes of a container, from an object or from Compose's list. A name stands for the volume of the app with
// this label. Any other name would be a Docker volume on the root volume, whose data is lost when the instance is replaced.
func (m mountReader) mounts(r sections.Record) []Mapping {
	var mounts []Mapping
	n, ok := r.Fields["volumes"]
	if !ok || n.Tree.Kind != manifest.List {
		for _, e := range r.Entries("volumes") {
			if host, ok := m.mountSource(e.Value, e.Key); ok {
				mounts = append(mounts, Mapping{host, e.Tree.Text})
			}
		}
		return mounts
	}
	for _, item := range n.Items() {
		if item.Tree.Kind == manifest.Object {
			mounts = append(mounts, m.longMount(item.Record(r.Report, nil))...)
			continue
		}
		mounts = append(mounts, m.shortMount(item)...)
	}
	sortMappings(mounts)
	return mounts
}

// checkTargets reports two sources for one path in the container. Docker refuses that when the container starts ("Duplicate mount
// point").
func checkTargets(r sections.Record, mounts []Mapping) {
	seen := map[string]string{}
	for _, m := range mounts {
		target, _, _ := strings.Cut(m.Container, ":")
		target = path.Clean(target)
		if other, ok := seen[target]; ok && m.Host != "" {
			r.Errorf("volumes", "mounts both %s and %s at %s", other, m.Host, target)
		}
		if m.Host != "" {
			seen[target] = m.Host
		}
	}
}

// mountMode matches the options of a mount in the short form, such as ro or rw,z, as _mountMode of the definitions does.
var mountMode = regexp.MustCompile(`^` + mountOption + `(,` + mountOption + `)*$`)

const mountOption = `(ro|rw|z|Z|nocopy|consistent|cached|delegated|r?shared|r?slave|r?private)`

// shortMount reads SOURCE:TARGET[:MODE], or TARGET for an anonymous volume.
func (m mountReader) shortMount(n sections.Value) []Mapping {
	parts := strings.Split(n.Tree.Text, ":")
	target := parts[min(1, len(parts)-1)]
	switch {
	case len(parts) == 3 && path.IsAbs(target) && !mountMode.MatchString(parts[2]):
		m.report.Errorf(n.Pos(), "must have options that Docker knows, such as ro, rw, z or rslave, got %q", parts[2])
	case len(parts) > 3 || !path.IsAbs(target):
		m.report.Errorf(n.Pos(), "must be SOURCE:TARGET, such as /mnt/data:/data or /mnt/data:/data:ro, got %q", n.Tree.Text)
	case len(parts) == 1:
		return []Mapping{{"", target}}
	default:
		if host, ok := m.mountSource(n, parts[0]); ok {
			return []Mapping{{host, strings.Join(parts[1:], ":")}}
		}
	}
	return nil
}

// longMount reads a volume in the long form. A directory in memory is among tmpfsMounts, and a mount with options that --volume
// does not have is among mountWords.
func (m mountReader) longMount(r sections.Record) []Mapping {
	source, target, ok := m.ends(r)
	if !ok || needsMountWord(r) {
		return nil
	}
	options := mountOptions(r)
	if len(options) > 0 {
		target += ":" + strings.Join(options, ",")
	}
	return []Mapping{{source, target}}
}

// ends returns the host's path, "" for an anonymous volume, and the path in the container of a mount in the long form. It reports
// paths that cannot be mounted. ok is false for a directory in memory, too.
func (m mountReader) ends(r sections.Record) (host, target string, ok bool) {
	source, target, kind := r.Text("source"), r.Text("target"), r.Text("type")
	switch {
	case kind == "" || target == "" || kind == "tmpfs":
		return "", "", false
	case strings.ContainsAny(target, ":,\"") || strings.HasPrefix(source, "/") && strings.ContainsAny(source, ":,\""):
		r.Report.Errorf(r.At, "a path of a mount cannot hold a colon, a comma or a quote")
		return "", "", false
	case source == "" && kind == "bind":
		if !r.Unknown("source") {
			r.Errorf("source", "is missing: the path on the instance")
		}
		return "", "", false
	case source == "":
		if r.Has("volume") && r.Child("volume", nil).Has("subpath") {
			r.Errorf("source", "is missing: the label of the volume that has the subpath")
		}
		return "", target, true
	case kind == "volume" && strings.HasPrefix(source, "/"):
		r.Errorf("source", "must be the label of one of the app's volumes: a path has type bind")
		return "", "", false
	}
	// A subpath is a directory below the mount point. docker run makes it if it is absent,
	// where a volume of Docker's would be refused.
	host, ok = m.mountSource(r.Fields["source"], source)
	if sub := m.subpath(r); sub != "" && kind == "volume" {
		host = path.Join(host, sub)
	}
	return host, target, ok
}

// subpath returns the mounted directory of a volume, "" for all of it.
func (m mountReader) subpath(r sections.Record) string {
	if !r.Has("volume") {
		return ""
	}
	sub := r.Child("volume", nil).Text("subpath")
	if sub != "" && !filepath.IsLocal(sub) {
		m.report.Errorf(r.Child("volume", nil).PosOf("subpath"), "leads out of the volume")
		return ""
	}
	return sub
}

// checkOptionsOfKind reports options of another kind of mount, which Compose would ignore.
func checkOptionsOfKind(r sections.Record) {
	kind := r.Text("type")
	for _, of := range []string{"bind", "volume", "tmpfs"} {
		if r.Has(of) && kind != "" && kind != of {
			r.Errorf(of, "has no effect on a mount of type %s: remove it", kind)
		}
	}
}

// mountOptions returns the options after the container's path in --volume.
func mountOptions(r sections.Record) []string {
	var options []string
	if r.Flag("read_only") {
		options = append(options, "ro")
	}
	if !r.Has("bind") {
		return options
	}
	bind := r.Child("bind", nil)
	for _, field := range []string{"propagation", "selinux"} {
		if option := bind.Text(field); option != "" {
			options = append(options, option)
		}
	}
	return options
}

// needsMountWord reports whether a mount has options that only --mount of docker run has.
func needsMountWord(r sections.Record) bool {
	if r.Has("bind") {
		bind := r.Child("bind", nil)
		if bind.Has("recursive") || bind.Has("create_host_path") && !bind.Flag("create_host_path") {
			return true
		}
	}
	return r.Has("volume") && !r.Has("source") && r.Child("volume", nil).Flag("nocopy")
}

// mountWords returns values of docker run's --mount, for mounts in the long form with options that --volume does not have. With
// --mount, Docker does not make a path of the host that does not exist.
func (m mountReader) mountWords(r sections.Record, debian string) []string {
	var words []string
	for _, mount := range longMounts(r) {
		checkOptionsOfKind(mount)
		if !needsMountWord(mount) {
			continue
		}
		source, target, ok := m.ends(mount)
		if !ok {
			continue
		}
		parts := []string{"type=" + mount.Text("type")}
		if source != "" {
			parts = append(parts, "source="+source)
		}
		parts = append(parts, "target="+target)
		if mount.Flag("read_only") {
			parts = append(parts, "readonly")
		}
		if mount.Text("type") == "volume" {
			parts = append(parts, "volume-nocopy")
		} else {
			parts = append(parts, bindWords(mount, debian)...)
		}
		words = append(words, strings.Join(parts, ","))
	}
	return words
}

// bindWords returns options of a bind mount as --mount takes them. docker run knows SELinux's labels in --volume only, and refuses
// recursive: readonly unless the propagation is rprivate.
func bindWords(mount sections.Record, debian string) []string {
	bind := mount.Child("bind", nil)
	var words []string
	propagation, recursive := bind.Text("propagation"), bind.Text("recursive")
	switch {
	case recursive == "readonly" && propagation == "":
		propagation = "rprivate"
	case recursive == "readonly" && propagation != "rprivate":
		bind.Errorf("propagation", "must be rprivate beside recursive: readonly, got %s", propagation)
	}
	if (recursive == "readonly" || recursive == "writable") && !mount.Flag("read_only") && !mount.Unknown("read_only") {
		bind.Errorf("recursive", "%s needs read_only: yes", recursive)
	}
	if propagation != "" {
		words = append(words, "bind-propagation="+propagation)
	}
	if bind.Has("selinux") {
		bind.Errorf("selinux", "cannot be set beside create_host_path: no or recursive: docker run has no such mount")
	}
	if recursive != "" {
		words = append(words, "bind-recursive="+recursive)
		if debian == "12" {
			bind.Errorf("recursive", "needs Docker 25, and Debian 12 has 20.10: set debian to 13, or remove it")
		}
	}
	return words
}

// longMounts returns the volumes in the long form.
func longMounts(r sections.Record) []sections.Record {
	var mounts []sections.Record
	n, ok := r.Fields["volumes"]
	if !ok || n.Tree.Kind != manifest.List {
		return nil
	}
	for _, item := range n.Items() {
		if item.Tree.Kind == manifest.Object {
			mounts = append(mounts, item.Record(r.Report, nil))
		}
	}
	return mounts
}

// mountSource returns the host's path of a mount. It reports a source missing on the instance.
func (m mountReader) mountSource(n sections.Value, source string) (host string, ok bool) {
	if strings.HasPrefix(source, "/") {
		return source, true
	}
	if strings.HasPrefix(source, ".") || strings.HasPrefix(source, "~") {
		m.report.Errorf(n.Pos(), "%s is on the machine that builds, not on the instance: give the file in files, and mount /files/…",
			source)
		return "", false
	}
	var labels []string
	for _, e := range m.section.Entries("volumes") {
		if e.Key == source {
			return MountPoint(e.Record(m.report, nil), e.Key), true
		}
		labels = append(labels, e.Key)
	}
	if !m.section.Unknown("volumes") {
		m.report.Errorf(n.Pos(), "%s would be a volume of Docker's on the instance, lost at the next update: give the app a volume "+
			"of this label (volumes: {%s: {}}), or mount a path%s", source, source, report.Suggest(source, labels))
	}
	return "", false
}

// tmpfsMounts returns the mounts of type tmpfs in Compose's long form, as --tmpfs takes them.
func tmpfsMounts(r sections.Record) []string {
	var paths []string
	for _, mount := range longMounts(r) {
		if mount.Text("type") != "tmpfs" || !mount.Has("target") {
			continue
		}
		if mount.Has("source") {
			mount.Errorf("source", "a mount of type tmpfs has no source")
		}
		var options []string
		if mount.Flag("read_only") {
			options = append(options, "ro")
		}
		if mount.Has("tmpfs") {
			inner := mount.Child("tmpfs", nil)
			if bytes := size(inner, "size", 1); bytes != "" {
				options = append(options, "size="+tmpfsSize(bytes))
			}
			if mode := inner.Text("mode"); mode != "" {
				options = append(options, "mode="+mode)
			}
		}
		path := mount.Text("target")
		if len(options) > 0 {
			path += ":" + strings.Join(options, ",")
		}
		paths = append(paths, path)
	}
	return paths
}

// tmpfsSize returns a size in bytes. Docker passes the options of --tmpfs on to the kernel, which knows no fractions and no units
// of two letters (tmpfs(5)).
func tmpfsSize(text string) string {
	number := strings.TrimRight(strings.ToLower(text), "bi")
	unit := strings.IndexByte("kmgt", number[len(number)-1])
	amount, err := strconv.ParseFloat(strings.TrimRight(number, "kmgt"), 64)
	if err != nil {
		return text // the definitions have reported it
	}
	return strconv.FormatInt(int64(amount*float64(int64(1)<<(10*(unit+1)))), 10)
}

// MountPoint returns the mount point of a volume.
func MountPoint(r sections.Record, label string) string {
	if r.Has("mount_point") {
		return r.Text("mount_point")
	}
	return "/mnt/" + label
}
