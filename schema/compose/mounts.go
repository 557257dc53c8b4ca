package compose

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// The limits of files inside a manifest.
const (
	largestMounted = 256 << 10 // bytes of one file, and of a directory
	mostMounted    = 50        // files of a directory
)

// dataDirectory is a container's directory of an EBS volume. The top of the volume has files of its own, such as
// lost+found, for which databases take the volume for one in use.
const dataDirectory = "data"

// takeVolumes writes the mounts. A file beside the Compose file goes into the manifest, and a directory for data becomes an EBS volume.
func (s *service) takeVolumes() {
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for _, f := range s.objects("volumes") {
		list.Content = append(list.Content, s.mount(f)...)
	}
	s.takeFiles("configs", "/")
	s.takeFiles("secrets", "/run/secrets/")
	list.Content = append(list.Content, s.mounts...)
	if len(list.Content) > 0 {
		s.out.set("volumes", list)
	}
	s.out.set("tmpfs", s.texts("tmpfs"))
}

// mount translates one mount, given in the long form.
func (s *service) mount(f *fields) []*yaml.Node {
	kind, source, target := f.text("type"), f.text("source"), f.text("target")
	readOnly := f.flag("read_only")
	switch kind {
	case "bind":
		return s.bind(f, source, target, readOnly)
	case "volume":
		v := f.object("volume")
		return s.volume(f, v, source, target, readOnly)
	case "tmpfs":
		return s.tmpfs(f, target, readOnly)
	}
	f.left(fmt.Sprintf("there is no mount of type %s", kind), f.path...)
	f.values = nil
	return nil
}

// tmpfs translates a directory in memory.
func (s *service) tmpfs(f *fields, target string, readOnly bool) []*yaml.Node {
	inner, options := f.object("tmpfs"), newMapping()
	options.set("size", inner.text("size"))
	if mode, err := strconv.Atoi(inner.text("mode")); err == nil && mode > 0 {
		options.set("mode", fmt.Sprintf("%04o", mode))
	}
	return []*yaml.Node{long("tmpfs", "", target, readOnly, "tmpfs", options)}
}

// long returns a mount in the long form.
func long(kind, source, target string, readOnly bool, of string, options mapping) *yaml.Node {
	m := newMapping()
	m.set("type", kind)
	m.set("source", source)
	m.set("target", target)
	m.set("read_only", readOnly)
	if len(options.Content) > 0 {
		m.set(of, inline(options))
	}
	return inline(m).Node
}

// short returns a mount in the short form, or in the long one if a path has a colon.
func short(source, target string, readOnly bool) *yaml.Node {
	line := source + ":" + target
	if readOnly {
		line += ":ro"
	}
	return scalar(line)
}

// volume translates a mount of a named volume, or of one without a name.
func (s *service) volume(f, options *fields, source, target string, readOnly bool) []*yaml.Node {
	sub := options.text("subpath")
	if source == "" {
		s.note("a volume without a name is empty after each start of the container", f.path...)
		return []*yaml.Node{scalar(target)}
	}
	label, ok := s.label(source)
	if !ok {
		f.left("has no name that a volume of the app could have", f.path...)
		return nil
	}
	// Two named volumes may have one label's directory in common only if they are the same
	// volume, so a subpath of Compose's stays below the directory.
	inside := newMapping()
	inside.set("subpath", path.Join(dataDirectory, sub))
	return []*yaml.Node{long("volume", label, target, readOnly, "volume", inside)}
}

// oddInLabel matches characters not allowed in the label of a volume.
var oddInLabel = regexp.MustCompile(`[^A-Za-z0-9_.-]`)

// label returns the label of the app's volume for a named volume, or for a directory of data. It makes the volume at its first use.
func (i *importer) label(name string) (string, bool) {
	// Services that mount one named volume share it, so its label is kept.
	if label, known := i.labels[name]; known {
		return label, true
	}
	label := strings.Trim(oddInLabel.ReplaceAllString(name, "-"), "-_.")
	label = strings.TrimRight(label[:min(len(label), 60)], "-_.")
	if label == "" {
		return "", false
	}
	for n, base := 2, label; valueOf(i.volumes.Node, label) != nil; n++ {
		label = fmt.Sprint(base, n)
	}
	i.labels[name] = label
	i.volumes.set(label, inline(newMapping()))
	i.manifest.from([]string{"volumes", name}, "volumes", label)
	return label, true
}

