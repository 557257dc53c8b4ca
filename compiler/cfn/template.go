// Package cfn holds CloudFormation templates as Go values. The compiler's passes fill a Template with typed resources;
// JSON encodes it into the bytes for review and deploy. The package knows CloudFormation and nothing of spacel.
//
// A reference is a method on the resource one holds (sg.Ref(), lb.DNSName()), so a dangling one cannot be written.
package cfn

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/pebble/spacel/internal/jsontext"
)

// Template is one CloudFormation template under construction. The zero value is ready to use.
type Template struct {
	Description string

	parameters map[string]*Parameter
	conditions map[string]*Condition
	resources  map[string]Resource
	outputs    map[string]Output
	problems   []string
}

// Resource is a pointer to one of this package's resource structs; the struct's exported fields are the resource's
// properties, spelled as CloudFormation spells them.
type Resource interface {
	// Type is CloudFormation's name of the resource type, such as AWS::EC2::VPC.
	Type() string
	attributes() *Attributes
}

// Attributes are what CloudFormation puts beside a resource's properties. Every resource struct embeds it.
type Attributes struct {
	id string

	DependsOn           []Resource
	Condition           *Condition
	CreationPolicy      *CreationPolicy
	UpdatePolicy        *UpdatePolicy
	DeletionPolicy      Policy
	UpdateReplacePolicy Policy
}

// attributes gives every resource struct that embeds Attributes the unexported method of Resource, which seals the
// interface.
func (a *Attributes) attributes() *Attributes { return a }

// ID is the logical id the resource was added under.
func (a *Attributes) ID() string { return a.id }

// Ref is {"Ref": id}. Its value differs per type: an id for most of EC2, an ARN for load balancers, a name for IAM.
func (a *Attributes) Ref() Value { return ref{a.id} }

// att returns Fn::GetAtt of one of the resource's attributes. The id is set when the resource is added to a template.
func (a *Attributes) att(name string) Value { return getAtt{[2]string{a.id, name}} }

// Policy says what happens to the physical resource when the logical one is deleted or replaced.
type Policy string

// The values of DeletionPolicy and UpdateReplacePolicy.
const (
	Delete               Policy = "Delete"
	Retain               Policy = "Retain"
	RetainExceptOnCreate Policy = "RetainExceptOnCreate"
	Snapshot             Policy = "Snapshot"
)

// CreationPolicy makes CloudFormation wait for success signals before a resource counts as created.
type CreationPolicy struct {
	ResourceSignal ResourceSignal
}

// ResourceSignal is how many signals are awaited, and for how long (an ISO 8601 duration such as PT15M).
type ResourceSignal struct {
	Count   Value
	Timeout string
}

// UpdatePolicy says how an auto scaling group takes a new launch template version.
type UpdatePolicy struct {
	AutoScalingRollingUpdate   *RollingUpdate   `json:",omitempty"`
	AutoScalingReplacingUpdate *ReplacingUpdate `json:",omitempty"`
	AutoScalingScheduledAction *ScheduledUpdate `json:",omitempty"`
}

// RollingUpdate replaces a group's instances in batches. PauseTime is ISO 8601, at most an hour.
type RollingUpdate struct {
	MaxBatchSize                  int
	MinInstancesInService         Value
	MinActiveInstancesPercent     *int `json:",omitempty"`
	MinSuccessfulInstancesPercent int  `json:",omitempty"`
	PauseTime                     string
	SuspendProcesses              []string `json:",omitempty"`
	WaitOnResourceSignals         bool
}

// ReplacingUpdate makes a whole new group and keeps the old one until the new one succeeded.
type ReplacingUpdate struct {
	WillReplace bool
}

// ScheduledUpdate protects the group's current size during an update. Without it, a stack update resets the size to the
// template's, undoing scaling policies and schedules (CloudFormation, "UpdatePolicy attribute").
type ScheduledUpdate struct {
	IgnoreUnmodifiedGroupSizeProperties bool
}

