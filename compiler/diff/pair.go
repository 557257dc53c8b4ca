package diff

import (
	"cmp"
	"maps"
	"reflect"
	"slices"

	"github.com/pebble/spacel/compiler/assembly"

	"github.com/pebble/spacel/compiler/template"
)

// pair is a stack that both sides have.
type pair struct {
	before, now       assembly.Stack
	old, current      *template.Template
	places, oldPlaces map[string]string // logical id → file:line:col
	inputs            map[string]cause  // parameters whose values change
	parameters        []Change
	effects           *effects
}

// compareSources compares parameters, each as its declaration together with the source of its value.
func (p *pair) compareSources() error {
	before, err := parametersOf(p.before, p.old)
	if err != nil {
		return err
	}
	now, err := parametersOf(p.now, p.current)
	if err != nil {
		return err
	}
	p.inputs = map[string]cause{}
	for _, d := range compareTrees(nil, object(before), object(now)) {
		p.parameters = append(p.parameters, d.change(""))
	}
	for name, source := range p.now.Parameters {
		if old, ok := p.before.Parameters[name]; ok && !reflect.DeepEqual(old, source) {
			// Two sources that keep the deployed value (images, programs) change nothing until a flag of deploy says so.
			p.inputs[name] = cause{"parameter " + name, !(old.Kept() && source.Kept())}
		}
	}
	return nil
}

// parametersOf combines each parameter's declaration in the template with its source in manifest.json, since a reviewer
// reads them together.
func parametersOf(entry assembly.Stack, t *template.Template) (map[string]any, error) {
	out := map[string]any{}
	for name, declared := range t.Parameters {
		out[name] = map[string]any{"declared": declared}
	}
	for name, source := range entry.Parameters {
		tree, err := generic(source)
		if err != nil {
			return nil, err
		}
		// A source without a declaration means a parameter which the template lacks. It is shown all the same.
		both, ok := out[name].(map[string]any)
		if !ok {
			both = map[string]any{}
			out[name] = both
		}
		both["source"] = tree
	}
	return out, nil
}

// addInputs adds changes of other stacks' outputs as causes for this stack's parameters. A certain cause replaces an uncertain one.
func (p *pair) addInputs(inputs map[string]cause) {
	for _, name := range slices.Sorted(maps.Keys(inputs)) {
		why := inputs[name]
		if known, found := p.inputs[name]; !why.weaker(known, found) {
			p.inputs[name] = why
		}
		p.parameters = append(p.parameters, Change{Path: name, Because: why.because})
	}
}

// outputs are the stack's outputs whose values change, with the reason. An output changes certainly if its own text differs. If it
// refers to something that changes, it changes as certainly as that.
func (p *pair) outputs() map[string]cause {
	out := map[string]cause{}
	ref := p.now.Ref().String()
	for name, value := range p.current.Outputs {
		if before, ok := p.old.Outputs[name]; !ok || len(compareTrees(nil, before, value)) > 0 {
			out[name] = cause{"output " + name + " of " + ref, true}
			continue
		}
		template.References(nil, value, func(_ template.Path, r template.Reference) {
			c, ok := p.effects.causeOf(r)
			known, found := out[name]
			if ok && !c.weaker(known, found) {
				out[name] = cause{"output " + name + " of " + ref + ", where " + c.because, c.certain}
			}
		})
	}
	return out
}

// result assembles the stack's entry. A stack with equal files is Affected: only values from elsewhere change it.
func (p *pair) result() Stack {
	out := Stack{Region: p.now.Region, Name: p.now.Name, App: p.now.App, Status: Changed, Parameters: p.parameters}
	out.Settings = p.settings()
	out.Template = append(changes(compareTrees(nil, object(p.old.Rest), object(p.current.Rest))),
		changes(compareTrees(template.Path{{Name: "Conditions"}}, object(p.old.Conditions), object(p.current.Conditions)))...)
	out.Outputs = changes(compareTrees(nil, object(p.old.Outputs), object(p.current.Outputs)))
	out.Resources = p.resources()
	if reflect.DeepEqual(p.before, p.now) {
		out.Status = Affected
		return out
	}
	if len(out.Settings)+len(out.Parameters)+len(out.Template)+len(out.Outputs)+len(out.Resources) == 0 {
		out.Notes = append(out.Notes, "only the order or layout of the template differs")
	}
	if !maps.Equal(p.before.Tags, p.now.Tags) {
		out.Notes = append(out.Notes, "CloudFormation passes the stack's tags on to every resource that takes tags")
	}
	return out
}

