package language

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"cuelang.org/go/cue"
)

// forms describes the accepted values of a field: "text", "whole number: 0 to 10", or an object with a link to
// its table.
func (r *reference) forms(v cue.Value, path string) string {
	s := r.language.typeInfo(v)
	if s.anything {
		return "anything"
	}
	var forms []string
	if scalar := r.scalar(s); scalar != "" {
		forms = append(forms, scalar)
	}
	if s.items.Exists() {
		forms = append(forms, r.list(s.items.LookupPath(cue.MakePath(cue.AnyIndex)), path))
	}
	if s.object.Exists() {
		forms = append(forms, r.object(s, path))
	}
	return strings.Join(forms, "; or ")
}

// list describes a list by its items.
func (r *reference) list(item cue.Value, path string) string {
	forms := r.forms(item, path+"[]")
	if one, ok := strings.CutPrefix(forms, "an object"); ok {
		return "a list of objects" + one
	}
	return "a list of " + forms
}

// object describes an object: by a link to the table of its fields or, if a pattern allows any keys, by its keys
// and values.
func (r *reference) object(s *typeInfo, path string) string {
	fields, err := s.object.Fields(cue.Optional(true), cue.Patterns(true))
	if err != nil || !fields.Next() {
		return "an object"
	}
	// The first field decides: no definition has both a pattern for keys and fields with fixed names.
	if fields.Selector().ConstraintType() == cue.PatternConstraint {
		return r.keyed(s, fields.Value(), path)
	}
	t := r.table(definitionOf(s.object), s.object, path)
	return fmt.Sprintf("an object, [%s](#%s)", t.title, anchor(t.title))
}

// keyed describes an object whose keys are free.
func (r *reference) keyed(s *typeInfo, value cue.Value, path string) string {
	keys := s.keys
	if keys == "" {
		keys = "any text"
	}
	return fmt.Sprintf("an object; each key: %s; each value: %s", escape(keys), r.forms(value, path+"."+placeholder(path)))
}

// placeholder returns the placeholder for a free key in a path, such as <port>.
func placeholder(path string) string {
	switch path {
	case "public_ports", "private_ports":
		return "<port>"
	case "services":
		return "<unit>"
	case "registries":
		return "<host>"
	case "volumes":
		return "<label>"
	case "patch":
		return "<id>"
	}
	if strings.HasPrefix(path, "resources.") {
		return "<id>"
	}
	return "<name>"
}

// scalar describes strings, numbers and booleans: by their values if there are few, else by the words of
// error("must be …"). Long words that several fields share are linked to a table of their own.
func (r *reference) scalar(s *typeInfo) string {
	forms := slices.DeleteFunc(slices.Clone(s.scalar), func(v cue.Value) bool { return v.IncompleteKind() == cue.BottomKind })
	if len(forms) == 0 {
		return ""
	}
	definition := definitionOf(forms[0])
	if short, long := shortened(strings.Join(s.words(), " or ")); long && definition != "" {
		r.shared[definition] = r.accepted(s)
		return fmt.Sprintf("[%s](#%s)", escape(short), anchor(sharedTitle))
	}
	if values := r.values(forms); values != nil {
		return either(values)
	}
	return r.accepted(s)
}

// shortened returns words without the list at their end, and whether there was one.
func shortened(words string) (short string, long bool) {
	for _, before := range []string{" (or ", ": "} {
		if short, _, long = strings.Cut(words, before); long {
			return short, true
		}
	}
	return words, false
}

// accepted returns a definition's words, preceded by the kind of value unless the words name it.
func (r *reference) accepted(s *typeInfo) string {
	var kinds cue.Kind
	for _, form := range s.scalar {
		kinds |= form.IncompleteKind()
	}
	words := strings.Join(s.words(), " or ")
	switch {
	case words == kindWords(kinds):
		return strings.NewReplacer("a string", "text", "a number", "number").Replace(words)
	case strings.HasPrefix(words, "a string "):
		return "text " + escape(strings.TrimPrefix(words, "a string "))
	case kinds == cue.StringKind:
		return "text: " + escape(words)
	case unicode.IsDigit(rune(words[0])):
		return "whole number: " + escape(words)
	}
	return escape(words)
}

// values returns the values of an enumeration, none if other values are accepted too. A number and its quoted form
// are one value.
func (r *reference) values(forms []cue.Value) (values []string) {
	for _, form := range forms {
		inner, ok := r.constants(form)
		if !ok {
			return nil
		}
		values = append(values, inner...)
	}
	var distinct []string
	for _, v := range values {
		if v = code(v); !slices.Contains(distinct, v) {
			distinct = append(distinct, v)
		}
	}
	return distinct
}

// constants returns the concrete values among a value's alternatives. It reports false if an alternative is not
// concrete.
func (r *reference) constants(v cue.Value) (values []string, only bool) {
	if name := definitionOf(v); name != "" {
		return r.constants(r.language.definition(name))
	}
	if v.IsConcrete() {
		return []string{plain(v).Text}, true
	}
	op, args := v.Expr()
	if op == cue.CallOp {
		op, args = v.Eval().Expr()
	}
	if op != cue.OrOp {
		return nil, false
	}
	for _, a := range args {
		if a.IncompleteKind() == cue.BottomKind {
			continue
		}
		inner, ok := r.constants(a)
		if !ok {
			return nil, false
		}
		values = append(values, inner...)
	}
	return values, true
}

// either joins values: a, b or c.
func either(values []string) string {
	last := len(values) - 1
	if last == 0 {
		return values[0]
	}
	return strings.Join(values[:last], ", ") + " or " + values[last]
}
