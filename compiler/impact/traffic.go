package impact

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pebble/spacel/compiler/diff"
	"github.com/pebble/spacel/compiler/template"
)

// Traffic is what users notice of a change to one stack.
type Traffic struct {
	Region  string   `json:"region"`
	Stack   string   `json:"stack"`
	App     string   `json:"app,omitempty"`
	Effects []Effect `json:"effects"` // the worst first; one of kind nothing when users notice nothing
}

// Effect is one thing that users notice.
type Effect struct {
	Kind     EffectKind `json:"kind"`
	Text     string     `json:"text"`
	Resource string     `json:"resource,omitempty"` // logical id of the resource that causes it
	From     string     `json:"from,omitempty"`     // file:line:col in the manifests
	Capacity *int       `json:"capacity,omitempty"` // instances that stay in service, when the templates say it
	Instead  string     `json:"instead,omitempty"`  // the way without the effect, where there is one
}

// EffectKind is how much an effect hurts.
type EffectKind string

// The kinds, from the worst to the harmless. docs/review.md has the table of the rules.
const (
	Stops     EffectKind = "stops"    // traffic stops until the new instances are up, or for good
	Unknown   EffectKind = "unknown"  // the deployed template cannot be compared; only in deploy's plan
	DataMoves EffectKind = "data"     // data moves or is lost
	Restarts  EffectKind = "restarts" // a store is unavailable for minutes
	Address   EffectKind = "address"  // an address or host name changes
	Reduced   EffectKind = "reduced"  // fewer instances serve
	InTurn    EffectKind = "in turn"  // instances are replaced, as many as before serve
	Nothing   EffectKind = "nothing"
)

// effectKinds lists all kinds, the worst first.
var effectKinds = []EffectKind{Stops, Unknown, DataMoves, Restarts, Address, Reduced, InTurn, Nothing}

// EffectKinds lists all kinds, the worst first.
func EffectKinds() []EffectKind { return slices.Clone(effectKinds) }

// Worst is the kind of the worst effect.
func (t Traffic) Worst() EffectKind { return t.Effects[0].Kind }

// forecast applies the rules to one stack.
type forecast struct {
	old, now *Side
	changes  map[string]diff.Resource // by logical id; of a resource whose type changes, the creation
	effects  []Effect
}

// trafficOf applies the rules to a stack of a comparison.
func trafficOf(old, now *Side, s diff.Stack) Traffic {
	out := Traffic{Region: s.Region, Stack: s.Name, App: s.App}
	switch s.Status {
	case diff.Added:
		out.Effects = []Effect{{Kind: Nothing, Text: "nothing: the stack is new"}}
	case diff.Removed:
		out.Effects = []Effect{{Kind: Nothing,
			Text: "nothing: deploy leaves the stack as it is; spacel destroy would end it, with its data"}}
	default:
		out.Effects = Effects(old, now, s.Resources)
	}
	return out
}

// Effects applies the rules to the changes of one stack that both sides have.
func Effects(old, now *Side, changes []diff.Resource) []Effect {
	f := &forecast{old: old, now: now, changes: map[string]diff.Resource{}}
	for _, r := range changes {
		f.changes[r.ID] = r
	}
	f.entrances()
	f.listeners()
	f.groups()
	f.healthChecks()
	f.names()
	f.addresses()
	f.data()
	f.stores()
	if len(f.effects) == 0 {
		f.say(Effect{Kind: Nothing, Text: "nothing"})
	}
	slices.SortStableFunc(f.effects, func(a, b Effect) int {
		return cmp.Or(cmp.Compare(slices.Index(effectKinds, a.Kind), slices.Index(effectKinds, b.Kind)),
			cmp.Compare(a.Resource, b.Resource))
	})
	return f.effects
}

// say adds an effect, with the place of its resource. The same text twice is one effect.
func (f *forecast) say(e Effect) {
	if slices.ContainsFunc(f.effects, func(known Effect) bool { return known.Text == e.Text }) {
		return
	}
	e.From = f.now.places[e.Resource]
	if e.From == "" {
		e.From = f.old.places[e.Resource]
	}
	f.effects = append(f.effects, e)
}

// replaced reports whether the resource under a logical id is another one afterwards: replaced, of another type, or new.
func (f *forecast) replaced(id string) bool {
	c, changes := f.changes[id]
	return changes && (c.Action == diff.Replace || c.Action == diff.MaybeReplace || c.Action == diff.Create)
}

// changed reports whether one of these properties of a resource changes, also by a value that it refers to.
func (f *forecast) changed(id string, properties ...string) bool {
	for _, p := range f.changes[id].Properties {
		name := strings.FieldsFunc(p.Path, func(r rune) bool { return r == '.' || r == '[' })
		if len(name) > 0 && slices.Contains(properties, name[0]) {
			return true
		}
	}
	return false
}

// both lists the ids of resources of a type that both sides have.
func (f *forecast) both(kinds ...string) []string {
	var out []string
	for _, id := range f.now.t.IDs() {
		if kind := f.now.t.Resources[id].Type; slices.Contains(kinds, kind) && f.old.t.Resources[id].Type == kind {
			out = append(out, id)
		}
	}
	return out
}

// ofType lists the ids of resources of some types on one side.
func (s *Side) ofType(kinds ...string) []string {
	var out []string
	for _, id := range s.t.IDs() {
		if slices.Contains(kinds, s.t.Resources[id].Type) {
			out = append(out, id)
		}
	}
	return out
}

// serves reports whether the instances of a side take traffic: from a load balancer, or at host names or addresses of their own.
func (s *Side) serves() bool {
	return len(s.ofType("AWS::ElasticLoadBalancingV2::Listener", "AWS::Route53::RecordSet", "AWS::EC2::EIP")) > 0
}

// interrupted is the sentence for a time without any instance.
func (f *forecast) interrupted() string {
	if f.now.serves() {
		return "traffic stops until the new instances are up"
	}
	return "nothing runs until the new instances are up"
}

// property is a property's value of a resource, resolved.
func property(r template.Resource, name string) string {
	v, ok := r.Properties[name]
	if !ok {
		return ""
	}
	return template.Shown(v)
}
