package document

import "strings"

// The kinds of references, which are the first word of {from: "KIND:NAME"} in a manifest.
const (
	FromSecret    = "secret"   // a secret of Secrets Manager, or one key of its JSON
	FromParameter = "ssm"      // a parameter of Systems Manager's Parameter Store
	FromDatabase  = "database" // a fact about one of the app's databases
	FromCache     = "cache"    // a fact about one of the app's caches
	FromResource  = "resource" // a value of one of the manifest's own CloudFormation resources
)

// The fields of a reference to a database. A reference to a cache has some of them.
const (
	FieldURL      = "url"
	FieldJDBC     = "jdbc_url"
	FieldHost     = "host"
	FieldPort     = "port"
	FieldUsername = "username"
	FieldPassword = "password"
	FieldDatabase = "name"
)

// DatabaseFields lists the fields of a reference to a database.
func DatabaseFields() []string {
	return []string{FieldHost, FieldPort, FieldUsername, FieldPassword, FieldDatabase, FieldURL, FieldJDBC}
}

// CacheFields lists the fields of a reference to a cache.
func CacheFields() []string { return []string{FieldURL, FieldHost, FieldPort, FieldPassword} }

// Reference is a value that the agent looks up when the instance boots. Manifests and the instance document hold it as text.
type Reference struct {
	Kind  string
	Name  string // a secret's may be its ARN, a parameter's may end in :VERSION or :LABEL
	Field string // the key in a secret's JSON, a database's or cache's field, a resource's attribute
}

// ParseReference splits the text of a reference. Whether it has a known kind and valid names is for schema to check.
func ParseReference(text string) Reference {
	kind, name, _ := strings.Cut(text, ":")
	r := Reference{Kind: kind, Name: name}
	switch kind {
	case FromSecret: // no name of a secret holds a #
		r.Name, r.Field, _ = strings.Cut(name, "#")
	case FromDatabase, FromCache:
		if dot := strings.LastIndex(name, "."); dot >= 0 {
			r.Name, r.Field = name[:dot], name[dot+1:]
		}
	case FromResource: // an attribute may hold dots, such as Endpoint.Address
		r.Name, r.Field, _ = strings.Cut(name, ".")
	}
	return r
}

// String returns the reference as a manifest writes it.
func (r Reference) String() string {
	switch {
	case r.Field == "":
		return r.Kind + ":" + r.Name
	case r.Kind == FromSecret:
		return r.Kind + ":" + r.Name + "#" + r.Field
	}
	return r.Kind + ":" + r.Name + "." + r.Field
}

// ResourceKey returns the key of a resource's value in Document.Resources: Queue, or Queue.Arn.
func (r Reference) ResourceKey() string {
	if r.Field == "" {
		return r.Name
	}
	return r.Name + "." + r.Field
}
