package review

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pebble/spacel/compiler/diff"
	"github.com/pebble/spacel/compiler/impact"
	"github.com/pebble/spacel/internal/printable"
)

// section is a list of findings under its heading.
type section struct {
	heading  string
	findings []impact.Finding
}

// sections are the findings in the order of display.
func sections(r *impact.Report) []section {
	return []section{
		{"rights", r.Rights}, {"reach", r.Reach}, {"public", r.Exposure}, {"metadata, encryption, retention", r.Protection},
		{"dynamic references", r.References},
	}
}

// width is how much of a finding's place is written.
type width int

const (
	// whole writes each stack and each line of the manifests.
	whole width = iota
	// compact writes equal findings of several apps and regions once, with {app}, {stack} and {region} for what differs.
	compact
)

// leading lays out all findings and the impact. Nothing is left out, whatever the width.
func leading(r *impact.Report, w width) []row {
	var out []row
	for _, s := range sections(r) {
		out = append(out, s.rows(w)...)
	}
	out = append(out, impactRows(r.Impact, w)...)
	if w == compact {
		named(out)
	}
	return out
}

// maxRepeated is the length of a list of stacks, in bytes, that is written again.
const maxRepeated = 80

// named gives each long list of stacks that occurs several times a name where it is first written, and writes the name afterwards.
func named(rows []row) {
	occurs, names := map[string]int{}, map[string]string{}
	for _, r := range rows {
		occurs[r.stacks]++
	}
	for i := range rows {
		list := rows[i].stacks
		if len(list) <= maxRepeated || occurs[list] < 2 {
			continue
		}
		name, known := names[list]
		if !known {
			name = fmt.Sprintf("[stacks %d]", len(names)+1)
			names[list] = name
			rows[i].text = strings.Replace(rows[i].text, list, name+" = "+list, 1)
			continue
		}
		rows[i].text = strings.Replace(rows[i].text, list, name, 1)
	}
}

// rows lays out a section: equal findings of several stacks once, with their places below.
func (s section) rows(w width) []row {
	if len(s.findings) == 0 {
		return nil
	}
	out := []row{{mark: ' ', heading: true, text: s.heading}}
	for _, g := range grouped(s.findings, w) {
		mark, action := marked(g.first.Change)
		out = append(out, row{indent: 1, mark: mark, action: action, text: printable.Line(g.text())})
		for _, place := range g.places(w) {
			out = append(out, row{indent: 3, mark: ' ', text: printable.Line(place.text), stacks: place.stacks})
		}
	}
	return out
}

// marked is the mark and the colour of a finding.
func marked(change impact.Change) (byte, diff.Action) {
	switch change {
	case impact.Added:
		return '+', diff.Create
	case impact.Removed:
		return '-', diff.Delete
	}
	return '~', diff.Update
}

// group is findings that say the same about several stacks.
type group struct {
	first   impact.Finding
	pattern string
	all     []impact.Finding
}

// grouped groups findings in the order of their first ones.
func grouped(findings []impact.Finding, w width) []*group {
	var out []*group
	index := map[string]*group{}
	for _, f := range findings {
		text := f.Text
		if w == compact {
			text = pattern(f.Text, f)
		}
		key := strings.Join([]string{string(f.Change), string(f.Kind), text}, "\x00")
		g, known := index[key]
		if !known {
			g = &group{first: f, pattern: text}
			index[key] = g
			out = append(out, g)
		}
		g.all = append(g.all, f)
	}
	return out
}

// text is the finding's line. A group of one needs no placeholders.
func (g *group) text() string {
	text := g.pattern
	if len(g.all) == 1 {
		text = g.first.Text
	}
	if g.first.Kind == impact.KindReach || g.first.Kind == impact.KindEgress || g.first.Kind == impact.KindRoute {
		text = map[impact.Change]string{impact.Added: "new: ", impact.Removed: "gone: "}[g.first.Change] + text
	}
	return text
}

// pattern is a text with the names of its place replaced by {stack}, {region} and {app}, so that equal findings of other places have
// an equal pattern. Only whole words are replaced, and a text with braces of that kind stays as it is: the pattern and the place
// always give the text back.
func pattern(text string, f impact.Finding) string {
	for _, word := range []string{"{stack}", "{region}", "{app}"} {
		if strings.Contains(text, word) {
			return text
		}
	}
	for _, name := range []struct{ is, word string }{{f.Stack, "{stack}"}, {f.Region, "{region}"}, {f.App, "{app}"}} {
		text = replaceWord(text, name.is, name.word)
	}
	return text
}

// replaceWord replaces a name where no character of a name touches it.
func replaceWord(text, name, word string) string {
	if name == "" {
		return text
	}
	var out strings.Builder
	at := 0
	for {
		i := strings.Index(text[at:], name)
		if i < 0 {
			out.WriteString(text[at:])
			return out.String()
		}
		begin, end := at+i, at+i+len(name)
		out.WriteString(text[at:begin])
		if begin > 0 && touches(text[begin-1]) || end < len(text) && touches(text[end]) {
			out.WriteString(name)
		} else {
			out.WriteString(word)
		}
		at = end
	}
}

// touches reports whether a byte belongs to a name.
func touches(b byte) bool {
	return b == '-' || b == '_' || b == '{' || b == '}' || b >= 0x80 ||
		'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9'
}

// place is a line below a finding, and the list of stacks in it.
type place struct{ text, stacks string }