// changes converts differences without an action of their own.
func changes(differences []difference) []Change {
	var out []Change
	for _, d := range differences {
		out = append(out, d.change(""))
	}
	return out
}

// settings are what deploy sets on the stack itself.
func (p *pair) settings() []Change {
	return changes(compareTrees(nil, settingsOf(p.before), settingsOf(p.now)))
}

// settingsOf is the part of a stack's entry that deploy passes to CloudFormation beside template and parameters.
func settingsOf(s assembly.Stack) map[string]any {
	tags := map[string]any{}
	for key, value := range s.Tags {
		tags[key] = value
	}
	return map[string]any{
		"app":                   s.App,
		"capabilities":          texts(s.Capabilities),
		"dependsOn":             dependencies(s),
		"tags":                  tags,
		"terminationProtection": s.TerminationProtection,
	}
}

// texts converts to the type of lists in decoded JSON, []any, so that compareTrees treats both alike.
func texts(list []string) []any {
	out := make([]any, len(list))
	for i, text := range list {
		out[i] = text
	}
	return out
}

// dependencies are the stack's dependencies as region/name.
func dependencies(s assembly.Stack) []any {
	out := make([]any, len(s.DependsOn))
	for i, ref := range s.DependsOn {
		out[i] = ref.String()
	}
	return out
}

// resources compares all resources of both sides. Another type under the same id counts as two resources, because no update turns
// one into the other.
func (p *pair) resources() []Resource {
	var out []Resource
	for _, id := range slices.Sorted(maps.Keys(p.union())) {
		before, was := p.old.Resources[id]
		now, is := p.current.Resources[id]
		switch {
		case was && is && before.Type == now.Type:
			if r := p.same(id); r != nil {
				out = append(out, *r)
			}
		case was && is:
			gone, made := p.gone(id), p.made(id)
			made.Notes = append(made.Notes, "CloudFormation refuses another type under the same id: rename it, or deploy without it first")
			out = append(out, gone, made)
		case was:
			out = append(out, p.gone(id))
		default:
			out = append(out, p.made(id))
		}
	}
	sortResources(out)
	return out
}

// union has an entry for each logical id on either side.
func (p *pair) union() map[string]template.Resource {
	out := maps.Clone(p.old.Resources)
	maps.Copy(out, p.current.Resources)
	return out
}

// gone is the entry of a resource to be deleted. Its place is in the old manifests.
func (p *pair) gone(id string) Resource {
	r := p.old.Resources[id]
	return Resource{ID: id, Type: r.Type, Status: Removed, Action: Delete, From: p.oldPlaces[id], Data: dataOf(r, r, Delete)}
}

// made is the entry of a resource to be created, with all its properties as additions.
func (p *pair) made(id string) Resource {
	r := p.current.Resources[id]
	return Resource{
		ID: id, Type: r.Type, Status: Added, Action: Create, From: p.places[id],
		Properties: changes(compareTrees(nil, map[string]any{}, object(r.Properties))),
	}
}

// same is a resource that both sides have; nil when nothing happens to it.
func (p *pair) same(id string) *Resource {
	e, before, now := p.effects.resources[id], p.old.Resources[id], p.current.Resources[id]
	conditional := p.effects.conditional(id)
	if len(e.direct)+len(e.attributes)+len(e.indirect) == 0 && conditional == "" {
		return nil
	}
	out := &Resource{ID: id, Type: now.Type, Status: Changed, Action: e.action, From: p.places[id], Attributes: changes(e.attributes)}
	if len(e.direct)+len(e.attributes) == 0 {
		out.Status = Affected
	}
	var paths []template.Path
	for _, d := range e.direct {
		paths = append(paths, d.path)
		out.Properties = append(out.Properties, d.change(p.effects.directAction(now, d)))
	}
	for _, k := range e.indirect {
		paths = append(paths, k.path)
		out.Properties = append(out.Properties, Change{Path: k.path.String(), Action: p.effects.indirectAction(now, k),
			Because: k.cause.because})
	}
	slices.SortFunc(out.Properties, func(a, b Change) int { return cmp.Compare(a.Path, b.Path) })
	out.Data = dataOf(before, now, e.action)
	for _, note := range []string{conditional, instanceNote(now, paths), nameNote(now, e.direct, e.action), p.effects.unknown(now, e)} {
		if note != "" {
			out.Notes = append(out.Notes, note)
		}
	}
	return out
}
