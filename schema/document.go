package schema

import (
	"github.com/pebble/spacel/schema/language"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// document is a manifest after the check against its definition.
type document struct {
	facts  *language.Facts
	report *report.Report
	root   node

	shared   node // of an app: the orbit's field apps; its value is nil when there is none
	resolves bool // whether sections collect the resolved value
}

// part returns a field of the manifest. Its value is nil if the manifest lacks the field.
func (m document) part(name string) node {
	f := m.root.value.Field(name)
	if f == nil {
		return node{}
	}
	return m.root.fieldOf(*f)
}

// section returns the merged section of a region.
func (m document) section(region string, defaults *manifest.Tree) section {
	return parts{whole: m.root, shared: m.shared, all: m.part("all"), own: m.part(region)}.merge(region, defaults, m.report, m.resolves)
}
