package review

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pebble/spacel/compiler/diff"
	"github.com/pebble/spacel/compiler/template"
	"github.com/pebble/spacel/internal/printable"
)

// row is a line of a rendered comparison. Its action decides its colour. Text and markdown differ only in the way of printing rows.
type row struct {
	indent int
	mark   byte        // + - ~ ! or a blank
	action diff.Action // "" if none
	text   string

	heading bool
	stacks  string // the list of stacks in the text, if there is one
}

// rows lays a stack out, for text and markdown alike: notes and settings first, resources in the middle, outputs last.
func stackRows(s diff.Stack) []row {
	var out []row
	for _, note := range s.Notes {
		out = append(out, row{indent: 1, mark: '!', text: note})
	}
	for _, part := range []struct {
		name    string
		changes []diff.Change
	}{{"stack", s.Settings}, {"template", s.Template}, {"parameters", s.Parameters}} {
		out = append(out, list(part.name, part.changes)...)
	}
	for _, r := range s.Resources {
		out = append(out, resourceRows(r)...)
	}
	return append(out, list("outputs", s.Outputs)...)
}

// list is a heading with the changes below it, or nothing.
func list(name string, changes []diff.Change) []row {
	if len(changes) == 0 {
		return nil
	}
	out := []row{{indent: 1, mark: ' ', text: name}}
	for _, c := range changes {
		out = append(out, changeRows(c)...)
	}
	return out
}

// marks are the first characters of lines. GitHub colours lines by + and -, which a diff block in Markdown relies on.
var marks = map[diff.Action]byte{diff.None: ' ', diff.Create: '+', diff.Update: '~', diff.MaybeReplace: '!', diff.Replace: '!',
	diff.Delete: '-'}

// rows lays a resource out: a headline, its data, notes, then changed properties and attributes.
func resourceRows(r diff.Resource) []row {
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
		out = append(out, changeRows(c)...)
	}
	for _, c := range r.Attributes {
		out = append(out, changeRows(c)...)
	}
	return out
}

// rows lays a change out on one line, and long texts as hunks below it.
func changeRows(c diff.Change) []row {
	action := c.Action
	text := printable.Line(c.Path)
	switch {
	case c.Because != "":
		text += ": changes, as " + printable.Line(c.Because)
	case len(c.Lines) > 0:
		text += ":"
	case c.Before == nil:
		text += ": " + template.Inline(c.After)
	default:
		text += ": " + template.Inline(c.Before) + " → " + template.Inline(c.After)
	}
	// An update in place is the ordinary case and gets no word.
	if word := map[diff.Action]string{diff.Replace: "replaces", diff.MaybeReplace: "may replace"}[action]; word != "" {
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
func changeMark(c diff.Change) byte {
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
	actions := map[byte]diff.Action{'+': diff.Create, '-': diff.Delete}
	mark := line[0]
	// A hunk's header is neither added nor removed.
	if mark == '@' {
		return row{indent: 3, mark: ' ', text: line}
	}
	return row{indent: 3, mark: mark, action: actions[mark], text: printable.Line(line[1:])}
}

// heading returns region/name and the stack's status.
func heading(s diff.Stack) string {
	return printable.Line(s.Region+"/"+s.Name) + " " + string(s.Status)
}

// sentence returns the summary in words: counts of stacks by status, and of resources by action.
func sentence(d *diff.Diff) string {
	if d.Equal {
		return "no differences"
	}
	var parts []string
	for _, status := range []diff.Status{diff.Added, diff.Removed, diff.Changed, diff.Affected} {
		if n := d.Summary.Stacks[status]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, status))
		}
	}
	stacks := "no stack"
	if len(parts) > 0 {
		stacks = strings.Join(parts, ", ")
	}
	parts = nil
	for _, action := range diff.Actions() {
		if n := d.Summary.Resources[action]; n > 0 && action != diff.None {
			parts = append(parts, fmt.Sprintf("%d %s", n, action))
		}
	}
	if len(parts) == 0 {
		return "stacks: " + stacks + "; resources: nothing to do"
	}
	return "stacks: " + stacks + "; resources: " + strings.Join(parts, ", ")
}

// general returns the rows for changes outside of all stacks: the orbit's name and the assets.
func general(d *diff.Diff) []row {
	var out []row
	if d.Orbit != nil {
		text := "these are of two orbits: " + template.Inline(d.Orbit.Before) + " and " + template.Inline(d.Orbit.After)
		out = append(out, row{mark: '!', text: text})
	}
	out = append(out, assetRows('+', diff.Create, d.Assets.Added)...)
	return append(out, assetRows('-', diff.Delete, d.Assets.Removed)...)
}

// ownerRows lays out changes of the account and the role. They lead every form: they decide where everything else is deployed.
func ownerRows(d *diff.Diff) []row {
	var out []row
	for _, c := range d.Owner {
		text := fmt.Sprintf("the orbit's %s: %s, before: %s", c.Path, valueOrNone(c.After), valueOrNone(c.Before))
		out = append(out, row{mark: '!', text: text})
	}
	return out
}

// valueOrNone returns a value of the manifest for display.
func valueOrNone(value json.RawMessage) string {
	if value == nil {
		return "none"
	}
	return template.Inline(value)
}

// assetRows lists the first few digests. More would not help a reviewer.
func assetRows(mark byte, action diff.Action, digests []string) []row {
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
