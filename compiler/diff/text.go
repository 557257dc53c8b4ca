package diff

import (
	"bufio"
	"io"
	"strings"
)

// Text writes the comparison for a terminal, in colour if asked for.
func Text(w io.Writer, d *Diff, colour bool) error {
	out := &painter{Writer: bufio.NewWriter(w), colour: colour}
	for _, r := range d.general() {
		out.row(r)
	}
	for _, stack := range d.Stacks {
		out.bold(stack.heading())
		for _, r := range stack.rows() {
			out.row(r)
		}
		out.WriteString("\n")
	}
	out.bold(d.sentence())
	return out.Flush()
}

// painter writes rows. Its bufio.Writer keeps the first error for Flush.
type painter struct {
	*bufio.Writer
	colour bool
}

// colours are SGR codes of terminals (ECMA-48).
var colours = map[Action]string{Create: "32", Update: "33", MaybeReplace: "35", Replace: "31", Delete: "31"}

// row writes one line.
func (p *painter) row(r row) {
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
