package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pebble/spacel/compiler/impact"
	"github.com/pebble/spacel/compiler/review"
	safe "github.com/pebble/spacel/internal/printable"
	"github.com/pebble/spacel/schema/report"
)

// annotation is a remark at a line of a file, for --output github and sarif.
type annotation struct {
	rule     string          // a word for the kind of remark, such as manifest or rights
	severity report.Severity // Error, Warning or Note
	file     string          // as on the command line; "" for none
	line     int             // from 1; 0 for the file as a whole
	column   int             // from 1
	message  string
}

// The rules of annotations, with what each is about.
var annotationRules = map[string]string{
	"manifest":  "A mistake in a manifest, a violation of a policy, or a note.",
	"stale":     "The artifact directory does not match the manifests.",
	"rights":    "A change of IAM rights.",
	"reach":     "A change of who can connect to whom, or of what is public.",
	"secrets":   "A change of dynamic references, which CloudFormation replaces by secrets.",
	"safety":    "A change of encryption, retention or instance metadata.",
	"operation": "An effect of the change on traffic, capacity or data.",
}

// problemAnnotations converts a report. Notes are left out with quiet, as in text.
func problemAnnotations(found *report.Report, quiet bool) []annotation {
	var out []annotation
	for _, p := range found.Problems() {
		if quiet && p.Severity == report.Note {
			continue
		}
		message := p.Message
		if p.Pos.Path != "" {
			message = p.Pos.Path + ": " + message
		}
		out = append(out, annotation{"manifest", p.Severity, p.Pos.File, p.Pos.Line, p.Pos.Col, message})
	}
	return out
}

// reviewAnnotations converts the findings of a comparison: rights, reach and the effects that a user notices.
func reviewAnnotations(r *review.Review) []annotation {
	var out []annotation
	for _, part := range []struct {
		rule string
		all  []impact.Finding
	}{{"rights", r.Rights}, {"reach", r.Reach}, {"reach", r.Exposure}, {"safety", r.Protection}, {"secrets", r.References}} {
		for _, f := range part.all {
			a := annotationAt(f.From)
			a.rule, a.severity = part.rule, report.Warning
			a.message = fmt.Sprintf("%s %s/%s: %s", f.Change, f.Region, f.Stack, f.Text)
			out = append(out, a)
		}
	}
	for _, t := range r.Impact {
		for _, e := range t.Effects {
			if e.Kind == impact.Nothing {
				continue
			}
			a := annotationAt(e.From)
			a.rule, a.severity, a.message = "operation", effectSeverity(e.Kind), fmt.Sprintf("%s/%s: %s", t.Region, t.Stack, e.Text)
			if e.Instead != "" {
				a.message += "; without that: " + e.Instead
			}
			out = append(out, a)
		}
	}
	return out
}

// effectSeverity makes an effect a warning if traffic stops, data moves, or a store or address goes.
func effectSeverity(kind impact.EffectKind) report.Severity {
	switch kind {
	case impact.Stops, impact.DataMoves, impact.Restarts, impact.Address:
		return report.Warning
	}
	return report.Note
}

// staleAnnotations converts the answer of build --check.
func staleAnnotations(r checkResult) []annotation {
	var out []annotation
	at := trimSlash(r.Out) + "/manifest.json"
	add := func(format string, args ...any) {
		out = append(out, annotation{"stale", report.Error, at, 1, 1, fmt.Sprintf(format, args...)})
	}
	if r.Clean {
		return nil
	}
	for _, reason := range r.Reasons {
		add("%s", reason)
	}
	if r.MadeBy != "" {
		add("%s, which may make other templates of the same manifests", r.MadeBy)
	}
	if r.Differences != nil {
		for _, s := range r.Differences.Stacks {
			add("%s/%s: %s", s.Region, s.Name, s.Status)
		}
	}
	add("%s does not match the manifests: run spacel build without --check, and commit the result", trimSlash(r.Out))
	return out
}

// annotationAt returns an annotation at a place of a source map, file:line:col.
func annotationAt(place string) annotation {
	rest, column, okColumn := cutLast(place)
	file, line, okLine := cutLast(rest)
	if !okColumn || !okLine {
		return annotation{file: place}
	}
	return annotation{file: file, line: line, column: column}
}

// cutLast cuts a number after the last colon off a text.
func cutLast(text string) (string, int, bool) {
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return text, 0, false
	}
	n, err := strconv.Atoi(text[i+1:])
	return text[:i], n, err == nil
}

// printGitHub prints annotations as commands of GitHub's runners, one a line, and adds the text to the job's summary:
// https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
func printGitHub(w io.Writer, all []annotation, summary string) error {
	for _, a := range all {
		var properties []string
		if a.file != "" {
			properties = append(properties, "file="+property(inRepository(a.file)))
		}
		if a.line > 0 {
			properties = append(properties, fmt.Sprintf("line=%d", a.line), fmt.Sprintf("col=%d", max(a.column, 1)))
		}
		properties = append(properties, "title=spacel "+a.rule)
		command := [...]string{"error", "warning", "notice"}[a.severity]
		text := commandData(safe.Line(a.message))
		if _, err := fmt.Fprintf(w, "::%s %s::%s\n", command, strings.Join(properties, ","), text); err != nil {
			return err
		}
	}
	return addToSummary(summary)
}

// commandData escapes the text of a workflow command, and property the value of one of its properties (actions/toolkit,
// packages/core/src/command.ts).
func commandData(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func property(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(commandData(s))
}

// inRepository returns a path below the working directory as one below GITHUB_WORKSPACE, as annotations name files.
func inRepository(file string) string {
	top := os.Getenv("GITHUB_WORKSPACE")
	whole, err := filepath.Abs(file)
	if top == "" || err != nil {
		return filepath.ToSlash(file)
	}
	short, err := filepath.Rel(top, whole)
	if err != nil || !filepath.IsLocal(short) {
		return filepath.ToSlash(file)
	}
	return filepath.ToSlash(short)
}

// addToSummary appends markdown to the summary of a job, whose file GITHUB_STEP_SUMMARY names. Elsewhere there is none.
func addToSummary(text string) error {
	name := os.Getenv("GITHUB_STEP_SUMMARY")
	if name == "" || text == "" {
		return nil
	}
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("write the summary of the job: %w", err)
	}
	_, err = file.WriteString(strings.TrimRight(text, "\n") + "\n\n")
	if closing := file.Close(); err == nil {
		err = closing
	}
	return err
}

// problemSummary is markdown about a report, for the summary of a job. Its fence is longer than any run of backticks in the text.
func problemSummary(command string, all []annotation) string {
	if len(all) == 0 {
		return fmt.Sprintf("`%s`: no mistakes", command)
	}
	var lines strings.Builder
	for _, a := range all {
		where := ""
		if a.file != "" {
			where = report.Pos{File: inRepository(a.file), Line: a.line, Col: a.column}.String() + ": "
		}
		fmt.Fprintf(&lines, "%s: %s\n", a.severity, safe.Line(where+a.message))
	}
	fence := "```"
	for strings.Contains(lines.String(), fence) {
		fence += "`"
	}
	return fmt.Sprintf("`%s`\n\n%stext\n%s%s", command, fence, lines.String(), fence)
}
