package cfn

import (
	"slices"
	"strings"
)

// Reference is the name of a resource, parameter or condition, and the path of the function that refers to it.
type Reference struct {
	Path Path
	Name string
}

// References lists the names in the value's intrinsic functions.
func (r Raw) References() []Reference {
	var all []Reference
	rawReferences(r.data, nil, func(at Path, name string) { all = append(all, Reference{at, name}) })
	return all
}

// References lists the names in the resource's functions, DependsOn and Condition.
func (r *RawResource) References() []Reference {
	all := Raw{r.body}.References()
	if name, ok := r.body.values["Condition"].(string); ok {
		all = append(all, Reference{Path{{Name: "Condition"}}, name})
	}
	switch on := r.body.values["DependsOn"].(type) {
	case string:
		all = append(all, Reference{Path{{Name: "DependsOn"}}, on})
	case []any:
		for i, name := range on {
			if name, ok := name.(string); ok {
				all = append(all, Reference{Path{{Name: "DependsOn"}, {Index: i}}, name})
			}
		}
	}
	return all
}

// rawReferences calls found for each name in an intrinsic function.
func rawReferences(v any, at Path, found func(Path, string)) {
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			rawReferences(item, at.with(Step{Index: i}), found)
		}
	case *object:
		if len(v.names) == 1 && intrinsic(v.names[0], v.values[v.names[0]], at.with(Step{Name: v.names[0]}), found) {
			return
		}
		for _, name := range v.names {
			rawReferences(v.values[name], at.with(Step{Name: name}), found)
		}
	}
}

// with returns a longer path. Clip forces append to copy, because sibling paths share the prefix.
func (p Path) with(s Step) Path { return append(slices.Clip(p), s) }

// intrinsic finds what one function refers to. It says no when the function's arguments are to be looked at like any value.
func intrinsic(name string, argument any, at Path, found func(Path, string)) bool {
	text, isText := argument.(string)
	list, _ := argument.([]any)
	switch {
	case (name == "Ref" || name == "Condition") && isText:
		found(at, text)
	case name == "Fn::GetAtt" && isText:
		id, _, _ := strings.Cut(text, ".")
		found(at, id)
	case name == "Fn::GetAtt" && len(list) > 0:
		if id, ok := list[0].(string); ok {
			found(at, id)
		}
	case name == "Fn::Sub" && isText:
		subReferences(text, func(id string) { found(at, id) })
	case name == "Fn::Sub" && len(list) == 2:
		subList(list, at, found)
	// The first argument names a condition. The caller goes on with the branches.
	case name == "Fn::If" && len(list) > 0:
		if id, ok := list[0].(string); ok {
			found(at, id)
		}
		return false
	default:
		return false
	}
	return true
}

// subList is Fn::Sub with names of its own.
func subList(list []any, at Path, found func(Path, string)) {
	own, _ := list[1].(*object)
	rawReferences(list[1], at.with(Step{Index: 1}), found)
	text, _ := list[0].(string)
	subReferences(text, func(id string) {
		if own != nil {
			if _, ok := own.values[id]; ok {
				return
			}
		}
		found(at.with(Step{Index: 0}), id)
	})
}
