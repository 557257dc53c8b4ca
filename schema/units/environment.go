package units

import (
	"cmp"
	"maps"
	"slices"

	"github.com/pebble/spacel/schema/content"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/sections"
)

// environment returns the variables sorted by name: those of env_file, and those of environment, which win.
func environment(r sections.Record, c content.Reader) []content.Variable {
	const noValue = "has no value: nothing is taken from the shell that builds; write NAME=value"
	all := envFiles(r)
	for _, e := range pairs(r, "environment", noValue) {
		all[e.Key] = e
	}
	entries := slices.SortedFunc(maps.Values(all), func(x, y sections.Entry) int { return cmp.Compare(x.Key, y.Key) })
	var variables []content.Variable
	object := &manifest.Tree{Kind: manifest.Object}
	for _, e := range entries {
		variables = append(variables, c.Variable(e))
		object.Set(e.Key, e.At, e.Tree)
	}
	if n, listed := r.Fields["environment"]; r.Has("env_file") || listed && n.Tree.Kind == manifest.List {
		// The resolved value has one object for all forms.
		object.At = r.Place()
		r.Derive("environment", object)
		r.LeaveOut("env_file")
	}
	return variables
}
