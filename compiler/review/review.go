// Package review prints what a change of artifacts does, as text, Markdown and JSON. Every form begins with the findings of package
// impact, which are never cut, and the differences of package diff follow.
package review

import (
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/diff"
	"github.com/pebble/spacel/compiler/impact"
	"github.com/pebble/spacel/internal/jsontext"
)

// Review is the comparison of two artifacts.
type Review struct {
	*diff.Diff
	*impact.Report

	Picture string // a Mermaid flowchart for the Markdown form, empty for none
}

// Compare compares two artifacts. Both must be open.
func Compare(old, now *assembly.Assembly) (*Review, error) {
	d, err := diff.Compare(old, now)
	if err != nil {
		return nil, err
	}
	report, err := impact.Of(old, now, d)
	if err != nil {
		return nil, err
	}
	return &Review{Diff: d, Report: report}, nil
}

// MarshalJSON writes the findings before the differences.
func (r *Review) MarshalJSON() ([]byte, error) {
	return jsontext.Line(struct {
		Format int  `json:"format"`
		Equal  bool `json:"equal"`
		*impact.Report
		Orbit   *diff.Change  `json:"orbit,omitempty"`
		Owner   []diff.Change `json:"owner,omitempty"`
		Summary diff.Summary  `json:"summary"`
		Stacks  []diff.Stack  `json:"stacks"`
		Assets  diff.Assets   `json:"assets"`
	}{r.Format, r.Equal, r.Report, r.Orbit, r.Owner, r.Summary, r.Stacks, r.Assets})
}