// Parameter is one of the template's parameters.
type Parameter struct {
	id string

	Type                  string
	Description           string   `json:",omitempty"`
	Default               *string  `json:",omitempty"`
	AllowedPattern        string   `json:",omitempty"`
	AllowedValues         []string `json:",omitempty"`
	ConstraintDescription string   `json:",omitempty"`
	NoEcho                bool     `json:",omitempty"`
}

// ID is the parameter's name.
func (p *Parameter) ID() string { return p.id }

// Ref is {"Ref": name}.
func (p *Parameter) Ref() Value { return ref{p.id} }

// Output is one of the template's outputs.
type Output struct {
	Description string `json:",omitempty"`
	Value       Value
	Condition   *Condition `json:",omitempty"`
	Export      *Export    `json:",omitempty"`
}

// Export is the name that other stacks of the region can import an output by.
type Export struct{ Name Value }

// Add puts a resource into the template under a logical id, and returns it for references. Check reports malformed and
// duplicate ids.
func Add[R Resource](t *Template, id string, resource R) R {
	a := resource.attributes()
	a.id = id
	if _, taken := t.resources[id]; taken {
		t.problems = append(t.problems, fmt.Sprintf("%s: two resources have this logical id", id))
	}
	set(&t.resources, id, Resource(resource))
	return resource
}

// Parameter declares a parameter and returns it. Declaring the same one again returns the first; a different one under
// the same name is reported by Check.
func (t *Template) Parameter(id string, p Parameter) *Parameter {
	p.id = id
	if old, ok := t.parameters[id]; ok {
		if !sameParameter(*old, p) {
			t.problems = append(t.problems, fmt.Sprintf("%s: two different parameters have this name", id))
		}
		return old
	}
	set(&t.parameters, id, &p)
	return &p
}

// Condition declares a named condition and returns it. Declaring it again under the same name returns the first.
func (t *Template) Condition(id string, test Test) *Condition {
	if old, ok := t.conditions[id]; ok {
		return old
	}
	c := &Condition{id: id, test: test}
	set(&t.conditions, id, c)
	return c
}

// ConditionNamed returns a declared condition, or nil.
func (t *Template) ConditionNamed(id string) *Condition { return t.conditions[id] }

// Output declares an output.
func (t *Template) Output(id string, o Output) {
	if _, taken := t.outputs[id]; taken {
		t.problems = append(t.problems, fmt.Sprintf("%s: two outputs have this name", id))
	}
	set(&t.outputs, id, o)
}

// Merge takes over all that another template holds.
func (t *Template) Merge(other *Template) {
	for _, id := range other.ParameterIDs() {
		t.Parameter(id, *other.parameters[id])
	}
	for id, c := range other.conditions {
		if t.conditions[id] == nil {
			set(&t.conditions, id, c)
		}
	}
	for _, id := range other.ResourceIDs() {
		Add(t, id, other.resources[id])
	}
	for _, id := range other.OutputIDs() {
		t.Output(id, other.outputs[id])
	}
	t.problems = append(t.problems, other.problems...)
}

// Kind describes the use of a name in the template: "the resource AWS::…", "a parameter", "a condition", or "".
func (t *Template) Kind(id string) string {
	switch {
	case t.Has(id):
		return "the resource " + t.resources[id].Type()
	case t.parameters[id] != nil:
		return "a parameter"
	case t.conditions[id] != nil:
		return "a condition"
	}
	return ""
}

// Names are all the names that may be referred to, but for CloudFormation's own, sorted.
func (t *Template) Names() []string {
	names := slices.AppendSeq(t.ResourceIDs(), maps.Keys(t.parameters))
	names = slices.AppendSeq(names, maps.Keys(t.conditions))
	slices.Sort(names)
	return names
}

