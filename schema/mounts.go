package schema

import (
	"path"
	"regexp"
	"strings"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// mountReader reads the volumes of containers. It looks up the app's own volumes in the section.
type mountReader struct {
	report  *report.Report
	section section
}

// mounts returns the volumes of a container, from an object or from Compose's list. A name stands for the volume of the app with
// this label. Any other name would be a Docker volume on the root volume, whose data is lost when the instance is replaced.
func (m mountReader) mounts(r record) []Mapping {
	var mounts []Mapping
	n, ok := r.fields["volumes"]
	if !ok || n.value.Kind != manifest.List {
		for _, e := range r.entries("volumes") {
			if host, ok := m.mountSource(e.node, e.key); ok {
				mounts = append(mounts, Mapping{host, e.value.Text})
			}
		}
		return mounts
	}
	for _, item := range n.items() {
		if item.value.Kind == manifest.Object {
			mounts = append(mounts, m.longMount(item.record(r.report, nil))...)
			continue
		}
		mounts = append(mounts, m.shortMount(item)...)
	}
	sortMappings(mounts)
	return mounts
}

// mountMode matches the options of a mount in the short form, such as ro or rw,z.
var mountMode = regexp.MustCompile(`^[a-zA-Z,]+$`)

// shortMount reads SOURCE:TARGET[:MODE], or TARGET for an anonymous volume.
func (m mountReader) shortMount(n node) []Mapping {
	parts := strings.Split(n.value.Text, ":")
	target := parts[min(1, len(parts)-1)]
	wellFormed := len(parts) <= 3 && path.IsAbs(target) && (len(parts) < 3 || mountMode.MatchString(parts[2]))
	switch {
	case !wellFormed:
		m.report.Errorf(n.pos(), "must be SOURCE:TARGET, such as /mnt/data:/data or /mnt/data:/data:ro, got %q", n.value.Text)
	case len(parts) == 1:
		return []Mapping{{"", target}}
	default:
		if host, ok := m.mountSource(n, parts[0]); ok {
			return []Mapping{{host, strings.Join(parts[1:], ":")}}
		}
	}
	return nil
}

// longMount reads a volume in the long form. A directory in memory is among tmpfsMounts.
func (m mountReader) longMount(r record) []Mapping {
	source, target, kind := r.text("source"), r.text("target"), r.text("type")
	switch {
	case kind == "tmpfs" || target == "" || kind == "":
		return nil
	case strings.Contains(target, ":") || strings.HasPrefix(source, "/") && strings.Contains(source, ":"):
		r.report.Errorf(r.at, "a path of a mount cannot hold a colon")
		return nil
	case source == "" && kind == "bind":
		if !r.unknown("source") {
			r.errorf("source", "is missing: the path on the instance")
		}
		return nil
	}
	host := ""
	if source != "" {
		n := r.fields["source"]
		if kind == "volume" && strings.HasPrefix(source, "/") {
			r.errorf("source", "must be the label of one of the app's volumes: a path has type bind")
			return nil
		}
		var ok bool
		if host, ok = m.mountSource(n, source); !ok {
			return nil
		}
	}
	if r.flag("read_only") {
		target += ":ro"
	}
	return []Mapping{{host, target}}
}

// mountSource returns the host's path of a mount. It reports a source that the instance does not have.
func (m mountReader) mountSource(n node, source string) (host string, ok bool) {
	if strings.HasPrefix(source, "/") {
		return source, true
	}
	if strings.HasPrefix(source, ".") || strings.HasPrefix(source, "~") {
		m.report.Errorf(n.pos(), "%s is on the machine that builds, not on the instance: give the file in files, and mount /files/…",
			source)
		return "", false
	}
	var labels []string
	for _, e := range m.section.entries("volumes") {
		if e.key == source {
			return mountPoint(e.record(m.report, nil), e.key), true
		}
		labels = append(labels, e.key)
	}
	if !m.section.unknown("volumes") {
		m.report.Errorf(n.pos(), "%s would be a volume of Docker's on the instance, lost at the next update: give the app a volume "+
			"of this label (volumes: {%s: {}}), or mount a path%s", source, source, report.Suggest(source, labels))
	}
	return "", false
}

// tmpfsMounts returns the mounts of type tmpfs in Compose's long form.
func tmpfsMounts(r record) []string {
	var paths []string
	n, ok := r.fields["volumes"]
	if !ok || n.value.Kind != manifest.List {
		return nil
	}
	for _, item := range n.items() {
		if item.value.Kind != manifest.Object {
			continue
		}
		mount := item.record(r.report, nil)
		if mount.text("type") != "tmpfs" || !mount.has("target") {
			continue
		}
		if mount.has("source") {
			mount.errorf("source", "a mount of type tmpfs has no source")
		}
		options := ""
		if mount.flag("read_only") {
			options = ":ro"
		}
		paths = append(paths, mount.text("target")+options)
	}
	return paths
}
