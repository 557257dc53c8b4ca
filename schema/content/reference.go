package content

import (
	"regexp"
	"slices"
	"strings"

	names "github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/sections"
)

// Reference is a value that an instance looks up when it boots, written as {from: "KIND:NAME"}.
type Reference struct {
	sections.Node
	Kind  string // secret, ssm, database, cache or resource
	Name  string
	Field string // the key in a secret's JSON, a field of a database or cache, a resource's attribute; "" is the whole value
}

// referenceForms shows each kind of reference, for messages.
var referenceForms = map[string]string{
	names.FromSecret:    "secret:NAME or secret:NAME#KEY",
	names.FromParameter: "ssm:NAME",
	names.FromDatabase:  "database:NAME.FIELD",
	names.FromCache:     "cache:NAME.FIELD",
	names.FromResource:  "resource:LOGICAL_ID or resource:LOGICAL_ID.ATTRIBUTE",
}

// referenceKinds lists the kinds in the order of the docs.
var referenceKinds = []string{names.FromSecret, names.FromParameter, names.FromDatabase, names.FromCache, names.FromResource}

// The forms of names in references. None of them allows the wildcards of IAM, because the names become part of policies.
var (
	// Secrets Manager API Reference, CreateSecret: letters, digits and /_+=.@-, at most 512 characters.
	secretName = regexp.MustCompile(`^[A-Za-z0-9/_+=.@-]{1,512}$`)
	// The service adds a hyphen and six characters to the name in an ARN.
	secretARN = regexp.MustCompile(`^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]{1,512}-[A-Za-z0-9]{6}$`)
	// Systems Manager API Reference, GetParameter: a name, or name:version or name:label.
	parameterName = regexp.MustCompile(`^/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*(:[A-Za-z0-9_.-]+)?$`)
	resourceName  = regexp.MustCompile(`^[A-Za-z0-9]{1,255}$`)
	attributeName = regexp.MustCompile(`^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$`)
)

// isReference reports whether a variable's value is a reference: an object with the one key from, which holds text. Any other
// object is JSON for the container.
func isReference(t *manifest.Tree) bool {
	if t.Kind != manifest.Object || len(t.Fields) != 1 {
		return false
	}
	from := t.Lookup("from")
	return from != nil && from.Kind == manifest.Text
}

// Reference reads {from: "KIND:NAME"}. It returns nil after a mistake. The names of databases, caches and resources are checked
// later, by checkReferences. A message repeats no more of the text than its kind, since the text may be a misplaced secret.
func (c Reader) Reference(n sections.Value) *Reference {
	f := n.FieldOf(*n.Tree.Field("from"))
	text := f.Tree.Text
	kind, name, ok := strings.Cut(text, ":")
	ref := &Reference{Node: sections.NewNode(f.Pos(), nil), Kind: kind, Name: name}
	switch {
	case !ok || !slices.Contains(referenceKinds, kind):
		hint := report.Suggest(kind, referenceKinds)
		if hint == "" {
			hint = "; write " + either(referenceKinds) + ", or give JSON to the container as text"
		}
		c.Report.Errorf(f.Pos(), "is an unknown kind of reference%s", hint)
		return nil
	case kind == names.FromSecret:
		ref.Name, ref.Field, ok = cutSecret(name)
	case kind == names.FromParameter:
		ok = parameterName.MatchString(name)
	case kind == names.FromDatabase:
		return c.storeReference(ref, names.DatabaseFields())
	case kind == names.FromCache:
		return c.storeReference(ref, names.CacheFields())
	case kind == names.FromResource:
		ref.Name, ref.Field, ok = cutResource(name)
	}
	if !ok {
		c.Report.Errorf(f.Pos(), "%s", wrongReference(kind, name))
		return nil
	}
	return ref
}

// either returns words as "a, b or c", each with its form.
func either(kinds []string) string {
	var forms []string
	for _, kind := range kinds {
		forms = append(forms, referenceForms[kind])
	}
	return strings.Join(forms[:len(forms)-1], ", ") + " or " + forms[len(forms)-1]
}

// wrongReference returns the message for a malformed name.
func wrongReference(kind, name string) string {
	switch {
	case kind == names.FromSecret && strings.HasPrefix(name, "arn:"):
		return "must be the full ARN of a secret, with the six characters that Secrets Manager has added to its name, and ARN#KEY for " +
			"one value of its JSON"
	case kind == names.FromParameter && strings.HasPrefix(name, "arn:"):
		return "must be the name of a parameter of this account, such as ssm:/shop/token, not an ARN"
	}
	return "must be " + referenceForms[kind] + " with a name as AWS allows it"
}

// cutSecret splits NAME#KEY. No name of a secret holds a #.
func cutSecret(text string) (name, key string, ok bool) {
	name, key, has := strings.Cut(text, "#")
	if has && (key == "" || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' })) {
		return "", "", false
	}
	if strings.HasPrefix(name, "arn:") {
		return name, key, secretARN.MatchString(name)
	}
	return name, key, secretName.MatchString(name)
}

// cutResource splits LOGICAL_ID.ATTRIBUTE. An attribute may hold dots, such as Endpoint.Address.
func cutResource(text string) (id, attribute string, ok bool) {
	id, attribute, has := strings.Cut(text, ".")
	return id, attribute, resourceName.MatchString(id) && (!has || attributeName.MatchString(attribute))
}

// storeReference splits NAME.FIELD of a database or cache and checks the field.
func (c Reader) storeReference(ref *Reference, fields []string) *Reference {
	dot := strings.LastIndex(ref.Name, ".")
	list := strings.Join(fields, ", ")
	if dot < 1 {
		c.Report.Errorf(ref.Pos, "must be %s; the fields are %s", referenceForms[ref.Kind], list)
		return nil
	}
	ref.Name, ref.Field = ref.Name[:dot], ref.Name[dot+1:]
	if !slices.Contains(fields, ref.Field) {
		c.Report.Errorf(ref.Pos, "is an unknown field of a %s%s; the fields are %s", ref.Kind, report.Suggest(ref.Field, fields), list)
		return nil
	}
	return ref
}
