package impact

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/template"
)

// Side is one stack as one of the two artifacts has it. A side without the stack has no template and no facts.
type Side struct {
	orbit  string
	stack  assembly.Stack
	t      *template.Template // with parameters' sources written in place of references, see resolver
	places map[string]string  // logical id → file:line:col
	groups map[string][]owner // security group's logical id → the resources in it

	running map[string]int // live instances of auto scaling groups, by logical id; nil: not known
}

// newSide loads a stack.
func newSide(a *assembly.Assembly, ref assembly.StackRef, places assembly.SourceMap) (*Side, error) {
	s := &Side{orbit: a.Manifest.Orbit, t: &template.Template{}, places: places[ref.String()]}
	stack, ok := a.Stack(ref)
	if !ok {
		return s, nil
	}
	body, err := a.Template(ref)
	if err != nil {
		return nil, err
	}
	return NewSide(a.Manifest.Orbit, stack, body, places[ref.String()])
}

// NewSide makes a side of a template that need not be in an artifact, such as the deployed one. The stack's parameters are the
// sources of its values.
func NewSide(orbit string, stack assembly.Stack, body []byte, places map[string]string) (*Side, error) {
	raw, err := template.Parse(body)
	if err != nil {
		return nil, err
	}
	s := &Side{orbit: orbit, stack: stack, places: places}
	s.t = resolver{raw, stack.Parameters, map[string]bool{}}.template()
	s.groups = s.owners()
	return s, nil
}

// facts are all facts of the stack.
func (s *Side) facts() []fact {
	var out []fact
	for _, id := range s.t.IDs() {
		r := s.t.Resources[id]
		condition := s.conditionOf(r)
		for _, f := range slices.Concat(rights(r), s.reach(id, r), exposure(r), protection(r), dynamicReferences(r)) {
			f.Resource, f.Type, f.From = id, r.Type, s.places[id]
			if condition != "" {
				f.Text += condition
				f.key += condition
			}
			out = append(out, f)
		}
	}
	return append(out, s.ownFacts()...)
}

// ownFacts are facts about the stack outside of its resources.
func (s *Side) ownFacts() []fact {
	var out []fact
	for _, section := range []struct {
		name  string
		value map[string]any
	}{{"Outputs", s.t.Outputs}, {"Parameters", s.t.Parameters}, {"Conditions", s.t.Conditions}, {"", s.t.Rest}} {
		for _, name := range slices.Sorted(maps.Keys(section.value)) {
			path := template.Path{}.Property(strings.TrimPrefix(section.name+"."+name, "."))
			out = append(out, resolvesIn(path, section.value[name])...)
		}
	}
	if s.stack.Name != "" {
		out = append(out, fact{Finding: Finding{Kind: KindRetention, Text: "termination protection of the stack"},
			value: fmt.Sprint(s.stack.TerminationProtection)})
	}
	return out
}

// conditionOf is a resource's Condition in words, empty for none.
func (s *Side) conditionOf(r template.Resource) string {
	if r.Condition == "" {
		return ""
	}
	return ", if " + conditionText(s.t.Conditions[r.Condition], r.Condition)
}
