package schema

import (
	"slices"
	"strings"

	names "github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/schema/manifest"
)

// Registry is how instances log in to a registry of container images.
type Registry struct {
	Node
	Host     string   // ghcr.io, registry.example.com:5000; docker.io for Docker Hub
	Username Variable // its name is "username"
	Password Variable // its name is that of document.RegistryKey, to which a payload is bound
}

// dockerHub lists the hosts of Docker Hub. Images name it docker.io, and so do registries.
var dockerHub = []string{"index.docker.io", "registry-1.docker.io", "hub.docker.com"}

// registries returns the logins, merged by host: of the orbit's apps, of all, and of the region.
func registries(b appBuilder) []Registry {
	var registries []Registry
	for _, e := range b.section.merged("registries", asIs, nil) {
		r := e.record(b.scope.report, nil)
		registry := Registry{Node: r.node(), Host: e.key}
		registry.Username = b.scope.login(r, "username", "username")
		registry.Password = b.scope.login(r, "password", names.RegistryKey(e.key))
		if slices.Contains(dockerHub, e.key) {
			b.scope.report.Errorf(e.pos(), "must be docker.io, which is the name of Docker Hub in images")
		}
		if !r.has("password") && !r.unknown("password") {
			r.errorf("password", `is missing: write {from: "secret:NAME#KEY"}, or encrypt it with spacel secret encrypt --registry %s`,
				e.key)
		}
		// The orbit's apps hold for every app, and each app has a key of its own.
		if registry.Password.Payload != nil && strings.HasPrefix(e.path, "apps.") {
			r.errorf("password", `is a payload, which belongs to one app: for all apps write {from: "secret:NAME#KEY"}`)
		}
		registries = append(registries, registry)
	}
	return registries
}

// login reads a user's name or a password.
func (c appScope) login(r record, field, key string) Variable {
	n, ok := r.fields[field]
	if !ok {
		return Variable{Name: key}
	}
	v := Variable{Node: NewNode(n.pos(), nil), Name: key}
	switch {
	case n.value.Kind == manifest.Text:
		v.Value = n.value.Text
		if v.Value == "" || strings.ContainsAny(v.Value, "\r\n") {
			c.report.Errorf(n.pos(), "must be a name, in one line")
		}
	case looksEncrypted(n.value) && n.value.Lookup("from") != nil:
		c.report.Errorf(n.pos(), "must have either from or an encrypted payload")
	case n.value.Lookup("from") != nil:
		v.From = c.reference(n)
	case len(n.value.Reported) == 0:
		v.Payload = c.payload(n)
	}
	return v
}
