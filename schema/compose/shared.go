package compose

import (
	"fmt"
	"os"
	"strconv"
)

// sharedReasons says why keys of configs and secrets at the top are left out.
var sharedReasons = map[string]string{
	"driver":          "there is no Swarm",
	"driver_opts":     "there is no Swarm",
	"labels":          "write tags of the app",
	"template_driver": "there is no Swarm: write the text that the template makes",
	"external":        "its content is outside of the Compose file",
	"environment":     "nothing is taken from the shell",
}

// shared lists the configs or secrets at the top. Those that services use have become files.
func (i *importer) shared(f *fields, kind string) {
	for _, name := range sortedKeys(f.values) {
		v := i.newFields(f.take(name), f.at(name)...)
		if valueOf(i.files.Node, kind+"/"+name) == nil {
			i.left("is not in the manifest"+inner(v.values), v.path...)
			continue
		}
		for _, key := range []string{"name", "file", "content"} {
			v.take(key)
		}
		if kind == "secrets" {
			i.changed(fmt.Sprintf(`is files."secrets/%s", which instances read from the secret %s in Secrets Manager: make it there`, name,
				i.secret(name)), v.path...)
			v.values = nil
			continue
		}
		i.changed(fmt.Sprintf(`is files."configs/%s"`, name), v.path...)
		v.rest(sharedReasons)
	}
}

// secret returns the name in Secrets Manager of a secret.
func (i *importer) secret(name string) string { return i.manifest.Name + "/" + name }

// takeFiles writes the configs and secrets of a service as mounts of files. The content of a config is written into the manifest. A
// secret stays out of it: instances read it from Secrets Manager.
func (s *service) takeFiles(kind, directory string) {
	// Compose mounts a config at the top of the container, and a secret below /run/secrets,
	// unless the service names a path.
	for _, f := range s.objects(kind) {
		source, target := f.text("source"), f.text("target")
		mode, user := f.text("mode"), f.text("uid")
		if target == "" {
			target = source
		}
		if target[0] != '/' {
			target = directory + target
		}
		name := kind + "/" + source
		if valueOf(s.files.Node, name) == nil && !s.addShared(f, kind, source, name, octal(mode), user) {
			continue
		}
		s.changed(fmt.Sprintf("is the file /files/%s, mounted at %s", name, target), f.path...)
		s.mounts = append(s.mounts, short("/files/"+name, target, true))
	}
}

// octal returns a mode in octal, "" for none. compose-go gives a number, or text in octal.
func octal(mode string) string {
	if n, err := strconv.Atoi(mode); err == nil && n > 0 {
		return fmt.Sprintf("%04o", n)
	}
	return ""
}

// addShared writes the file of a config or secret.
func (s *service) addShared(f *fields, kind, source, name, mode, user string) bool {
	// Compose takes the content of a config from a file, from the file itself, or from a
	// variable. An external one is in Swarm, which a Compose file cannot tell about.
	definition := object(object(s.project.model[kind])[source])
	if kind == "secrets" {
		m := newMapping()
		m.set("mode", first(mode, "0444"))
		m.set("user", user)
		m.set("from", "secret:"+s.secret(source))
		s.files.set(name, m)
		return true
	}
	content := []byte(text(definition["content"]))
	if path := text(definition["file"]); path != "" {
		data, err := os.ReadFile(path)
		if err != nil || len(data) > largestMounted {
			f.left(fmt.Sprintf("%s cannot be read, or is too large for a manifest", shown(path)), f.path...)
			return false
		}
		content = data
	} else if definition["content"] == nil {
		value, set := s.project.env[text(definition["environment"])]
		if !set {
			f.left("its content is outside of the Compose file", f.path...)
			return false
		}
		content = []byte(value)
	}
	s.files.set(name, fileNode(content, mode, user))
	return true
}
