package review

import (
	"bufio"
	"io"
	"strings"

	"github.com/pebble/spacel/compiler/diff"
)

// Text writes the comparison for a terminal, in colour if asked for.
func Text(w io.Writer, d *Review, colour bool) error {
	out := &painter{Writer: bufio.NewWriter(w), colour: colour}
	rows := append(ownerRows(d.Diff), leading(d.Report, whole)...)
	for _, r := range rows {
		out.row(r)
	}
	if len(rows) > 0 {
		out.WriteString("\n")
	}
	for _, r := range general(d.Diff) {
		out.row(r)
	}
	for _, stack := range d.Stacks {
		out.bold(heading(stack))
		for _, r := range stackRows(stack) {
			out.row(r)
		}
		out.WriteString("\n")
	}
	out.bold(sentence(d.Diff))
	return out.Flush()
}

// painter writes rows. Its bufio.Writer keeps the first error for Flush.
type painter struct {
	*bufio.Writer
	colour bool
}

// colours are SGR codes of terminals (ECMA-48).
var colours = map[diff.Action]string{diff.Create: "32", diff.Update: "33", diff.MaybeReplace: "35", diff.Replace: "31", diff.Delete: "31"}

// row writes one line.
func (p *painter) row(r row) {
	if r.heading {
		p.bold(r.text)
		return
	}
	p.paint(colours[r.action], strings.TrimRight(strings.Repeat("  ", r.indent)+string(r.mark)+" "+r.text, " "))
}

// bold writes a heading.
func (p *painter) bold(text string) { p.paint("1", text) }

// paint puts an SGR code around a line and resets it at the end, so that a line cut by a pager colours nothing else.
func (p *painter) paint(code, text string) {
	if p.colour && code != "" {
		text = "\x1b[" + code + "m" + text + "\x1b[0m"
	}
	p.WriteString(text + "\n")
}
