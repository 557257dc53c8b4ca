package compiler

import (
	"strings"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// extra adds the manifest's own resources to the app's stack. They may refer to each other, to the rest of the stack,
// and to the network's outputs. After a mistake the part is refused.
func extra(a appContext, whole *part, r *report.Report) *part {
	e := extraPart{part: &part{}, whole: whole, net: a.net, report: r, taken: map[string]report.Pos{}}
	from := a.region.Extra
	for _, parameter := range from.Parameters {
		if e.take(parameter.ID, parameter.Pos) {
			e.parameter(parameter.ID, cfn.Parameter{Type: parameter.Type, Default: &parameter.Value, Description: parameter.Description},
				assembly.ValueFrom{Literal: &parameter.Value})
			e.longParameter(parameter)
		}
	}
	for _, condition := range from.Conditions {
		if e.take(condition.ID, condition.Pos) {
			e.Template.Condition(condition.ID, cfn.RawValue(data(condition.Body)))
		}
	}
	for _, resource := range from.Resources {
		if e.take(resource.ID, resource.Pos) && e.reviewable(resource) {
			add(e.part, resource.Pos, resource.ID, cfn.NewRawResource(data(resource.Body).(map[string]any)))
		}
	}
	// References are checked last: a resource may refer to a later one in the manifest.
	e.outputs(from.Outputs)
	for _, condition := range from.Conditions {
		e.references(condition.Body, cfn.RawValue(data(condition.Body)).References())
	}
	for _, resource := range from.Resources {
		e.references(resource.Body, cfn.NewRawResource(data(resource.Body).(map[string]any)).References())
	}
	return e.part
}

// extraPart is an app's piece of template on its way into the stack.
type extraPart struct {
	*part
	whole  *part
	net    network
	report *report.Report
	taken  map[string]report.Pos
}

// mistake reports an error and refuses the part, so that no incomplete template is written.
func (e extraPart) mistake(at report.Pos, format string, args ...any) {
	e.report.Errorf(at, format, args...)
	e.refused = true
}

// take reserves a name, and reports false with a mistake if it is in use. Parameters, conditions and resources share one
// namespace.
func (e extraPart) take(id string, at report.Pos) bool {
	if kind := e.whole.Kind(id); kind != "" {
		e.mistake(at, "the stack has %s of this name already, from %s; choose another", kind, e.whole.origin(id))
		return false
	}
	if other, twice := e.taken[id]; twice {
		e.mistake(at, "%s has this name already; choose another", other.Path)
		return false
	}
	e.taken[id] = at
	return true
}

// maxParameterValue is CloudFormation's limit, in bytes. It is checked here, because a deploy would fail only after its plan.
const maxParameterValue = 4096

// longParameter reports a value above CloudFormation's limit.
func (e extraPart) longParameter(p schema.ExtraParameter) {
	if len(p.Value) > maxParameterValue {
		e.mistake(p.At("Default"), "must be at most %d bytes, got %d: CloudFormation takes no more as a parameter",
			maxParameterValue, len(p.Value))
	}
}

// outputs adds the manifest's outputs. An id may be shared with a resource, because CloudFormation keeps outputs apart.
func (e extraPart) outputs(from []schema.ExtraPart) {
	known := map[string]bool{}
	for _, id := range e.whole.OutputIDs() {
		known[id] = true
	}
	for _, output := range from {
		if known[output.ID] {
			e.mistake(output.Pos, "the stack has an output of this name already; choose another")
			continue
		}
		body := data(output.Body).(map[string]any)
		e.references(output.Body, cfn.RawValue(body).References())
		made := cfn.Output{Value: cfn.RawValue(body["Value"])}
		made.Description, _ = body["Description"].(string)
		if export, ok := body["Export"].(map[string]any); ok {
			made.Export = &cfn.Export{Name: cfn.RawValue(export["Name"])}
		}
		if name, ok := body["Condition"].(string); ok {
			made.Condition = e.condition(name)
			e.references(output.Body, []cfn.Reference{{Path: cfn.Path{{Name: "Condition"}}, Name: name}})
		}
		e.Output(output.ID, made)
	}
}

// condition returns a condition of the piece, or of the rest of the stack.
func (e extraPart) condition(name string) *cfn.Condition {
	if c := e.ConditionNamed(name); c != nil {
		return c
	}
	return e.whole.ConditionNamed(name)
}

// references checks that all names are known. AWS:: names are pseudo parameters. A name of the network's stack becomes a parameter
// of this stack, with the network's output as its source.
func (e extraPart) references(body schema.Any, refs []cfn.Reference) {
	e.noMacros(body)
	for _, ref := range refs {
		if e.Kind(ref.Name) != "" || e.whole.Kind(ref.Name) != "" || strings.HasPrefix(ref.Name, "AWS::") ||
			e.net.offered(e.part, ref.Name) {
			continue
		}
		known := append(e.Names(), e.whole.Names()...)
		e.mistake(valueAt(body, ref.Path).Pos, "refers to %s, which is not in the stack%s", ref.Name, report.Suggest(ref.Name, known))
	}
}

// reviewable refuses resource types whose template is elsewhere: a nested stack, a stack set from an address, a module. Nobody can
// review that template with this one, and it may be another one at each deploy.
func (e extraPart) reviewable(resource schema.ExtraPart) bool {
	body := resource.Body.Value.(map[string]schema.Any)
	kind, _ := body["Type"].Value.(string)
	remote := "the template at an address is not in the artifact that is reviewed, and may change: write its resources out here"
	switch {
	case kind == "AWS::CloudFormation::Stack":
		e.mistake(body["Type"].Pos, "nested stacks are not for these templates: %s", remote)
	case kind == "AWS::CloudFormation::StackSet" && e.hasProperty(body, "TemplateURL"):
		e.mistake(body["Type"].Pos, "a stack set needs a TemplateBody: %s", remote)
	case strings.HasSuffix(kind, "::MODULE"):
		e.mistake(body["Type"].Pos, "modules are not for these templates: CloudFormation replaces a module after review by what the "+
			"account has registered: write its resources out here")
	default:
		return true
	}
	return false
}

// hasProperty reports whether a resource of the manifest has a property.
func (extraPart) hasProperty(body map[string]schema.Any, name string) bool {
	properties, _ := body["Properties"].Value.(map[string]schema.Any)
	_, has := properties[name]
	return has
}

// noMacros refuses Fn::Transform. CloudFormation would replace it during the deploy by a result that nobody has reviewed.
func (e extraPart) noMacros(body schema.Any) {
	switch v := body.Value.(type) {
	case map[string]schema.Any:
		for name, inner := range v {
			if name == "Fn::Transform" {
				e.mistake(inner.Pos, "macros are not for these templates: a macro changes them after review; "+
					"write out its result")
			}
			e.noMacros(inner)
		}
	case []schema.Any:
		for _, inner := range v {
			e.noMacros(inner)
		}
	}
}

// valueAt follows a path as far as it leads, and returns the value there, for its position in the manifest.
func valueAt(v schema.Any, path cfn.Path) schema.Any {
	for _, step := range path {
		var next schema.Any
		var ok bool
		switch inner := v.Value.(type) {
		case map[string]schema.Any:
			next, ok = inner[step.Name]
		case []schema.Any:
			if ok = step.Name == "" && step.Index < len(inner); ok {
				next = inner[step.Index]
			}
		}
		if !ok {
			return v
		}
		v = next
	}
	return v
}

// data returns a value without its places, as maps, slices and scalars.
func data(v schema.Any) any {
	switch inner := v.Value.(type) {
	case map[string]schema.Any:
		fields := make(map[string]any, len(inner))
		for name, field := range inner {
			fields[name] = data(field)
		}
		return fields
	case []schema.Any:
		items := make([]any, len(inner))
		for i, item := range inner {
			items[i] = data(item)
		}
		return items
	}
	return v.Value
}
