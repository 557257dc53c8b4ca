package cfn

import (
	"bytes"
	"slices"
)

// bounded are the types that IAM gives a permissions boundary. Every other type with rights of its own is used through one of them.
var bounded = []string{"AWS::IAM::Role", "AWS::IAM::User"}

// SetBoundary gives every role and user of the template a permissions boundary. It returns the ids of resources with another
// value, which it leaves alone: the manifest's own resources or a patch wrote it.
func (t *Template) SetBoundary(boundary Value) (others []string, err error) {
	// The value is compared as text: a manifest that writes the same function as the orbit means the same policy.
	text, err := compact(boundary)
	if err != nil {
		return nil, err
	}
	value, err := decode(text)
	if err != nil {
		return nil, err
	}
	for _, id := range t.ResourceIDs() {
		if !slices.Contains(bounded, t.resources[id].Type()) {
			continue
		}
		// A patch can remove any property, so the resource is changed as raw JSON and last of all.
		r, err := t.raw(id)
		if err != nil {
			return nil, err
		}
		if set, err := r.bound(value, text); err != nil {
			return nil, err
		} else if !set {
			others = append(others, id)
		}
	}
	return others, nil
}

// bound sets the property unless the resource has another value for it.
func (r *RawResource) bound(value any, text []byte) (bool, error) {
	properties := r.properties()
	if written, ok := properties.values["PermissionsBoundary"]; ok {
		old, err := compact(written)
		return bytes.Equal(old, text), err
	}
	properties.set("PermissionsBoundary", value)
	r.body.set("Properties", properties)
	return true, nil
}
