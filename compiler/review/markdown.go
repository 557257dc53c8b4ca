package review

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/pebble/spacel/compiler/diff"
	"github.com/pebble/spacel/internal/printable"
)

// MaxMarkdown is the most that Markdown writes, in characters: a comment on GitHub takes 65,536.
const MaxMarkdown = 60_000

// maxTableRows limits the summary table, so that details fit into the comment, too.
const maxTableRows = 200

// Markdown writes the comparison for a comment on a pull request: a table, the dangerous changes, and a collapsed
// section for each stack. Text that does not fit is left out, with a note.
func Markdown(w io.Writer, d *diff.Diff) error {
	_, err := io.WriteString(w, markdown(d, MaxMarkdown))
	return err
}

// markdown is Markdown with the limit as a parameter, for tests. Sections are added in order of importance.
func markdown(d *diff.Diff, most int) string {
	page := &page{left: most}
	page.add("### spacel: " + sentence(d) + "\n")
	if d.Equal {
		return page.String()
	}
	page.add(summaryTable(d))
	page.add(dangers(d))
	page.add(fenced(general(d)))
	for i, stack := range d.Stacks {
		if !page.fold(stack) {
			page.end(len(d.Stacks) - i)
			break
		}
	}
	return page.String()
}

// reserve is the space for the note about omitted text, in characters.
const reserve = 300

// page is a text of limited length.
type page struct {
	strings.Builder
	left int // characters
}

// add adds a text if it fits.
func (p *page) add(text string) bool {
	n := utf8.RuneCountInString(text)
	if n > p.left-reserve {
		return false
	}
	p.left -= n
	p.WriteString(text)
	return true
}

// fold adds a stack, or what of it fits, and says whether all of it did.
func (p *page) fold(stack diff.Stack) bool {
	rows := stackRows(stack)
	if p.add(folded(stack, rows, "")) {
		return true
	}
	// A stack that does not fit is shown in part: half of its lines, then a quarter, and so on.
	for keep := len(rows) / 2; keep > 0; keep /= 2 {
		if p.add(folded(stack, rows[:keep], fmt.Sprintf("%d lines of this stack are left out.\n\n", len(rows)-keep))) {
			return false
		}
	}
	return false
}

// end adds the note about omitted stacks.
func (p *page) end(stacks int) {
	fmt.Fprintf(p, "\n**Cut to fit a comment**: %d of the stacks above are left out or shown in part. `spacel diff` on the same "+
		"directories shows all.\n", stacks)
}

// folded is one stack as a collapsed section of GitHub's Markdown.
func folded(stack diff.Stack, rows []row, note string) string {
	return "\n<details><summary>" + html(heading(stack)) + ": " + counts(stack) + "</summary>\n" + fenced(rows) + "\n" + note +
		"</details>\n"
}

// fenced is a block that GitHub colours by each line's first character. The fence is longer than any run of back-ticks in
// it.
func fenced(rows []row) string {
	if len(rows) == 0 {
		return ""
	}
	var out strings.Builder
	for _, r := range rows {
		out.WriteString(strings.TrimRight(string(r.mark)+strings.Repeat("  ", r.indent)+r.text, " ") + "\n")
	}
	fence := "```"
	for strings.Contains(out.String(), fence) {
		fence += "`"
	}
	return "\n" + fence + "diff\n" + out.String() + fence + "\n"
}

// summaryTable has one row for each stack, with the number of resources per action.
func summaryTable(d *diff.Diff) string {
	out := "\n| stack | | create | update | maybe replace | replace | delete |\n|---|---|--:|--:|--:|--:|--:|\n"
	for i, stack := range d.Stacks {
		if i == maxTableRows {
			out += fmt.Sprintf("| and %d more stacks | | | | | | |\n", len(d.Stacks)-i)
			break
		}
		out += fmt.Sprintf("| %s | %s |", cell(stack.Region+"/"+stack.Name), stack.Status)
		counted := tally(stack)
		for _, action := range []diff.Action{diff.Create, diff.Update, diff.MaybeReplace, diff.Replace, diff.Delete} {
			out += " " + number(counted[action]) + " |"
		}
		out += "\n"
	}
	return out
}

// number leaves a table's cell empty for 0.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// tally counts the stack's resources by action.
func tally(s diff.Stack) map[diff.Action]int {
	out := map[diff.Action]int{}
	for _, r := range s.Resources {
		out[r.Action]++
	}
	return out
}

// counts is the tally in words.
func counts(s diff.Stack) string {
	counted := tally(s)
	var parts []string
	for _, action := range []diff.Action{diff.Create, diff.Update, diff.MaybeReplace, diff.Replace, diff.Delete} {
		if n := counted[action]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, action))
		}
	}
	if len(parts) == 0 {
		return "no resource changes"
	}
	return strings.Join(parts, ", ")
}

// dangers lists replaced and deleted resources, first the ones with data.
func dangers(d *diff.Diff) string {
	const most = 50
	var holding, others []string
	for _, stack := range d.Stacks {
		for _, r := range stack.Resources {
			line := fmt.Sprintf("- **%s** %s %s in %s", r.Action, cell(r.ID), cell(r.Type), cell(stack.Region+"/"+stack.Name))
			switch {
			case r.Data != nil:
				holding = append(holding, line+": "+html(printable.Line(r.Data.Outcome))+"\n")
			case stack.Status != diff.Removed && (r.Action == diff.Replace || r.Action == diff.Delete):
				others = append(others, line+"\n")
			}
		}
	}
	lines := append(holding, others...)
	if len(lines) == 0 {
		return ""
	}
	more := ""
	if len(lines) > most {
		more = fmt.Sprintf("- and %d more\n", len(lines)-most)
		lines = lines[:most]
	}
	return "\nReplaced or deleted:\n\n" + strings.Join(lines, "") + more
}

// cell is a name as code inside a table.
func cell(name string) string {
	return "`" + strings.NewReplacer("`", "'", "|", "\\|").Replace(printable.Line(name)) + "`"
}

// html escapes text outside of code blocks, where GitHub reads HTML.
func html(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}
