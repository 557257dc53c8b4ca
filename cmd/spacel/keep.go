package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/schema"
)

// keeper keeps the stacks of an artifact directory that a build of some apps does not make. The whole project is built without
// arguments, and then nothing is kept: what left the project leaves the directory.
type keeper struct {
	request request
	base    *assembly.Assembly // nil without a valid directory, or if nothing is to be kept
	kept    []assembly.StackRef
}

// newKeeper opens the old directory. One that is missing or damaged has nothing to keep, and the writer has the words for a path that
// is no directory.
func newKeeper(r request, out string) *keeper {
	k := &keeper{request: r}
	if r.whole && len(r.regions) == 0 {
		return k
	}
	if base, err := assembly.Read(out); err == nil {
		k.base = base
	}
	return k
}

// close lets go of the old directory.
func (k *keeper) close() error {
	if k.base == nil {
		return nil
	}
	return k.base.Close()
}

// keep passes the other stacks to the writer of the new directory. Stacks of the request's own orbit stacks, apps and regions are made
// anew or gone. The others must be of the same orbit manifest and version of spacel, or they would not match it any more.
func (k *keeper) keep(to *assembly.Writer, model *schema.Model) error {
	if k.base == nil {
		return nil
	}
	origin, apps := originOf(model.Orbit), appsOf(model)
	var others []assembly.Stack
	for _, s := range k.base.Manifest.Stacks {
		if !k.request.makes(s, apps) {
			others = append(others, s)
		}
	}
	if len(others) == 0 {
		return nil
	}
	if why := k.outdated(origin, model.Orbit.Name); why != "" {
		return fmt.Errorf("spacel build: %s and others stay in the directory, and %s: build all, with every app as an argument and "+
			"--with-orbit, or in a project with spacel build alone; or name another directory with --out", others[0].Ref(), why)
	}
	places, err := k.base.SourceMap()
	if err != nil {
		return err
	}
	for _, s := range others {
		if err := k.copyStack(to, s, places[s.Ref().String()]); err != nil {
			return err
		}
		k.kept = append(k.kept, s.Ref())
	}
	return nil
}

// outdated returns the reason why the old stacks do not match the manifests of this build, "" if they do.
func (k *keeper) outdated(origin assembly.Origin, orbit string) string {
	switch old := k.base.Manifest; {
	case old.Orbit != orbit:
		return "they are of the orbit " + old.Orbit
	case old.OrbitDigest != origin.OrbitDigest:
		return "the orbit's manifest has changed since they were built"
	case old.MadeBy != origin.MadeBy:
		return madeBy(old.MadeBy, origin.MadeBy)
	}
	return ""
}

// copyStack writes a stack of the old directory with its template and its assets. Both are verified when they are read.
func (k *keeper) copyStack(to *assembly.Writer, s assembly.Stack, places map[string]string) error {
	template, err := k.base.Template(s.Ref())
	if err != nil {
		return err
	}
	for _, source := range s.Parameters {
		if source.Asset == nil {
			continue
		}
		body, err := k.base.Asset(source.Asset.Digest)
		if err != nil {
			return err
		}
		if _, err := to.Asset(body); err != nil {
			return err
		}
	}
	return to.Stack(s, template, places)
}

// names returns the kept stacks as region/name, sorted.
func (k *keeper) names() []string {
	var names []string
	for _, ref := range k.kept {
		names = append(names, ref.String())
	}
	slices.Sort(names)
	return names
}

// makes reports whether a build of this request makes a stack, or removes it because its app left the region.
func (r request) makes(s assembly.Stack, apps []string) bool {
	switch {
	case len(r.regions) > 0 && !slices.Contains(r.regions, s.Region):
		return false
	case r.whole:
		return true
	case s.App == "":
		return r.scope().Orbit
	}
	return slices.Contains(apps, s.App)
}

// madeBy says that two versions of spacel differ.
func madeBy(old, now string) string {
	name := func(v string) string {
		if v == "" {
			return "a spacel that is no release"
		}
		return v
	}
	return fmt.Sprintf("it was made by %s, and this is %s", name(old), name(now))
}

// appsOf returns the names of a model's apps.
func appsOf(model *schema.Model) []string {
	var apps []string
	for _, app := range model.Apps {
		apps = append(apps, app.Name)
	}
	return apps
}

// printKept prints the stacks that a build kept.
func (c *console) printKept(out string, names []string) {
	if len(names) > 0 {
		fmt.Fprintf(c.stderr, "kept in %s/, made from the same orbit manifest: %s\n", trimSlash(out), manyStacks(names))
	}
}

// manyStacks lists a few stacks, REGION/STACK, in full. Of more it gives the number and the names, each once for all regions.
func manyStacks(names []string) string {
	const fewStacks, fewNames = 6, 8
	if len(names) <= fewStacks {
		return strings.Join(names, ", ")
	}
	var stacks []string
	for _, name := range names {
		_, stack, _ := strings.Cut(name, "/")
		stacks = append(stacks, stack)
	}
	slices.Sort(stacks)
	stacks = slices.Compact(stacks)
	more := ""
	if rest := len(stacks) - fewNames; rest > 0 {
		stacks, more = stacks[:fewNames], fmt.Sprintf(" and %d more names", rest)
	}
	return fmt.Sprintf("%d stacks, %s%s", len(names), strings.Join(stacks, ", "), more)
}
