package cfn

import (
	"fmt"
	"maps"
	"slices"
)

// Set sets a value within a resource of the template. All on the way to it must be there; an item is added to a list by the
// number after its last.
func (t *Template) Set(id string, path Path, v Raw) error {
	return t.change(id, path, func(at any, last Step, so Path) (any, error) {
		switch at := at.(type) {
		case *object:
			if last.Name != "" {
				at.set(last.Name, v.data)
				return at, nil
			}
		case []any:
			if last.Name == "" && last.Index < len(at) {
				at[last.Index] = v.data
				return at, nil
			}
			// The index after the last item appends, so a user can add a rule without copying the list.
			if last.Name == "" && last.Index == len(at) {
				return append(at, v.data), nil
			}
		}
		return nil, unfit(at, last, so)
	})
}

// Remove takes a value out of a resource of the template.
func (t *Template) Remove(id string, path Path) error {
	return t.change(id, path, func(at any, last Step, so Path) (any, error) {
		if _, err := inside(at, last, so); err != nil {
			return nil, err
		}
		if o, ok := at.(*object); ok {
			o.remove(last.Name)
			return o, nil
		}
		return slices.Delete(at.([]any), last.Index, last.Index+1), nil
	})
}

// change applies a function to the object or list that contains the path's last step.
func (t *Template) change(id string, path Path, with func(at any, last Step, so Path) (any, error)) error {
	if len(path) == 1 && path[0].Name == "Type" {
		return fmt.Errorf("a resource's Type cannot be changed")
	}
	r, err := t.raw(id)
	if err != nil {
		return err
	}
	_, err = changed(r.body, path, 0, with)
	return err
}

// changed returns the value with the change made at the path. Appending to a list gives a new slice, so every level
// stores its child again.
func changed(at any, path Path, depth int, with func(any, Step, Path) (any, error)) (any, error) {
	s, so := path[depth], path[:depth]
	if depth == len(path)-1 {
		return with(at, s, so)
	}
	inner, err := inside(at, s, so)
	if err != nil {
		return nil, err
	}
	inner, err = changed(inner, path, depth+1, with)
	if err != nil {
		return nil, err
	}
	if o, ok := at.(*object); ok {
		o.set(s.Name, inner)
	} else {
		at.([]any)[s.Index] = inner
	}
	return at, nil
}

// inside returns the value that one step leads to.
func inside(at any, s Step, so Path) (any, error) {
	switch at := at.(type) {
	case *object:
		if inner, ok := at.values[s.Name]; ok && s.Name != "" {
			return inner, nil
		}
	case []any:
		if s.Name == "" && s.Index < len(at) {
			return at[s.Index], nil
		}
	}
	return nil, unfit(at, s, so)
}

// PathError is a path that leads nowhere.
type PathError struct {
	At    Path     // as far as it leads
	Next  string   // what isn't there
	Holds string   // the kind of value at At: an object, a list of 3, a single value
	Names []string // of an object's members
}

// Error names the longest existing prefix of the path, and the kind of value found there.
func (e *PathError) Error() string {
	if len(e.At) == 0 {
		return fmt.Sprintf("the resource has no %s", e.Next)
	}
	return fmt.Sprintf("%s is %s and has no %s", e.At, e.Holds, e.Next)
}

// unfit makes the error for a step that does not fit the value it meets.
func unfit(at any, s Step, so Path) error {
	e := &PathError{At: so, Next: s.Name, Holds: "a single value"}
	if s.Name == "" {
		e.Next = fmt.Sprintf("[%d]", s.Index)
	}
	switch at := at.(type) {
	case *object:
		e.Holds, e.Names = "an object", slices.Sorted(maps.Keys(at.values))
	case []any:
		e.Holds = fmt.Sprintf("a list of %d", len(at))
	}
	return e
}
