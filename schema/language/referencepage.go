package language

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
)

const (
	sharedTitle   = "Words that fields share"
	enginesTitle  = "Engines of databases and caches"
	metricsTitle  = "Metrics that alarms know"
	databaseTitle = "Metrics of databases"
)

const referenceOpening = `# Every field of a manifest

This page is printed by ` + "`spacel schema --reference`" + ` from the definitions of the language.
` + "`make golden`" + ` writes it here. [manifests.md](manifests.md) explains how manifests are found and merged.

Numbers and ports may be written in quotes. Every field except the required ones may be ` + "`null`" + `, which means absent.
A field without a default has no effect unless it is set, or its default depends on other fields, as its last column explains.

`

// document returns the whole page. Its parts are sorted or in the order of the definitions, so the page changes only with them.
func (r *reference) document() []byte {
	var out bytes.Buffer
	out.WriteString(referenceOpening)
	r.contents(&out)
	for _, t := range r.order {
		r.write(&out, t)
	}
	r.sharedWords(&out)
	r.engines(&out)
	r.metrics(&out)
	return out.Bytes()
}

// contents writes the table of contents. Its links are GitHub's anchors of the headings.
func (r *reference) contents(out *bytes.Buffer) {
	for _, t := range r.order {
		fmt.Fprintf(out, "%s* [%s](#%s)\n", strings.Repeat("  ", t.depth()), t.title, anchor(t.title))
	}
	for _, title := range []string{sharedTitle, enginesTitle, metricsTitle, databaseTitle} {
		fmt.Fprintf(out, "* [%s](#%s)\n", title, anchor(title))
	}
}

// depth returns the level of a table in the contents: 0 for a manifest, 1 for a section, 2 below.
func (t *fieldTable) depth() int {
	switch {
	case isWhole(t.definition):
		return 0
	case strings.HasSuffix(t.definition, "Section"):
		return 1
	}
	return 2
}

// write writes one table with its heading and its example.
func (r *reference) write(out *bytes.Buffer, t *fieldTable) {
	fmt.Fprintf(out, "\n%s %s\n\n%s\n\n", strings.Repeat("#", t.depth()+2), t.title, t.about)
	rows := [][]string{{"field", "type and accepted forms", "default", "effect"}}
	for _, row := range t.rows {
		rows = append(rows, []string{row.field, row.forms, row.standard, row.about})
	}
	markdownTable(out, rows)
	// Not every table has an example. A missing file is no mistake.
	if example, err := fs.ReadFile(r.examples, "examples/"+defaultsOf(t.definition)+".yaml"); err == nil && !isWhole(t.definition) {
		fmt.Fprintf(out, "\n```yaml\n%s```\n", example)
	}
}

// sharedWords writes the table of types that several fields share.
func (r *reference) sharedWords(out *bytes.Buffer) {
	fmt.Fprintf(out, "\n## %s\n\n", sharedTitle)
	rows := [][]string{{"word", "accepted forms", "meaning"}}
	for _, name := range slices.Sorted(maps.Keys(r.shared)) {
		accepted := r.shared[name]
		word, _ := shortened(accepted)
		rows = append(rows, []string{word, accepted, definitionAbout(name, r.language.definition(name))})
	}
	markdownTable(out, rows)
}

// engines writes the table of engines in catalog.cue.
func (r *reference) engines(out *bytes.Buffer) {
	fmt.Fprintf(out, "\n## %s\n\nA version may name a minor too. An engine without a default version needs one in the manifest; "+
		"an engine without versions takes any that AWS has.\n\n", enginesTitle)
	rows := [][]string{{"engine", "for", "port", "versions", "default"}}
	for _, kind := range []struct {
		word  string
		known map[string]Engine
	}{{"databases", r.facts.Catalog.Databases}, {"caches", r.facts.Catalog.Caches}} {
		for _, name := range slices.Sorted(maps.Keys(kind.known)) {
			e := kind.known[name]
			rows = append(rows, []string{code(name), code(kind.word), fmt.Sprint(e.Port), strings.Join(e.Versions, ", "), e.Default})
		}
	}
	markdownTable(out, rows)
}

// metrics writes the tables of metrics.cue.
func (r *reference) metrics(out *bytes.Buffer) {
	fmt.Fprintf(out, "\n## %s\n\nFor `alarms.triggers` and `scaling.steps`, in any case, with or without the part before the slash. "+
		"A metric without a threshold needs one in the manifest. What today's load balancers have of these is told in "+
		"[scaling.md](scaling.md#metrics).\n\n", metricsTitle)
	rows := [][]string{{"metric", "also called", "statistic", "threshold", "period", "no data means"}}
	known := r.facts.Metrics.Builtin
	for _, name := range slices.Sorted(maps.Keys(known)) {
		m := known[name]
		rows = append(rows, []string{code(name), codes(m.Aliases), m.Statistic, codes([]string{m.Threshold}), m.Period, absence(m.Absent)})
	}
	markdownTable(out, rows)
	fmt.Fprintf(out, "\n## %s\n\nFor `databases.<name>.alarms`. Statistic and period are those of the alarm's table.\n\n", databaseTitle)
	rows = [][]string{{"metric", "threshold"}}
	for _, name := range slices.Sorted(maps.Keys(r.facts.Metrics.Database)) {
		rows = append(rows, []string{code(name), code(r.facts.Metrics.Database[name])})
	}
	markdownTable(out, rows)
}

// absence describes how a metric without data is understood.
func absence(absent string) string {
	if absent == "zero" {
		return "0"
	}
	return "nothing is known"
}

// codes joins texts in a fixed font, without empty ones: a metric may lack an alias or a threshold.
func codes(texts []string) string {
	var all []string
	for _, text := range texts {
		if text != "" {
			all = append(all, code(text))
		}
	}
	return strings.Join(all, ", ")
}

// markdownTable writes rows. The first one is the heading. Columns are not aligned: one longer text would change all lines.
func markdownTable(out *bytes.Buffer, rows [][]string) {
	for i, row := range rows {
		fmt.Fprintf(out, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			fmt.Fprintf(out, "|%s\n", strings.Repeat("---|", len(row)))
		}
	}
}

// noAnchor matches the characters that GitHub drops from a heading to make its anchor.
var noAnchor = regexp.MustCompile(`[^a-z0-9 _-]`)

// anchor returns GitHub's anchor for a heading.
func anchor(title string) string {
	return strings.ReplaceAll(noAnchor.ReplaceAllString(strings.ToLower(title), ""), " ", "-")
}
