package diff

import (
	"fmt"
	"strings"

	"github.com/pebble/spacel/internal/printable"
)

// row is a line of a rendered comparison. Its action decides its colour. Text and markdown differ only in the way of printing rows.
type row struct {
	indent int
	mark   byte   // + - ~ ! or a blank
	action Action // "" if none
	text   string
}

// rows lays a stack out, for text and markdown alike: notes and settings first, resources in the middle, outputs last.
func (s Stack) rows() []row {
	var out []row
	for _, note := range s.Notes {
		out = append(out, row{indent: 1, mark: '!', text: note})
	}
	for _, part := range []struct {
		name    string
		changes []Change
	}{{"stack", s.Settings}, {"template", s.Template}, {"parameters", s.Parameters}} {
		out = append(out, list(part.name, part.changes)...)
	}
	for _, r := range s.Resources {
		out = append(out, r.rows()...)
	}
	return append(out, list("outputs", s.Outputs)...)
}

// list is a heading with the changes below it, or nothing.
func list(name string, changes []Change) []row {
	if len(changes) == 0 {
		return nil
	}
	out := []row{{indent: 1, mark: ' ', text: name}}
	for _, c := range changes {
		out = append(out, c.rows()...)
	}
	return out
}

// marks are the first characters of lines. GitHub colours lines by + and -, which a diff block in Markdown relies on.
var marks = map[Action]byte{None: ' ', Create: '+', Update: '~', MaybeReplace: '!', Replace: '!', Delete: '-'}

// rows lays a resource out: a headline, its data, notes, then changed properties and attributes.
func (r Resource) rows() []row {
	head := fmt.Sprintf("%-13s %s  %s", r.Action, printable.Line(r.ID), printable.Line(r.Type))
	if r.From != "" {
		head += "  " + printable.Line(r.From)
	}
	out := []row{{indent: 1, mark: marks[r.Action], action: r.Action, text: head}}
	if r.Data != nil {
		out = append(out, row{indent: 2, mark: '!', action: r.Action, text: "holds data: " + printable.Line(r.Data.Outcome)})
	}
	for _, note := range r.Notes {
		out = append(out, row{indent: 2, mark: '!', text: printable.Line(note)})
	}
	for _, c := range r.Properties {
		out = append(out, c.rows()...)
	}
	for _, c := range r.Attributes {
		out = append(out, c.rows()...)
	}
	return out
}

// rows lays a change out on one line, and long texts as hunks below it.
func (c Change) rows() []row {
	action := c.Action
	text := printable.Line(c.Path)
	switch {
	case c.Because != "":
		text += ": changes, as " + printable.Line(c.Because)
	case len(c.Lines) > 0:
		text += ":"
	case c.Before == nil:
		text += ": " + short(inline(c.After))
	default:
		text += ": " + short(inline(c.Before)) + " → " + short(inline(c.After))
	}
	// An update in place is the ordinary case and gets no word.
	if word := map[Action]string{Replace: "replaces", MaybeReplace: "may replace"}[action]; word != "" {
		text += "  (" + word + ")"
	} else {
		action = ""
	}
	out := []row{{indent: 2, mark: changeMark(c), action: action, text: text}}
	for _, line := range c.Lines {
		out = append(out, hunkRow(line))
	}
	return out
}

// changeMark is + for an added value, - for a removed one, otherwise ~.
func changeMark(c Change) byte {
	switch {
	case c.Because != "":
		return '~'
	case c.Before == nil:
		return '+'
	case c.After == nil:
		return '-'
	}
	return '~'
}

// hunkRow is a line of a text comparison, with the colour of its sign.
func hunkRow(line string) row {
	actions := map[byte]Action{'+': Create, '-': Delete}
	mark := line[0]
	// A hunk's header is neither added nor removed.
	if mark == '@' {
		return row{indent: 3, mark: ' ', text: line}
	}
	return row{indent: 3, mark: mark, action: actions[mark], text: printable.Line(line[1:])}
}

// short cuts a value that would fill the screen; --output json has all of it.
func short(text string) string {
	const most = 200
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// heading returns region/name and the stack's status.
func (s Stack) heading() string { return printable.Line(s.Region+"/"+s.Name) + " " + string(s.Status) }

// sentence returns the summary in words: counts of stacks by status, and of resources by action.
func (d *Diff) sentence() string {
	if d.Equal {
		return "no differences"
	}
	var parts []string
	for _, status := range []Status{Added, Removed, Changed, Affected} {
		if n := d.Summary.Stacks[status]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, status))
		}
	}
	stacks := "no stack"
	if len(parts) > 0 {
		stacks = strings.Join(parts, ", ")
	}
	parts = nil
	for _, action := range Actions() {
		if n := d.Summary.Resources[action]; n > 0 && action != None {
			parts = append(parts, fmt.Sprintf("%d %s", n, action))
		}
	}
	if len(parts) == 0 {
		return "stacks: " + stacks + "; resources: nothing to do"
	}
	return "stacks: " + stacks + "; resources: " + strings.Join(parts, ", ")
}

// general returns the rows for changes outside of all stacks: the orbit's name and the assets.
func (d *Diff) general() []row {
	var out []row
	if d.Orbit != nil {
		out = append(out, row{mark: '!', text: "these are of two orbits: " + inline(d.Orbit.Before) + " and " + inline(d.Orbit.After)})
	}
	out = append(out, assetRows('+', Create, d.Assets.Added)...)
	return append(out, assetRows('-', Delete, d.Assets.Removed)...)
}

// assetRows lists the first few digests. More would not help a reviewer.
func assetRows(mark byte, action Action, digests []string) []row {
	const most = 10
	var out []row
	for i, digest := range digests {
		if i == most {
			return append(out, row{mark: mark, action: action, text: fmt.Sprintf("and %d more assets", len(digests)-most)})
		}
		out = append(out, row{mark: mark, action: action, text: "asset " + digest})
	}
	return out
}