// hostPaths are directories of every machine. They mean the same on an instance.
var hostPaths = []string{"/boot", "/dev", "/etc", "/lib", "/proc", "/run", "/sys", "/usr", "/var/lib/docker", "/var/log", "/var/run"}

// bind translates a mount of a path. A path below the Compose file's directory is on the machine that imports, and not on the
// instance.
func (s *service) bind(f *fields, source, target string, readOnly bool) []*yaml.Node {
	// compose-go has made the path absolute. Only the file itself tells a path of the
	// project, which exists on this machine, from a path of the host.
	options, inside := f.object("bind"), newMapping()
	for _, key := range []string{"propagation", "selinux", "recursive"} {
		inside.set(key, options.text(key))
	}
	create := options.text("create_host_path")
	written := s.source(f, source)
	if strings.HasPrefix(written, "/") {
		below := func(p string) bool { return source == p || strings.HasPrefix(source, p+"/") }
		if source != "/" && !slices.ContainsFunc(hostPaths, below) {
			s.note(source+" is a path of the instance: it is empty at first, and lost when the instance is replaced", f.path...)
		}
		if create == "false" {
			inside.Content = append(inside.Content, scalar("create_host_path"), falseNode())
		}
		if len(inside.Content) == 0 && !strings.ContainsAny(source+target, ":") {
			return []*yaml.Node{short(source, target, readOnly)}
		}
		return []*yaml.Node{long("bind", source, target, readOnly, "bind", inside)}
	}
	info, err := os.Stat(source)
	switch {
	case err == nil && info.Mode().IsRegular():
		return s.bindFile(f, source, target, info)
	case err == nil && info.IsDir():
		return s.bindDirectory(f, source, target, readOnly)
	case err == nil:
		f.left(fmt.Sprintf("%s is neither a file nor a directory", shown(source)), f.path...)
		return nil
	case create == "false" || readOnly || path.Ext(source) != "":
		f.left(fmt.Sprintf("%s does not exist beside the Compose file, so it cannot be written into the manifest", shown(source)),
			f.path...)
		return nil
	}
	return s.dataVolume(f, source, target)
}

// source returns the path of a mount as the file has it, before compose-go made it absolute: a path in the long or short form. A path
// that cannot be found there is taken for one of the project if it is below its directory.
func (s *service) source(f *fields, resolved string) string {
	if inside, err := filepath.Rel(s.project.dir, resolved); err == nil && filepath.IsLocal(inside) {
		return inside
	}
	for _, file := range s.places.files {
		for _, document := range file.documents {
			list := valueOf(valueOf(valueOf(document, "services"), s.name), "volumes")
			if list == nil {
				continue
			}
			for _, item := range list.Content {
				written := resolve(item).Value
				if inner := valueOf(item, "source"); inner != nil {
					written = inner.Value
				}
				if strings.HasPrefix(written, "..") || strings.HasPrefix(written, "~") {
					if first, _, _ := strings.Cut(written, ":"); absoluteIn(s.project.dir, first) == resolved {
						return first
					}
				}
			}
		}
	}
	return resolved
}

// absoluteIn returns a path relative to a directory from the root. ~ is the home directory, as in Compose.
func absoluteIn(dir, name string) string {
	if rest, ok := strings.CutPrefix(name, "~"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			return name
		}
		return filepath.Join(home, rest)
	}
	return filepath.Join(dir, name)
}

// bindFile writes a file into the manifest, and mounts it from there.
func (s *service) bindFile(f *fields, source, target string, info fs.FileInfo) []*yaml.Node {
	name, err := s.addFile(source, info)
	if err != nil {
		f.left(fmt.Sprintf("%s: %v: build it into the image", shown(source), err), f.path...)
		return nil
	}
	s.changed(fmt.Sprintf("%s is written into files, and mounted from there", shown(source)), f.path...)
	return []*yaml.Node{short("/files/"+name, target, true)}
}

// bindDirectory writes a small directory into the manifest. The container only reads it. An empty directory is for data.
func (s *service) bindDirectory(f *fields, source, target string, readOnly bool) []*yaml.Node {
	// Nothing in the file says whether the container writes to the directory. One with
	// files in it holds configuration more often than data, and the finding says that it
	// is read-only now. An empty one can only be for data.
	entries, err := os.ReadDir(source)
	if err == nil && len(entries) == 0 && !readOnly {
		return s.dataVolume(f, source, target)
	}
	if s.built {
		f.left("the image that is built has these files: the mount is for work on the developer's machine", f.path...)
		return nil
	}
	names, err := filesBelow(source)
	if err != nil {
		f.left(fmt.Sprintf("%s: %v: build it into the image, or give it a volume of the app", shown(source), err), f.path...)
		return nil
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if err == nil {
			_, err = s.addFile(name, info)
		}
		if err != nil {
			f.left(fmt.Sprintf("%s: %v: build it into the image", shown(name), err), f.path...)
			return nil
		}
	}
	s.changed(fmt.Sprintf("the files of %s are written into files, and mounted from there, read-only", shown(source)), f.path...)
	return []*yaml.Node{short("/files/"+s.fileName(source), target, true)}
}

