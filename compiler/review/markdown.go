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

// MaxPicture is the most of a comment that the picture takes, in bytes.
const MaxPicture = 12_000

// maxTableRows limits the summary table, so that details fit into the comment, too.
const maxTableRows = 200

// Markdown writes the comparison for a comment on a pull request: the findings, a table, the dangerous changes, and a collapsed section
// for each stack. To fit a comment, it first leaves out repetitions across regions, then details of stacks, and says how much. The
// findings are always all there.
func Markdown(w io.Writer, r *Review) error {
	_, err := io.WriteString(w, markdown(r, MaxMarkdown))
	return err
}

// markdown is Markdown with the limit as a parameter, for tests.
func markdown(r *Review, most int) string {
	lead := leadText(r, whole)
	rest := details(r.Diff, nil, most-utf8.RuneCountInString(lead))
	if rest.complete() {
		return lead + rest.String()
	}
	// Too long: equal findings and equal stacks of several regions are written once.
	if compact := leadText(r, compact); len(compact) < len(lead) {
		lead = compact
	}
	return lead + details(r.Diff, repetitions(r.Diff), most-utf8.RuneCountInString(lead)).String()
}

// leadText is the title, all findings, and the picture.
func leadText(r *Review, w width) string {
	text := "### spacel: " + sentence(r.Diff) + "\n"
	if line := headline(r.Impact); line != "" {
		text += "\n" + line + "\n"
	}
	text += fenced(ownerRows(r.Diff))
	rows := leading(r.Report, w)
	if w == compact && len(rows) > 0 {
		text += "\nEqual findings of several stacks are written once: {app}, {stack} and {region} stand for the names of each place.\n"
	}
	text += fenced(rows)
	if r.Picture != "" && !r.Equal {
		text += "\n```mermaid\n" + r.Picture + "```\n"
	}
	return text
}

// details are the differences, as far as they fit. Repeated maps a stack to the one in another region that reads the same.
func details(d *diff.Diff, repeated map[string]string, most int) *page {
	page := &page{left: most}
	if d.Equal {
		return page
	}
	page.require(summaryTable(d))
	page.require(dangers(d))
	page.require(fenced(general(d)))
	same := 0
	for i, stack := range d.Stacks {
		if first, ok := repeated[heading(stack)]; ok {
			page.require("\n" + html(heading(stack)) + ": the same as " + html(first) + "\n")
			same++
			continue
		}
		if !page.fold(stack) {
			page.end(len(d.Stacks)-i, same)
			return page
		}
	}
	if same > 0 {
		fmt.Fprintf(page, "\n**Shortened to fit a comment**: %d of %d stacks read like the same stack in another region.\n", same,
			len(d.Stacks))
	}
	return page
}

// repetitions finds stacks that read like the same stack in an earlier region, but for the region's name.
func repetitions(d *diff.Diff) map[string]string {
	out, first := map[string]string{}, map[string]string{}
	for _, stack := range d.Stacks {
		var text strings.Builder
		for _, r := range stackRows(stack) {
			fmt.Fprintf(&text, "%d%c%s\n", r.indent, r.mark, replaceWord(r.text, stack.Region, "{region}"))
		}
		key := stack.Name + "\x00" + string(stack.Status) + "\x00" + text.String()
		if earlier, ok := first[key]; ok {
			out[heading(stack)] = earlier
		} else {
			first[key] = heading(stack)
		}
	}
	return out
}

// reserve is the space for the note about omitted text, in characters.
const reserve = 300

// page is a text of limited length.
type page struct {
	strings.Builder
	left int  // characters
	cut  bool // something did not fit
}

// complete reports whether everything fitted.
func (p *page) complete() bool { return !p.cut }

// require adds a text, and notes when it does not fit.
func (p *page) require(text string) {
	if !p.add(text) {
		p.cut = true
	}
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
func (p *page) end(stacks, same int) {
	p.cut = true
	fmt.Fprintf(p, "\n**Cut to fit a comment**: %d of the stacks above are left out or shown in part. ", stacks)
	if same > 0 {
		fmt.Fprintf(p, "%d read like the same stack in another region. ", same)
	}
	p.WriteString("`spacel diff` on the same directories shows all.\n")
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
		if r.heading {
			out.WriteString("@@ " + r.text + " @@\n") // GitHub colours such lines
			continue
		}
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
