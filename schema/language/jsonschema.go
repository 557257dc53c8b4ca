package language

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/errors"

	"github.com/pebble/spacel/internal/jsontext"
	"github.com/pebble/spacel/schema/manifest"
)

// JSONSchema returns the JSON Schema (draft 2020-12) of an orbit's or an app's manifest, for editors that complete
// and check JSON and YAML while it is typed. It is generated from the definitions, and accepts every manifest that
// they accept. Rules between two fields are checked by a build only. examples holds examples/*.yaml.
//
// CUE's own generator is not used. It closes definitions that embed others, and omits the fields of a definition
// with a pattern.
func JSONSchema(files, examples fs.FS, of string) ([]byte, error) {
	name, ok := map[string]string{"orbit": "Orbit", "app": "App"}[of]
	if !ok {
		return nil, fmt.Errorf("unknown manifest %q: must be orbit or app", of)
	}
	l, err := compileDefinitions(files)
	if err != nil {
		return nil, err
	}
	facts, err := l.facts()
	if err != nil {
		return nil, err
	}
	w := &schemaWriter{root: l.root, facts: facts, definitions: map[string]jsonSchema{}}
	root := w.manifest(name)
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$id"] = "https://" + manifest.ImportPath + "/" + of + "-" + Version + ".schema.json"
	root["title"] = "spacel " + of
	root["$defs"] = w.definitions
	if err := w.addExamples(root, examples); err != nil {
		return nil, err
	}
	return jsontext.Indent(root)
}

// jsonSchema is one schema: keywords and their values. encoding/json writes maps sorted by key, so the output is stable.
type jsonSchema map[string]any

// schemaWriter converts definitions into schemas. Definitions in use are collected for $defs.
type schemaWriter struct {
	root        cue.Value
	facts       *Facts
	definitions map[string]jsonSchema
}

// regionName is the definition of a region's name. Its schema lists all regions, so that editors can complete them.
const regionName = "Region"

// manifest returns the schema of a whole manifest. Each AWS region is a property.
func (w *schemaWriter) manifest(name string) jsonSchema {
	s := w.describe(w.lookup(name), w.object(w.lookup(name), name))
	regions := w.lookup(name).LookupPath(cue.MakePath(cue.Str("regions").Optional()))
	list := w.describe(regions, jsonSchema{"type": "array", "items": w.reference(regionName)})
	s["properties"].(map[string]jsonSchema)["regions"] = nullable(list)
	return s
}

// lookup returns the definition of a name, without the # of CUE.
func (w *schemaWriter) lookup(name string) cue.Value {
	return w.root.LookupPath(cue.MakePath(cue.Def(name)))
}

// of returns the schema of a value, which is a $ref if the value refers to a definition.
func (w *schemaWriter) of(v cue.Value) jsonSchema {
	if _, path := v.ReferencePath(); len(path.Selectors()) == 1 && path.Selectors()[0].IsDefinition() {
		return w.reference(strings.TrimPrefix(path.String(), "#"))
	}
	return w.form(v, "")
}

// reference returns a $ref to a definition, and converts the definition on first use. The entry is made before the
// conversion, because a definition may refer to itself.
func (w *schemaWriter) reference(name string) jsonSchema {
	if _, known := w.definitions[name]; !known {
		w.definitions[name] = nil // a definition may refer to itself
		w.definitions[name] = w.define(name)
	}
	return jsonSchema{"$ref": "#/$defs/" + name}
}

// define converts a definition. The regions are an enum and not CUE's pattern, so that editors can offer them.
func (w *schemaWriter) define(name string) jsonSchema {
	v := w.lookup(name)
	if name == regionName {
		return jsonSchema{"enum": w.facts.RegionNames(), "description": "A region of AWS."}
	}
	return w.describe(v, w.form(v, name))
}

