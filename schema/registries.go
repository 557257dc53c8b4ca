package schema

import (
	"slices"
	"strings"

	names "github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/schema/content"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/sections"
)

// Registry is how instances log in to a registry of container images.
type Registry struct {
	sections.Node
	Host     string           // ghcr.io, registry.example.com:5000; docker.io for Docker Hub
	Username content.Variable // its name is "username"
	Password content.Variable // its name is that of document.RegistryKey, to which a payload is bound
}

// dockerHub lists the hosts of Docker Hub. Images name it docker.io, and so do registries.
var dockerHub = []string{"index.docker.io", "registry-1.docker.io", "hub.docker.com"}

// registries returns the logins, merged by host: of the orbit's apps, of all, and of the region.
func registries(b appBuilder) []Registry {
	var registries []Registry
	for _, e := range b.section.Merged("registries", asIs, nil) {
		r := e.Record(b.scope.report, nil)
		registry := Registry{Node: r.Node(), Host: e.Key}
		registry.Username = b.scope.login(r, "username", "username")
		registry.Password = b.scope.login(r, "password", names.RegistryKey(e.Key))
		if slices.Contains(dockerHub, e.Key) {
			b.scope.report.Errorf(e.Pos(), "must be docker.io, which is the name of Docker Hub in images")
		}
		if !r.Has("password") && !r.Unknown("password") {
			r.Errorf("password", `is missing: write {from: "secret:NAME#KEY"}, or encrypt it with spacel secret encrypt --registry %s`,
				e.Key)
		}
		// The orbit's apps hold for every app, and each app has a key of its own.
		if registry.Password.Payload != nil && strings.HasPrefix(e.Path, "apps.") {
			r.Errorf("password", `is a payload, which belongs to one app: for all apps write {from: "secret:NAME#KEY"}`)
		}
		registries = append(registries, registry)
	}
	return registries
}

// login reads a user's name or a password.
func (c appScope) login(r sections.Record, field, key string) content.Variable {
	n, ok := r.Fields[field]
	if !ok {
		return content.Variable{Name: key}
	}
	v := content.Variable{Node: sections.NewNode(n.Pos(), nil), Name: key}
	switch {
	case n.Tree.Kind == manifest.Text:
		v.Value = n.Tree.Text
		if v.Value == "" || strings.ContainsAny(v.Value, "\r\n") {
			c.report.Errorf(n.Pos(), "must be a name, in one line")
		}
	case content.LooksEncrypted(n.Tree) && n.Tree.Lookup("from") != nil:
		c.report.Errorf(n.Pos(), "must have either from or an encrypted payload")
	case n.Tree.Lookup("from") != nil:
		v.From = c.reader().Reference(n)
	case len(n.Tree.Reported) == 0:
		v.Payload = c.reader().Payload(n)
	}
	return v
}
