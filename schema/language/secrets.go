package language

import "github.com/pebble/spacel/schema/manifest"

// Secrets returns the scalars of a section that no message may show. The definitions mark them, or an object around them, with
// @secret(). A default is no secret.
func (c *Checker) Secrets(section *manifest.Tree, d Definition) map[*manifest.Tree]bool {
	found := map[*manifest.Tree]bool{}
	markSecrets(found, section, c.lean.rootType(d).field("all"), false)
	return found
}

// markSecrets adds the secret scalars of a value. The type is nil below an object of unknown fields.
func markSecrets(found map[*manifest.Tree]bool, t *manifest.Tree, s *typeInfo, secret bool) {
	secret = secret || s != nil && s.secret
	for _, f := range t.Fields {
		var inner *typeInfo
		if s != nil {
			inner = s.field(f.Key)
		}
		markSecrets(found, f.Value, inner, secret)
	}
	for _, item := range t.Items {
		var inner *typeInfo
		if s != nil && s.items.Exists() {
			inner = s.element()
		}
		markSecrets(found, item, inner, secret)
	}
	if secret && t.At.File != "" && t.Kind != manifest.Object && t.Kind != manifest.List {
		found[t] = true
	}
}