// form returns the schema of a value itself, by its operator: a disjunction becomes anyOf, a conjunction allOf.
// The name is the definition's, "" for other values.
func (w *schemaWriter) form(v cue.Value, name string) jsonSchema {
	switch v.IncompleteKind() {
	case cue.StructKind:
		return w.object(v, name)
	case cue.ListKind:
		return w.list(v)
	}
	op, args := v.Expr()
	switch op {
	case cue.OrOp:
		return w.anyOf(args)
	case cue.AndOp:
		return w.allOf(args)
	// JSON Schema searches for a pattern anywhere in a string, as CUE's =~ does, so the expression stays the same.
	case cue.RegexMatchOp:
		return jsonSchema{"type": "string", "pattern": portable(constant(args[0]))}
	// A call such as or([…]) is evaluated first: only its result shows the alternatives.
	case cue.CallOp:
		if evaluated := v.Eval(); isUnion(evaluated) {
			return w.form(evaluated, name)
		}
	}
	if keyword, ok := bounds[op]; ok {
		return jsonSchema{keyword: constant(args[0])}
	}
	if v.IsConcrete() {
		return jsonSchema{"const": constant(v)}
	}
	return kinds(v.IncompleteKind())
}

// portable rewrites an expression for the dialects of JavaScript and Python, which do not know classes such as \p{L}. In a class
// with letters, spaces and digits of all scripts, the other characters of ASCII are excluded in their place.
func portable(expression any) any {
	text, ok := expression.(json.RawMessage)
	var plain string
	if !ok || json.Unmarshal(text, &plain) != nil {
		return expression
	}
	converted := strings.ReplaceAll(plain, `[\p{L}\p{Z}\p{N}_.:/=+@-]`, "[^\x00-\x1f!\"#$%&'()*,;<>?\\[\\\\\\]^`{|}~\x7f]")
	if converted == plain {
		return expression
	}
	data, err := json.Marshal(converted)
	if err != nil {
		return expression
	}
	return json.RawMessage(data)
}

// bounds maps CUE's comparisons to keywords.
var bounds = map[cue.Op]string{
	cue.GreaterThanEqualOp: "minimum", cue.GreaterThanOp: "exclusiveMinimum",
	cue.LessThanEqualOp: "maximum", cue.LessThanOp: "exclusiveMaximum",
}

// isUnion reports whether a value is a disjunction, at its top.
func isUnion(v cue.Value) bool {
	op, _ := v.Expr()
	return op == cue.OrOp
}

// constant returns a concrete value as JSON, nil if it is not concrete.
func constant(v cue.Value) any {
	data, err := v.MarshalJSON()
	if err != nil {
		return nil
	}
	return json.RawMessage(data)
}

// kinds returns the schema of a value of which only the kind is known.
func kinds(k cue.Kind) jsonSchema {
	if k == cue.TopKind {
		return jsonSchema{}
	}
	var types []string
	for _, known := range []struct {
		kind cue.Kind
		name string
	}{{cue.StringKind, "string"}, {cue.BoolKind, "boolean"}, {cue.StructKind, "object"}, {cue.ListKind, "array"}, {cue.NullKind, "null"}} {
		if k&known.kind != 0 {
			types = append(types, known.name)
		}
	}
	if k&cue.FloatKind != 0 {
		types = append(types, "number")
	} else if k&cue.IntKind != 0 {
		types = append(types, "integer")
	}
	if len(types) == 1 {
		return jsonSchema{"type": types[0]}
	}
	return jsonSchema{"type": types}
}

// anyOf joins alternatives. Single values are joined into one enum. error() matches nothing, and is left out.
func (w *schemaWriter) anyOf(args []cue.Value) jsonSchema {
	var alternatives []jsonSchema
	var values []any
	for _, a := range args {
		if a.IncompleteKind() == cue.BottomKind {
			continue
		}
		s := w.of(a)
		if value, single := s["const"]; single {
			values = append(values, value)
			continue
		}
		if more, union := s["anyOf"].([]jsonSchema); union && len(s) == 1 {
			alternatives = append(alternatives, more...)
			continue
		}
		if more, union := s["enum"].([]any); union && len(s) == 1 {
			values = append(values, more...)
			continue
		}
		alternatives = append(alternatives, s)
	}
	quotedRange(alternatives)
	if values != nil {
		alternatives = append([]jsonSchema{{"enum": values}}, alternatives...)
	}
	addMessage(alternatives, args)
	if len(alternatives) == 1 {
		return alternatives[0]
	}
	return jsonSchema{"anyOf": alternatives}
}

