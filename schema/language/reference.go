package language

import (
	"fmt"
	"io/fs"
	"strings"
	"unicode"

	"cuelang.org/go/cue"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// Reference returns docs/reference.md: tables of all fields of a manifest, in markdown. Types, defaults and
// descriptions come from the definitions, and the tables of metrics and engines from the data. examples holds
// examples/*.yaml.
func Reference(files, examples fs.FS) ([]byte, error) {
	l, err := compileDefinitions(files)
	if err != nil {
		return nil, err
	}
	facts, err := l.facts()
	if err != nil {
		return nil, err
	}
	r := &reference{examples: examples, language: l, facts: facts, tables: map[string]*fieldTable{}, shared: map[string]string{}}
	for _, name := range []string{"Orbit", "App"} {
		r.table(name, l.definition(name), "")
	}
	return r.document(), nil
}

// reference collects one table for each definition with fields, in the order of first use.
type reference struct {
	examples fs.FS // examples/*.yaml; defaultsOf a definition is the file's name
	language *definitions
	facts    *Facts
	tables   map[string]*fieldTable
	order    []*fieldTable
	shared   map[string]string // definitions of scalars that are too long to be said in each row, with what they accept
}

// fieldTable is the table of one definition.
type fieldTable struct {
	definition string
	title      string // where it stands: databases.<name>
	about      string
	rows       []fieldRow
}

// fieldRow is the row of one field. Each column is markdown.
type fieldRow struct{ field, forms, standard, about string }

// definition returns the definition of this name.
func (l *definitions) definition(name string) cue.Value {
	return l.root.LookupPath(cue.MakePath(cue.Def(name)))
}

// definitionOf returns the name of the definition behind a value, "" if there is none.
func definitionOf(v cue.Value) string {
	_, path := v.ReferencePath()
	if selectors := path.Selectors(); len(selectors) == 1 && selectors[0].IsDefinition() {
		return strings.TrimPrefix(path.String(), "#")
	}
	return ""
}

// table returns a definition's table, and makes it on first use. A region's pattern comes last in the table.
func (r *reference) table(definition string, v cue.Value, path string) *fieldTable {
	if known, ok := r.tables[definition]; ok {
		return known
	}
	t := &fieldTable{
		definition: definition, title: titleOf(definition, path),
		about: definitionAbout(definition, r.language.definition(definition)),
	}
	r.tables[definition] = t
	r.order = append(r.order, t)
	if isWhole(definition) || strings.HasSuffix(definition, "Section") {
		path = "" // the paths below begin in a section
	}
	fields, err := v.Fields(cue.Optional(true), cue.Patterns(true))
	if err != nil {
		return t
	}
	var regions []fieldRow
	for fields.Next() {
		if fields.Selector().ConstraintType() == cue.PatternConstraint {
			row := fieldRow{field: "`<region>`", forms: r.forms(fields.Value(), ""), about: "Settings for one region. They override `all`."}
			if r.language.typeInfo(fields.Value()).anything {
				row.field, row.about = "`x-<name>`", "A place for YAML anchors. It has no other effect."
			}
			regions = append(regions, row)
			continue
		}
		t.rows = append(t.rows, r.row(definition, fields.Selector(), fields.Value(), path))
	}
	t.rows = append(t.rows, regions...)
	return t
}

// isWhole reports whether a definition describes a whole manifest.
func isWhole(definition string) bool { return definition == "Orbit" || definition == "App" }

// titleOf returns the heading of a definition's table.
func titleOf(definition, path string) string {
	switch definition {
	case "Orbit":
		return "An orbit's manifest"
	case "App":
		return "An app's manifest"
	case "OrbitSection":
		return "An orbit's settings for a region"
	case "AppSection":
		return "An app's settings for a region"
	}
	return "`" + path + "`"
}

// row returns the row of one field. Its default is "required", the value in defaults.cue, or empty.
func (r *reference) row(definition string, selector cue.Selector, v cue.Value, path string) fieldRow {
	name := selector.Unquoted()
	row := fieldRow{field: "`" + name + "`", forms: r.forms(v, report.Member(path, name)), about: escape(strings.Join(comment(v), " "))}
	if selector.ConstraintType() == cue.RequiredConstraint {
		row.standard = "required"
	} else if value := r.facts.Defaults.Lookup(defaultsOf(definition)).Lookup(name); value != nil {
		row.standard = code(defaultText(value))
	}
	return row
}

// definitionAbout returns a definition's comment as a sentence of its own: "#Cache is an ElastiCache …" becomes
// "An ElastiCache …".
func definitionAbout(name string, v cue.Value) string {
	about := strings.Join(comment(v), " ")
	for _, verb := range []string{" is ", " are "} {
		if rest, ok := strings.CutPrefix(about, name+verb); ok {
			return escape(strings.ToUpper(rest[:1]) + rest[1:])
		}
	}
	return escape(about)
}

// defaultText returns a default as a manifest would have it.
func defaultText(t *manifest.Tree) string {
	if t.Kind == manifest.Text && t.Text != "" && unicode.IsLetter(rune(t.Text[0])) {
		return t.Text
	}
	return inline(t)
}

// inline returns a value as YAML on one line.
func inline(t *manifest.Tree) string {
	switch t.Kind {
	case manifest.Object:
		var fields []string
		for _, f := range t.Fields {
			fields = append(fields, f.Key+": "+inline(f.Value))
		}
		return "{" + strings.Join(fields, ", ") + "}"
	case manifest.Text:
		return fmt.Sprintf("%q", t.Text)
	}
	return t.Text
}

// special escapes the characters that markdown would interpret.
var special = strings.NewReplacer("__", `\_\_`, "<", `\<`, "*", `\*`, "|", `\|`)

// escape escapes plain text for markdown.
func escape(plain string) string { return special.Replace(plain) }

// code returns text in a fixed font, safe inside a table.
func code(text string) string { return "`" + strings.ReplaceAll(text, "|", `\|`) + "`" }