// filesBelow lists the files of a directory, if they are few and small.
func filesBelow(dir string) ([]string, error) {
	var names []string
	size := int64(0)
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := os.Stat(name)
		if err != nil {
			return reasonOf(err)
		}
		names, size = append(names, name), size+info.Size()
		if len(names) > mostMounted || size > largestMounted || !info.Mode().IsRegular() {
			return fmt.Errorf("is too large for a manifest (at most %d files and %d KiB)", mostMounted, largestMounted>>10)
		}
		return nil
	})
	return names, err
}

// dataVolume gives a directory of data a volume of the app.
func (s *service) dataVolume(f *fields, source, target string) []*yaml.Node {
	label, ok := s.label(s.inProject(source))
	if !ok {
		f.left("has no name that a volume of the app could have", f.path...)
		return nil
	}
	s.changed(fmt.Sprintf("the data of %s is on the app's volume %s, which is empty at first", shown(source), label), f.path...)
	inside := newMapping()
	inside.set("subpath", dataDirectory)
	return []*yaml.Node{long("volume", label, target, false, "volume", inside)}
}

// inProject returns a path below the project's directory, or the last part of any other path.
func (i *importer) inProject(source string) string {
	inside, err := filepath.Rel(i.project.dir, source)
	if err != nil || !filepath.IsLocal(inside) {
		inside = filepath.Base(source)
	}
	return filepath.ToSlash(inside)
}

// fileName returns a file's name below /files: its path in the project. Names without a directory are those of spacel's own files of
// variables, so all are in a directory.
func (i *importer) fileName(source string) string { return path.Join("compose", i.inProject(source)) }

// addFile writes a file into the manifest, once.
func (i *importer) addFile(source string, info fs.FileInfo) (name string, err error) {
	// Two services may mount one file. An executable bit matters for scripts that are
	// mounted as entry points.
	name = i.fileName(source)
	if valueOf(i.files.Node, name) != nil {
		return name, nil
	}
	if info.Size() > largestMounted {
		return "", fmt.Errorf("is larger than %d KiB", largestMounted>>10)
	}
	data, err := os.ReadFile(source)
	if err != nil {
		return "", reasonOf(err)
	}
	mode := ""
	if info.Mode()&0o111 != 0 {
		mode = "0755"
	}
	i.files.set(name, fileNode(data, mode, ""))
	return name, nil
}

// fileNode returns the content of a file: text as it is, and bytes in base64.
func fileNode(data []byte, mode, user string) *yaml.Node {
	odd := func(c rune) bool {
		return unicode.IsControl(c) && c != '\n' && c != '\t' || c == '\u2028' || c == '\u2029' || c == '\ufeff'
	}
	if mode == "" && user == "" && utf8.Valid(data) && !bytes.ContainsFunc(data, odd) {
		return scalar(string(data))
	}
	m := newMapping()
	m.set("mode", mode)
	m.set("user", user)
	m.set2("body", base64.StdEncoding.EncodeToString(data))
	return m.Node
}

// namedVolumes lists the keys of the volumes at the top. A volume that no service mounts is not made.
func (i *importer) namedVolumes(f *fields) {
	for _, name := range sortedKeys(f.values) {
		v := i.newFields(f.take(name), f.at(name)...)
		label, used := i.labels[name]
		if !used {
			i.left("no service mounts it"+inner(v.values), v.path...)
			continue
		}
		v.take("name")
		i.changed(fmt.Sprintf("is an EBS volume (%s), which is empty and root's at first: Docker would have copied the image's files and "+
			"their owner", label), v.path...)
		v.rest(volumeReasons)
	}
}

// volumeReasons says why keys of volumes are left out.
var volumeReasons = map[string]string{
	"driver":      "the app's volumes are EBS volumes",
	"driver_opts": "the app's volumes are EBS volumes",
	"external":    "the data of an existing volume of Docker's is not copied",
	"labels":      "write tags of the app",
}