// addMessage adds the text of a definition's error() to each alternative. The language servers of VS Code for JSON and for YAML
// show errorMessage in place of words of their own, at the alternative that they compare a value with.
func addMessage(alternatives []jsonSchema, args []cue.Value) {
	for _, a := range args {
		if a.IncompleteKind() != cue.BottomKind {
			continue
		}
		for _, e := range errors.Errors(a.Err()) {
			format, args := e.Msg()
			for _, s := range alternatives {
				if s["$ref"] == nil {
					s["errorMessage"] = fmt.Sprintf(format, args...)
				}
			}
		}
	}
}

// quotedRange narrows the alternative for a number in quotes to the range of the plain number next to it.
func quotedRange(alternatives []jsonSchema) {
	for _, s := range alternatives {
		low, lowest := integer(s["minimum"])
		high, highest := integer(s["maximum"])
		if s["type"] != "integer" || !lowest || !highest || low < 0 {
			continue
		}
		for i, digits := range alternatives {
			if digits["$ref"] == "#/$defs/Digits" {
				alternatives[i] = jsonSchema{"type": "string", "pattern": "^0*(" + strings.Join(numerals(low, high), "|") + ")$"}
			}
		}
	}
}

// integer decodes a bound as a whole number. It reports false if the bound is none.
func integer(constant any) (n int, ok bool) {
	written, ok := constant.(json.RawMessage)
	return n, ok && json.Unmarshal(written, &n) == nil
}

// numerals returns regular expressions that together match the numbers from low to high: 8, 9, [1-9][0-9], 100 …
func numerals(low, high int) (expressions []string) {
	for low <= high {
		unit := 1 // as large a block of numbers as begins here
		for low >= unit*10 && low%(unit*10) == 0 && low+unit*10-1 <= high {
			unit *= 10
		}
		first := low / unit % 10
		last := min(9, first+(high-low+1)/unit-1)
		expression := fmt.Sprintf("[%d-%d]", first, last)
		if last == first {
			expression = fmt.Sprint(first)
		}
		if rest := low / unit / 10; rest > 0 {
			expression = fmt.Sprint(rest) + expression
		}
		expressions = append(expressions, expression+strings.Repeat("[0-9]", len(fmt.Sprint(unit))-1))
		low += (last - first + 1) * unit
	}
	return expressions
}

// allOf joins constraints into one schema. Only constraints that use the same keyword with another value need
// allOf.
func (w *schemaWriter) allOf(args []cue.Value) jsonSchema {
	joined := jsonSchema{}
	var others []jsonSchema
	for _, a := range args {
		s := w.of(a)
		if joined["type"] == "number" && s["type"] == "integer" {
			delete(joined, "type")
		}
		if joined["type"] == "integer" && s["type"] == "number" {
			delete(s, "type")
		}
		if overlap(joined, s) {
			others = append(others, s)
			continue
		}
		for keyword, value := range s {
			joined[keyword] = value
		}
	}
	if others != nil {
		return jsonSchema{"allOf": append(others, joined)}
	}
	return joined
}

// overlap reports whether two schemas have a keyword with different values. One map can hold only one of the two values.
func overlap(a, b jsonSchema) bool {
	for keyword, value := range b {
		if had, ok := a[keyword]; ok && fmt.Sprint(had) != fmt.Sprint(value) {
			return true
		}
	}
	return false
}

// list returns the schema of a list.
func (w *schemaWriter) list(v cue.Value) jsonSchema {
	s := jsonSchema{"type": "array"}
	if item := v.LookupPath(cue.MakePath(cue.AnyIndex)); item.Exists() && item.IncompleteKind() != cue.TopKind {
		s["items"] = w.of(item)
	}
	return s
}

