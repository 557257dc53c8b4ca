package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"

	"github.com/pebble/spacel/compiler/assembly"
)

// stacksIn returns the stacks of an artifact directory, none if there is no such directory or its manifest.json cannot be read.
// It verifies nothing: a build replaces the directory, whatever its state.
func stacksIn(dir string) []assembly.StackRef {
	body, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		return nil
	}
	var m assembly.Manifest
	if json.Unmarshal(body, &m) != nil {
		return nil
	}
	var refs []assembly.StackRef
	for _, s := range m.Stacks {
		refs = append(refs, s.Ref())
	}
	return refs
}

// leftOut returns the stacks that were in a directory before a build and are not in it now, sorted, as region/name. They stay
// deployed, and spacel destroy deletes them.
func leftOut(before []assembly.StackRef, built []builtStack, kept []assembly.StackRef) []string {
	var gone []string
	for _, ref := range before {
		made := func(s builtStack) bool { return s.Region == ref.Region && s.Name == ref.Name }
		if !slices.Contains(kept, ref) && !slices.ContainsFunc(built, made) {
			gone = append(gone, ref.String())
		}
	}
	slices.Sort(gone)
	return gone
}
