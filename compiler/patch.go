package compiler

import (
	"cmp"
	"errors"
	"slices"

	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// patch applies the manifest's patches to the finished stack: first it sets values, then it removes values. It is the
// only pass that changes resources of other passes, so it comes last.
func patch(a appContext, whole *part, r *report.Report) {
	e := extraPart{part: whole, whole: &part{}, net: a.net, report: r}
	for _, change := range e.changes(a.region.Patches) {
		if err := e.apply(change); err != nil {
			e.mistake(change.Pos, "%s", patchMessage(change, err))
		}
	}
}

// change is a patch after its path was parsed.
type change struct {
	schema.Patch
	path cfn.Path
}

// changes returns the patches in their order: values to set come first, from the outside in. Values to remove follow, from the last
// item of a list to the first, so that no removal moves an item of a later one.
func (e extraPart) changes(patches []schema.Patch) []change {
	var set, take []change
	for _, p := range patches {
		path, err := cfn.ParsePath(p.Path)
		switch {
		case err != nil:
			e.mistake(p.Pos, "%s", err)
		case !e.Has(p.ID):
			e.mistake(p.Pos, "the stack has no resource %s%s", p.ID, report.Suggest(p.ID, e.ResourceIDs()))
		case p.Value == nil:
			take = append(take, change{p, path})
		default:
			set = append(set, change{p, path})
		}
	}
	order := func(a, b change) int { return cmp.Or(cmp.Compare(a.ID, b.ID), a.path.Compare(b.path)) }
	slices.SortFunc(set, order)
	slices.SortFunc(take, order)
	slices.Reverse(take)
	return append(set, take...)
}

// apply makes one change. References in a new value are checked like those of the manifest's own resources.
func (e extraPart) apply(c change) error {
	if c.Value == nil {
		return e.Remove(c.ID, c.path)
	}
	value := cfn.RawValue(data(*c.Value))
	e.references(*c.Value, value.References())
	return e.Set(c.ID, c.path, value)
}

// patchMessage adds the most similar existing name to the error.
func patchMessage(c change, err error) string {
	var nowhere *cfn.PathError
	if !errors.As(err, &nowhere) {
		return err.Error()
	}
	near := report.Suggest(nowhere.Next, nowhere.Names)
	if near == "" && c.Value != nil && nowhere.Names != nil {
		near = "; to make it, set it whole"
	}
	return err.Error() + near
}