// object returns the schema of an object. All fields but the required ones may be null, which means absent.
func (w *schemaWriter) object(v cue.Value, name string) jsonSchema {
	s := jsonSchema{"type": "object"}
	if !v.Allows(cue.AnyString) {
		s["additionalProperties"] = false
	}
	fields, err := v.Fields(cue.Optional(true), cue.Patterns(true))
	if err != nil {
		return s
	}
	properties, patterns, required := map[string]jsonSchema{}, map[string]jsonSchema{}, []string{}
	for fields.Next() {
		selector, value := fields.Selector(), fields.Value()
		if selector.LabelType() == cue.StringLabel && selector.ConstraintType() != cue.PatternConstraint {
			key := selector.Unquoted()
			field := w.field(value, name, key)
			if selector.ConstraintType() == cue.RequiredConstraint {
				required = append(required, key)
			} else {
				field = nullable(field)
			}
			properties[key] = field
			continue
		}
		w.pattern(s, selector.Pattern(), nullable(w.of(value)), properties, patterns)
	}
	// Empty keywords are left out: they would only make the file larger.
	for keyword, schemas := range map[string]map[string]jsonSchema{"properties": properties, "patternProperties": patterns} {
		if len(schemas) > 0 {
			s[keyword] = schemas
		}
	}
	if len(required) > 0 {
		slices.Sort(required)
		s["required"] = required
	}
	return s
}

// field returns the schema of a field, with its description and its default. Editors show both while a user types.
func (w *schemaWriter) field(v cue.Value, definition, key string) jsonSchema {
	s := w.describe(v, w.of(v))
	if value := w.facts.Defaults.Lookup(defaultsOf(definition)).Lookup(key); value != nil {
		s["default"] = value.Data()
	}
	return s
}

// pattern adds the keys of a pattern: any string, the regions, or a regular expression.
func (w *schemaWriter) pattern(s jsonSchema, keys cue.Value, value jsonSchema, properties, patterns map[string]jsonSchema) {
	switch expression := w.expression(keys); expression {
	case "":
		s["additionalProperties"] = value
	case w.expression(w.lookup(regionName)):
		for _, region := range w.facts.RegionNames() {
			properties[region] = value
		}
	default:
		patterns[expression] = value
	}
}

// expression returns the regular expression for a string, "" for any string.
func (w *schemaWriter) expression(v cue.Value) (expression string) {
	if written, ok := w.form(v, "")["pattern"].(json.RawMessage); ok {
		_ = json.Unmarshal(written, &expression) // it is a string of CUE's
	}
	return expression
}

// definitionName matches a definition's name in a doc comment.
var definitionName = regexp.MustCompile(`#([A-Z])`)

// describe adds a description: the doc comment, and the rule for keys.
func (w *schemaWriter) describe(v cue.Value, s jsonSchema) jsonSchema {
	words := comment(v)
	// The attribute @keys("…") of a definition says in words which keys a map takes, since a pattern alone is hard to read.
	if a := v.Attribute("keys"); a.Err() == nil {
		if keys, err := a.String(0); err == nil {
			words = append(words, "Each key is", keys+".")
		}
	}
	if len(words) > 0 {
		s["description"] = strings.Join(words, " ")
	}
	return s
}

// comment returns the words of a value's doc comment, without the # of definitions.
func comment(v cue.Value) (words []string) {
	for _, group := range v.Doc() {
		words = append(words, strings.Fields(definitionName.ReplaceAllString(group.Text(), "$1"))...)
	}
	return words
}

// nullable lets a field be null, too. Description and default stay at the top, where editors look for them.
func nullable(s jsonSchema) jsonSchema {
	n := jsonSchema{}
	for _, keyword := range []string{"description", "default"} {
		if value, ok := s[keyword]; ok {
			n[keyword] = value
			delete(s, keyword)
		}
	}
	if alternatives, union := s["anyOf"].([]jsonSchema); union && len(s) == 1 {
		n["anyOf"] = append(slices.Clone(alternatives), jsonSchema{"type": "null"})
		return n
	}
	n["anyOf"] = []jsonSchema{s, {"type": "null"}}
	return n
}

// wordEnd matches the end of a word in a camel case name.
var wordEnd = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// defaultsOf returns the key of a definition's defaults in defaults.cue: app for AppSection, root_volume for
// RootVolume.
func defaultsOf(definition string) string {
	return strings.ToLower(wordEnd.ReplaceAllString(strings.TrimSuffix(definition, "Section"), "${1}_$2"))
}
