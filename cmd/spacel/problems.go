package main

import (
	"fmt"
	"io"

	"github.com/pebble/spacel/schema/report"
)

// problem is a report.Problem in the form of --output json, which stays the same when the package changes.
type problem struct {
	Severity string `json:"severity"` // error, warning or note
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`   // from 1; absent when only the file is known
	Column   int    `json:"column,omitempty"` // from 1
	Path     string `json:"path,omitempty"`   // of the field, such as all.caches.sessions.replicas
	Message  string `json:"message"`
	In       string `json:"in,omitempty"`  // the manifest that the problem is in, when file is one that it uses
	App      string `json:"app,omitempty"` // the name of that manifest's app
}

// problems converts a report for --output json. The result is never nil: no problems are [], not null.
func problems(r *report.Report) []problem {
	out := []problem{}
	for _, p := range r.Problems() {
		out = append(out, problem{p.Severity.String(), p.Pos.File, p.Pos.Line, p.Pos.Col, p.Pos.Path, p.Message, p.Pos.In, p.App})
	}
	return out
}

// printProblems prints the problems found in manifests, a line each, which no name or value can break. With quiet it leaves out notes.
// The report sorts them by place.
func printProblems(w io.Writer, r *report.Report, quiet bool) {
	for _, p := range r.Problems() {
		if p.Severity == report.Note && quiet {
			continue
		}
		fmt.Fprintln(w, printable(p.String()))
	}
}