// Has says whether a resource of that logical id is there.
func (t *Template) Has(id string) bool { _, ok := t.resources[id]; return ok }

// ResourceIDs lists the logical ids, sorted.
func (t *Template) ResourceIDs() []string { return slices.Sorted(maps.Keys(t.resources)) }

// Resources returns all resources by logical id. They are only read.
func (t *Template) Resources() map[string]Resource { return t.resources }

// OutputIDs lists the outputs' names, sorted.
func (t *Template) OutputIDs() []string { return slices.Sorted(maps.Keys(t.outputs)) }

// ParameterIDs lists the parameters' names, sorted.
func (t *Template) ParameterIDs() []string { return slices.Sorted(maps.Keys(t.parameters)) }

// JSON is the template as bytes: two-space indent, sorted keys, properties in the order of their structs, no HTML
// escapes, a final newline. Characters outside of ASCII are \u escapes: CloudFormation applies them as they are, but
// GetTemplate returns ? for each one, so that a deployed template could not be compared (aws-cloudformation,
// cloudformation-coverage-roadmap #1220 and #814).
func (t *Template) JSON() ([]byte, error) {
	resources := make(map[string]any, len(t.resources))
	for id, r := range t.resources {
		resources[id] = encodable(r)
	}
	body, err := jsontext.Indent(struct {
		AWSTemplateFormatVersion string
		Description              string                `json:",omitempty"`
		Parameters               map[string]*Parameter `json:",omitempty"`
		Conditions               map[string]Test       `json:",omitempty"`
		Resources                map[string]any
		Outputs                  map[string]outputJSON `json:",omitempty"`
	}{"2010-09-09", t.Description, t.parameters, tests(t.conditions), resources, outputs(t.outputs)})
	return jsontext.ASCII(body), err
}

// resourceJSON fixes the order of a resource's attributes. Properties come last, since they are the longest part.
type resourceJSON struct {
	Type                string
	DependsOn           []string        `json:",omitempty"`
	Condition           string          `json:",omitempty"`
	CreationPolicy      *CreationPolicy `json:",omitempty"`
	UpdatePolicy        *UpdatePolicy   `json:",omitempty"`
	DeletionPolicy      Policy          `json:",omitempty"`
	UpdateReplacePolicy Policy          `json:",omitempty"`
	Properties          Resource
}

// encodable returns the JSON form of a resource.
func encodable(r Resource) any {
	if raw, ok := r.(*RawResource); ok {
		return raw.body
	}
	a := r.attributes()
	return resourceJSON{r.Type(), dependencyIDs(a), a.Condition.name(), a.CreationPolicy, a.UpdatePolicy, a.DeletionPolicy,
		a.UpdateReplacePolicy, r}
}

// dependencyIDs is DependsOn as sorted ids without duplicates.
func dependencyIDs(a *Attributes) []string {
	var ids []string
	for _, r := range a.DependsOn {
		ids = append(ids, r.attributes().id)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// outputJSON is an output with its condition as a name.
type outputJSON struct {
	Description string `json:",omitempty"`
	Condition   string `json:",omitempty"`
	Value       Value
	Export      *Export `json:",omitempty"`
}

// outputs converts all outputs.
func outputs(in map[string]Output) map[string]outputJSON {
	out := make(map[string]outputJSON, len(in))
	for id, o := range in {
		out[id] = outputJSON{o.Description, o.Condition.name(), o.Value, o.Export}
	}
	return out
}

// tests converts conditions to their tests, the form of the template's Conditions section.
func tests(in map[string]*Condition) map[string]Test {
	out := make(map[string]Test, len(in))
	for id, c := range in {
		out[id] = c.test
	}
	return out
}

// sameParameter compares by value, because Default is a pointer.
func sameParameter(a, b Parameter) bool { return reflect.DeepEqual(a, b) }

// set stores into a map that may be nil, which keeps the zero Template usable.
func set[V any](m *map[string]V, key string, v V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = v
}
