package schema

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// extra returns the piece of a CloudFormation template in the field resources.
func extra(s section) Extra {
	r := s.child("resources", nil)
	e := Extra{
		Node: r.node(), Conditions: extraParts(r, "Conditions"),
		Resources: extraParts(r, "Resources"), Outputs: extraParts(r, "Outputs"),
	}
	for _, p := range r.entries("Parameters") {
		f := p.record(r.report, nil)
		e.Parameters = append(e.Parameters, ExtraParameter{
			Node:        f.node(),
			ID:          p.key,
			Type:        f.text("Type"),
			Value:       f.text("Default"),
			Description: f.text("Description"),
		})
	}
	return e
}

// extraParts returns the conditions, resources or outputs in the field resources.
func extraParts(r record, name string) []ExtraPart {
	var parts []ExtraPart
	for _, e := range r.entries(name) {
		parts = append(parts, ExtraPart{Node: e.record(r.report, nil).node(), ID: e.key, Body: anyValue(r.report, e.node)})
	}
	return parts
}

// patches returns the values to set in the app's template, and those to remove, which have null in the manifest.
func patches(s section) []Patch {
	var patches []Patch
	for _, resource := range s.entries("patch") {
		for _, e := range resource.entries() {
			value := anyValue(s.report, e.node)
			patches = append(patches, Patch{Node: NewNode(e.pos(), nil), ID: resource.key, Path: e.key, Value: &value})
		}
		// null in patch means "remove this value", while elsewhere it means "absent". The tree has set these keys aside.
		for _, f := range resource.value.Removed {
			at := f.At.Pos(report.Member(resource.path, f.Key))
			patches = append(patches, Patch{Node: NewNode(at, nil), ID: resource.key, Path: f.Key})
			resource.put(f) // null has a meaning here
		}
	}
	slices.SortFunc(patches, func(a, b Patch) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Path, b.Path)) })
	return patches
}

// anyValue returns a value unchanged, for CloudFormation. CloudFormation refuses null, so null is reported here
// with its place.
func anyValue(found *report.Report, n node) Any {
	at := n.pos()
	switch n.value.Kind {
	case manifest.Object:
		fields := map[string]Any{}
		for _, e := range n.entries() {
			if e.value.Kind != manifest.Null {
				fields[e.key] = anyValue(found, e.node)
			}
		}
		return Any{at, fields}
	case manifest.List:
		items := []Any{}
		for _, item := range n.items() {
			items = append(items, anyValue(found, item))
		}
		return Any{at, items}
	case manifest.Number:
		return Any{at, json.Number(n.value.Text)}
	case manifest.Boolean:
		return Any{at, n.value.Text == "true"}
	case manifest.Null:
		found.Errorf(at, "must not be null: leave it out, or write {Ref: AWS::NoValue}")
	}
	return Any{at, n.value.Text}
}