// places are the lines below a finding: resources, stacks, and lines of the manifests. A compact one leaves types and lines out.
func (g *group) places(w width) []place {
	var out []place
	for _, stacks := range g.byStacks() {
		var ids, lines []string
		for _, f := range stacks {
			ids = appendNew(ids, f.Resource)
			lines = appendNew(lines, f.From)
		}
		list := stacksText(stacks)
		parts := []string{strings.Join(ids, ", "), stacks[0].Type, list, strings.Join(lines, ", ")}
		if w == compact {
			parts = []string{parts[0], parts[2]}
		}
		text := strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), "  ")
		out = append(out, place{text, list})
	}
	return out
}

// byStacks splits a group into findings of one type of resource that stand in the same stacks.
func (g *group) byStacks() [][]impact.Finding {
	byResource := map[string][]impact.Finding{}
	var resources []string
	for _, f := range g.all {
		key := f.Resource + "\x00" + f.Type
		resources = appendNew(resources, key)
		byResource[key] = append(byResource[key], f)
	}
	var out [][]impact.Finding
	index := map[string]int{}
	for _, resource := range resources {
		all := byResource[resource]
		key := all[0].Type + "\x00" + stacksText(all)
		i, known := index[key]
		if !known {
			i = len(out)
			index[key] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], all...)
	}
	return out
}

// appendNew adds a text that is not empty and not there yet.
func appendNew(list []string, text string) []string {
	if text == "" || slices.Contains(list, text) {
		return list
	}
	return append(list, text)
}

// stacksText lists stacks by the regions that they share: a, b, c in us-east-1, eu-west-1.
func stacksText(findings []impact.Finding) string {
	regions := map[string][]string{} // by stack
	var order []string
	for _, f := range findings {
		if regions[f.Stack] == nil {
			order = append(order, f.Stack)
		}
		if !slices.Contains(regions[f.Stack], f.Region) {
			regions[f.Stack] = append(regions[f.Stack], f.Region)
		}
	}
	byRegions := map[string][]string{}
	var keys []string
	slices.Sort(order)
	for _, stack := range order {
		slices.Sort(regions[stack])
		key := strings.Join(regions[stack], ", ")
		if byRegions[key] == nil {
			keys = append(keys, key)
		}
		byRegions[key] = append(byRegions[key], stack)
	}
	var parts []string
	for _, key := range keys {
		parts = append(parts, strings.Join(byRegions[key], ", ")+" in "+key)
	}
	return strings.Join(parts, "; ")
}

// impactRows says what users notice, by stack. Stacks with the same effects share a line.
func impactRows(all []impact.Traffic, w width) []row {
	if len(all) == 0 {
		return nil
	}
	out := []row{{mark: ' ', heading: true, text: "traffic and data"}}
	groups := map[string][]impact.Finding{}
	effects := map[string][]impact.Effect{}
	var order []string
	for _, t := range all {
		key := effectsKey(t, w)
		if groups[key] == nil {
			order = append(order, key)
			effects[key] = t.Effects
		}
		groups[key] = append(groups[key], impact.Finding{Region: t.Region, Stack: t.Stack})
	}
	slices.SortStableFunc(order, func(a, b string) int { return cmp.Compare(severity(effects[a][0].Kind), severity(effects[b][0].Kind)) })
	for _, key := range order {
		list := stacksText(groups[key])
		out = append(out, row{indent: 1, mark: ' ', text: printable.Line(list), stacks: list})
		for _, e := range effects[key] {
			out = append(out, effectRows(e)...)
		}
	}
	return out
}

// severity orders kinds of effects, the worst first.
func severity(kind impact.EffectKind) int { return slices.Index(impact.EffectKinds(), kind) }

// effectsKey is equal for stacks whose effects read the same.
func effectsKey(t impact.Traffic, w width) string {
	var parts []string
	for _, e := range t.Effects {
		parts = append(parts, string(e.Kind), e.Text, e.Instead)
		if w == whole {
			parts = append(parts, e.From)
		}
	}
	return strings.Join(parts, "\x00")
}

// effectRows is one effect, and the way without it.
func effectRows(e impact.Effect) []row {
	mark, action := byte('~'), diff.Update
	switch e.Kind {
	case impact.Stops, impact.DataMoves, impact.Restarts:
		mark, action = '!', diff.Delete
	case impact.Address:
		mark, action = '!', diff.MaybeReplace
	case impact.Nothing:
		mark, action = ' ', diff.None
	}
	text := e.Text
	if e.From != "" {
		text += "  " + e.From
	}
	out := []row{{indent: 2, mark: mark, action: action, text: printable.Line(text)}}
	if e.Instead != "" {
		out = append(out, row{indent: 3, mark: ' ', text: printable.Line("without that: " + e.Instead)})
	}
	return out
}

// headline is the worst effect of all stacks in a few words, for the top of a comment.
func headline(all []impact.Traffic) string {
	worst := len(impact.EffectKinds())
	counts := map[impact.EffectKind]int{}
	for _, t := range all {
		worst = min(worst, severity(t.Worst()))
		counts[t.Worst()]++
	}
	if worst >= severity(impact.InTurn) {
		return ""
	}
	kind := impact.EffectKinds()[worst]
	return fmt.Sprintf("**%s** in %d of %d stacks", effectWords[kind], counts[kind], len(all))
}

// effectWords are the kinds of effects as a headline.
var effectWords = map[impact.EffectKind]string{
	impact.Stops: "Traffic stops", impact.DataMoves: "Data moves or is lost", impact.Restarts: "A store is unavailable for minutes",
	impact.Address: "An address or host name changes", impact.Reduced: "Capacity is reduced",
}
