package schema

import (
	"github.com/pebble/spacel/schema/language"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/sections"
)

// document is a manifest after the check against its definition.
type document struct {
	facts  *language.Facts
	report *report.Report
	root   sections.Value

	shared   sections.Value // of an app: the orbit's field apps; its value is nil when there is none
	resolves bool           // whether sections collect the resolved value
}

// part returns a field of the manifest. Its value is nil if the manifest lacks the field.
func (m document) part(name string) sections.Value {
	f := m.root.Tree.Field(name)
	if f == nil {
		return sections.Value{}
	}
	return m.root.FieldOf(*f)
}

// section returns the merged section of a region.
func (m document) section(region string, defaults *manifest.Tree) sections.Section {
	parts := sections.Parts{Whole: m.root, Shared: m.shared, All: m.part("all"), Own: m.part(region)}
	return parts.Merge(region, defaults, m.report, m.resolves)
}
