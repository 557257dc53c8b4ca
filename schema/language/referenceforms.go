package language

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"cuelang.org/go/cue"
)

// forms says what may stand at a path: "text", "whole number: 0 to 10", or an object with its table.
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

func (r *reference) list(item cue.Value, path string) string {
	forms := r.forms(item, path+"[]")
	if one, ok := strings.CutPrefix(forms, "an object"); ok {
		return "a list of objects" + one
	}
	return "a list of " + forms
}

// object is an object with fields, which has a table, or one whose keys a pattern decides.
func (r *reference) object(s *typeInfo, path string) string {
	fields, err := s.object.Fields(cue.Optional(true), cue.Patterns(true))
	if err != nil || !fields.Next() {
		return "an object"
	}
	if fields.Selector().ConstraintType() == cue.PatternConstraint {
		return r.keyed(s, fields.Value(), path)
	}
	t := r.table(definitionOf(s.object), s.object, path)
	return fmt.Sprintf("an object, [%s](#%s)", t.title, anchor(t.title))
}

// keyed is an object whose keys a pattern decides.
func (r *reference) keyed(s *typeInfo, value cue.Value, path string) string {
	keys := s.keys
	if keys == "" {
		keys = "any text"
	}
	return fmt.Sprintf("an object; each key: %s; each value: %s", escape(keys), r.forms(value, path+"."+placeholder(path)))
}

// placeholder stands for a key in the path of what it holds.
func placeholder(path string) string {
	switch path {
	case "public_ports", "private_ports":
		return "<port>"
	case "services":
		return "<unit>"
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

// scalar says which texts and numbers will do: the words of error("must be …"), or the values when there are but a few.
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

// shortened are words without the list that ends them, when they have one.
func shortened(words string) (short string, long bool) {
	for _, before := range []string{" (or ", ": "} {
		if short, _, long = strings.Cut(words, before); long {
			return short, true
		}
	}
	return words, false
}

// accepted are a definition's words, after the kind of value where they don't name it.
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

// values are those of an enumeration; none when other values will do too. A number's text in quotes goes without saying.
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

// either lists values: a, b or c.
func either(values []string) string {
	last := len(values) - 1
	if last == 0 {
		return values[0]
	}
	return strings.Join(values[:last], ", ") + " or " + values[last]
}
