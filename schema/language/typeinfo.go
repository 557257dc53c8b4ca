package language

import (
	"fmt"

	"cuelang.org/go/cue"
)

// typeInfo describes a CUE definition for a walk over a manifest: the kinds of values it accepts, and the types of
// the values inside. It is computed on demand and cached, because most manifests use few of the definitions.
type typeInfo struct {
	of     *definitions
	kinds  cue.Kind
	scalar []cue.Value // the forms that are neither object nor list
	object cue.Value   // the form that is an object, if there is one
	items  cue.Value   // the form that is a list, if there is one

	anything bool // nothing is asked of what is there

	keys    string // what a key has to be, in words, where a pattern decides
	secret  bool   // no message may show what is there
	text    bool   // free text is there: line breaks and all other characters
	flag    bool   // yes or no: boolean words are understood
	numeric bool   // a number: numbers in quotes are understood

	fields map[string]*typeInfo // nil: there is no such field
	item   *typeInfo

	allNames, required []string // of known, which computes them once
}

// typeInfo analyses a CUE value. Words for true and false are accepted unless a definition accepts any string:
// "yes" in an environment variable must stay text.
func (l *definitions) typeInfo(v cue.Value) *typeInfo {
	s := &typeInfo{of: l, kinds: v.IncompleteKind(), fields: map[string]*typeInfo{}}
	if a := v.Attribute("keys"); a.Err() == nil {
		s.keys, _ = a.String(0)
	}
	secret, text := v.Attribute("secret"), v.Attribute("text")
	s.secret, s.text = secret.Err() == nil, text.Err() == nil
	if s.anything = s.kinds == cue.TopKind; s.anything {
		return s
	}
	s.split(v)
	s.flag = s.kinds&cue.BoolKind != 0 && !s.anyText()
	s.numeric = s.kinds&cue.NumberKind != 0 && !s.flag && !s.anyText()
	return s
}

// split sorts the alternatives of a definition into scalars, one object and one list. A definition has at most one
// of each of the latter.
func (s *typeInfo) split(v cue.Value) {
	switch kinds := v.IncompleteKind(); {
	case kinds&(cue.StructKind|cue.ListKind) == 0:
		s.scalar = append(s.scalar, v)
	case kinds == cue.StructKind:
		s.object = v
	case kinds == cue.ListKind:
		s.items = v
	default:
		op, alternatives := v.Expr()
		if op != cue.OrOp {
			// A reference to a definition (#Port) has its alternatives in the definition.
			op, alternatives = cue.Dereference(v).Expr()
		}
		if op != cue.OrOp {
			panic(fmt.Sprintf("%v %v %v is neither one kind of value nor alternatives", v.Path(), op, v))
		}
		for _, a := range alternatives {
			s.split(a)
		}
	}
}

// anyText reports whether a definition that accepts numbers or booleans accepts any string, too.
func (s *typeInfo) anyText() bool {
	if s.kinds&(cue.NumberKind|cue.BoolKind) == 0 {
		return false
	}
	// No pattern or list of words in the definitions accepts this text, so only "any string" does.
	any := s.of.context.Encode("\x00")
	for _, form := range s.scalar {
		if form.Unify(any).Err() == nil {
			return true
		}
	}
	return false
}

// field returns the type of a key's value, nil if the key is unknown.
func (s *typeInfo) field(key string) *typeInfo {
	if known, ok := s.fields[key]; ok {
		return known
	}
	var found *typeInfo
	if s.object.Exists() {
		// Optional also finds required fields and the values of patterns, for keys that the user chooses.
		if v := s.object.LookupPath(cue.MakePath(cue.Str(key).Optional())); v.Exists() {
			found = s.of.typeInfo(v)
		}
	}
	s.fields[key] = found
	return found
}

// element returns the type of a list's items.
func (s *typeInfo) element() *typeInfo {
	if s.item == nil && s.items.Exists() {
		s.item = s.of.typeInfo(s.items.LookupPath(cue.MakePath(cue.AnyIndex)))
	}
	return s.item
}

// known returns the names of an object's fields, and of the required ones.
func (s *typeInfo) known() (names, required []string) {
	if s.allNames != nil || !s.object.Exists() {
		return s.allNames, s.required
	}
	fields, err := s.object.Fields(cue.Optional(true))
	if err != nil {
		return nil, nil
	}
	for fields.Next() {
		name := fields.Selector().Unquoted()
		s.allNames = append(s.allNames, name)
		if fields.Selector().ConstraintType() == cue.RequiredConstraint {
			s.required = append(s.required, name)
		}
	}
	return s.allNames, s.required
}
