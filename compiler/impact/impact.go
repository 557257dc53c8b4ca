// Package impact says what a change of artifacts does to rights, reach, public exposure, protection and traffic. It is the one
// set of rules for that: diff, comments, plans and pictures print its findings, and nothing else computes them.
//
// Facts are read from each side's templates alone: an IAM statement, a firewall rule, a public address. A finding is a fact that
// only one side has, so stacks that appear or disappear are covered by the same rules as changed ones.
package impact

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/diff"
)

// Report is what reviewers must see first. No list is ever shortened.
type Report struct {
	Rights     []Finding `json:"rights"`     // IAM statements, attached policies, used roles
	Reach      []Finding `json:"reach"`      // who can connect to whom, routes
	Exposure   []Finding `json:"exposure"`   // what is public
	Protection []Finding `json:"protection"` // instance metadata, encryption, retention
	References []Finding `json:"references"` // dynamic references, which CloudFormation resolves to values of secrets
	Impact     []Traffic `json:"impact"`     // what users notice, by stack
}

// Finding is a fact that differs between the two sides.
type Finding struct {
	Change   Change `json:"change"`
	Kind     Kind   `json:"kind"`
	Region   string `json:"region"`
	Stack    string `json:"stack"`
	App      string `json:"app,omitempty"`
	Resource string `json:"resource,omitempty"` // logical id; empty for a setting of the stack itself
	Type     string `json:"type,omitempty"`
	Path     string `json:"path,omitempty"`   // of the property in the resource
	From     string `json:"from,omitempty"`   // file:line:col in the manifests
	Text     string `json:"text"`             // the fact in words
	Before   string `json:"before,omitempty"` // of a changed fact
	After    string `json:"after,omitempty"`

	Statement map[string]any `json:"statement,omitempty"` // an IAM statement as in the template
	Edge      *Edge          `json:"edge,omitempty"`      // of the kinds reach and egress
}

// Change is what happens to a fact.
type Change string

// A fact with a value, such as a retention, is changed. Others are added or removed.
const (
	Added   Change = "added"
	Removed Change = "removed"
	Changed Change = "changed"
)

// Kind is the subject of a fact.
type Kind string

// The kinds, in the order of display.
const (
	KindStatement  Kind = "statement"  // of a policy document, or a grant of another form
	KindAttachment Kind = "attachment" // properties of IAM resources: managed policies, boundaries, roles of a profile
	KindRole       Kind = "role"       // the role that a resource uses
	KindReach      Kind = "reach"      // a rule that lets traffic in
	KindEgress     Kind = "egress"     // a rule that lets traffic out
	KindRoute      Kind = "route"
	KindPublic     Kind = "public"
	KindMetadata   Kind = "metadata"
	KindEncryption Kind = "encryption"
	KindRetention  Kind = "retention"
	KindReference  Kind = "reference"
)

// kinds lists all kinds in the order of display.
var kinds = []Kind{KindStatement, KindAttachment, KindRole, KindReach, KindEgress, KindRoute, KindPublic, KindMetadata,
	KindEncryption, KindRetention, KindReference}

// Of computes the report for a comparison of two artifacts.
func Of(old, now *assembly.Assembly, d *diff.Diff) (*Report, error) {
	return OfRunning(old, now, d, nil)
}

// OfRunning computes the report for stacks of whose groups the number of running instances is known, by logical id. The templates alone
// say only how many there are at least. Deploy's plan knows the live number.
func OfRunning(old, now *assembly.Assembly, d *diff.Diff, running map[string]int) (*Report, error) {
	r := &Report{Rights: []Finding{}, Reach: []Finding{}, Exposure: []Finding{}, Protection: []Finding{}, References: []Finding{},
		Impact: []Traffic{}}
	oldPlaces, err := old.SourceMap()
	if err != nil {
		return nil, err
	}
	places, err := now.SourceMap()
	if err != nil {
		return nil, err
	}
	for _, s := range d.Stacks {
		ref := assembly.StackRef{Region: s.Region, Name: s.Name}
		before, err := newSide(old, ref, oldPlaces)
		if err != nil {
			return nil, fmt.Errorf("read %s of the old side: %w", ref, err)
		}
		after, err := newSide(now, ref, places)
		if err != nil {
			return nil, fmt.Errorf("read %s of the new side: %w", ref, err)
		}
		for _, f := range compare(before.facts(), after.facts()) {
			f.Region, f.Stack, f.App = s.Region, s.Name, s.App
			r.add(f)
		}
		before.running = running
		r.Impact = append(r.Impact, trafficOf(before, after, s))
	}
	return r, nil
}

// add puts a finding into its list.
func (r *Report) add(f Finding) {
	list := &r.Protection
	switch f.Kind {
	case KindStatement, KindAttachment, KindRole:
		list = &r.Rights
	case KindReach, KindEgress, KindRoute:
		list = &r.Reach
	case KindPublic:
		list = &r.Exposure
	case KindReference:
		list = &r.References
	}
	*list = append(*list, f)
}

// Findings are all findings, in the order of display.
func (r *Report) Findings() []Finding {
	return slices.Concat(r.Rights, r.Reach, r.Exposure, r.Protection, r.References)
}

// fact is a statement about one side that can be compared. Two facts with equal keys are about the same subject: their values
// are compared. A fact without a value has all of its meaning in its key.
type fact struct {
	Finding
	key   string
	value string
}

// compare lists the facts that differ, by kind, resource and text, removed ones first.
func compare(before, after []fact) []Finding {
	old, now := index(before), index(after)
	var out []Finding
	for key, f := range old {
		if _, stays := now[key]; !stays {
			f.Change = Removed
			out = append(out, f.finding(f.value, ""))
		}
	}
	for key, f := range now {
		was, stayed := old[key]
		switch {
		case !stayed:
			f.Change = Added
			out = append(out, f.finding("", f.value))
		case was.value != f.value:
			f.Change = Changed
			out = append(out, f.finding(was.value, f.value))
		}
	}
	slices.SortFunc(out, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)), cmp.Compare(a.Resource, b.Resource),
			cmp.Compare(a.Path, b.Path), -cmp.Compare(a.Change, b.Change), cmp.Compare(a.Text, b.Text))
	})
	return out
}

// index maps facts by kind and key. Facts said twice are one: a statement that is repeated grants nothing more.
func index(facts []fact) map[string]fact {
	out := map[string]fact{}
	for _, f := range facts {
		out[string(f.Kind)+"\x00"+f.Resource+"\x00"+f.key] = f
	}
	return out
}

// finding is a fact with its values as text.
func (f fact) finding(before, after string) Finding {
	out := f.Finding
	out.Before, out.After = before, after
	switch {
	case f.value == "" && out.Change != Changed:
	case out.Change == Changed:
		out.Text += ": " + orNone(before) + " → " + orNone(after)
	default:
		out.Text += ": " + before + after
	}
	return out
}

// orNone is a value, or a word for its absence.
func orNone(value string) string { return cmp.Or(value, "(none)") }
