package cfn

import "github.com/pebble/spacel/internal/jsontext"

// RawResource is a resource in CloudFormation's own syntax: one from the manifest, of any type, or a typed one after a
// patch. Its body holds everything, including DependsOn and Condition, so Attributes stays empty.
type RawResource struct {
	Attributes `json:"-"`

	body *object
}

// rawOrder is the order in which a resource's own attributes are written. What else there is follows.
var rawOrder = []string{"Type", "DependsOn", "Condition", "CreationPolicy", "UpdatePolicy", "DeletionPolicy", "UpdateReplacePolicy",
	"Properties"}

// NewRawResource makes a resource of its Type, Properties and so on.
func NewRawResource(body map[string]any) *RawResource {
	o := &object{}
	for _, name := range rawOrder {
		if v, ok := body[name]; ok {
			o.set(name, ordered(v))
		}
	}
	all := ordered(body).(*object)
	for _, name := range all.names {
		o.set(name, all.values[name])
	}
	return &RawResource{body: o}
}

// Type returns the Type in the body.
func (r *RawResource) Type() string {
	kind, _ := r.body.values["Type"].(string)
	return kind
}

// properties are the body's Properties.
func (r *RawResource) properties() *object {
	if p, ok := r.body.values["Properties"].(*object); ok {
		return p
	}
	return &object{}
}

// raw replaces a typed resource by its own JSON, so that a patch can set properties that the struct has no field for.
func (t *Template) raw(id string) (*RawResource, error) {
	if r, ok := t.resources[id].(*RawResource); ok {
		return r, nil
	}
	body, err := jsontext.Indent(encodable(t.resources[id]))
	if err != nil {
		return nil, err
	}
	decoded, err := decode(body)
	if err != nil {
		return nil, err
	}
	r := &RawResource{body: decoded.(*object)}
	r.id = id
	t.resources[id] = r
	return r, nil
}
