package schema

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/sections"
)

// extra returns the piece of a CloudFormation template in the field resources.
func extra(s sections.Section) Extra {
	r := s.Child("resources", nil)
	e := Extra{
		Node: r.Node(), Conditions: extraParts(r, "Conditions"),
		Resources: extraParts(r, "Resources"), Outputs: extraParts(r, "Outputs"),
	}
	for _, p := range r.Entries("Parameters") {
		f := p.Record(r.Report, nil)
		e.Parameters = append(e.Parameters, ExtraParameter{
			Node:        f.Node(),
			ID:          p.Key,
			Type:        f.Text("Type"),
			Value:       f.Text("Default"),
			Description: f.Text("Description"),
		})
	}
	return e
}

// extraParts returns the conditions, resources or outputs in the field resources.
func extraParts(r sections.Record, name string) []ExtraPart {
	var parts []ExtraPart
	for _, e := range r.Entries(name) {
		parts = append(parts, ExtraPart{Node: e.Record(r.Report, nil).Node(), ID: e.Key, Body: anyValue(r.Report, e.Value)})
	}
	return parts
}

// patches returns the values to set in the app's template, and those to remove, which have null in the manifest.
func patches(s sections.Section) []Patch {
	var patches []Patch
	for _, resource := range s.Entries("patch") {
		for _, e := range resource.Entries() {
			value := anyValue(s.Report, e.Value)
			patches = append(patches, Patch{Node: sections.NewNode(e.Pos(), nil), ID: resource.Key, Path: e.Key, Value: &value})
		}
		// null in patch means "remove this value", while elsewhere it means "absent". The tree has set these keys aside.
		for _, f := range resource.Tree.Removed {
			at := f.At.Pos(report.Member(resource.Path, f.Key))
			patches = append(patches, Patch{Node: sections.NewNode(at, nil), ID: resource.Key, Path: f.Key})
			resource.Put(f) // null has a meaning here
		}
	}
	slices.SortFunc(patches, func(a, b Patch) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Path, b.Path)) })
	return patches
}

// anyValue returns a value unchanged, for CloudFormation. CloudFormation refuses null, so null is reported here
// with its place.
func anyValue(found *report.Report, n sections.Value) Any {
	at := n.Pos()
	switch n.Tree.Kind {
	case manifest.Object:
		fields := map[string]Any{}
		for _, e := range n.Entries() {
			if e.Tree.Kind != manifest.Null {
				fields[e.Key] = anyValue(found, e.Value)
			}
		}
		return Any{at, fields}
	case manifest.List:
		items := []Any{}
		for _, item := range n.Items() {
			items = append(items, anyValue(found, item))
		}
		return Any{at, items}
	case manifest.Number:
		return Any{at, json.Number(n.Tree.Text)}
	case manifest.Boolean:
		return Any{at, n.Tree.Text == "true"}
	case manifest.Null:
		found.Errorf(at, "must not be null: leave it out, or write {Ref: AWS::NoValue}")
	}
	return Any{at, n.Tree.Text}
}
