// Package report collects the mistakes, warnings and notes about a user's manifests. Each one names its place: file, line,
// column and the path of the field.
package report

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"github.com/pebble/spacel/internal/printable"
)

// Pos is a place in a user's manifest: the file under the name on the command line, line and column from 1, and the path of a
// field, such as all.caches.sessions.replicas. Line 0 means the file as a whole. In is the manifest to which the place belongs,
// if the file is not the manifest itself: many manifests may import the file.
type Pos struct {
	File      string
	Line, Col int
	Path      string
	In        string
}

// String returns file:line:col, or the file alone if there is no line. The name is in quotes if it could be read as anything else.
func (p Pos) String() string {
	switch {
	case p.File == "":
		return ""
	case p.Line == 0:
		return printable.Name(p.File)
	}
	return fmt.Sprintf("%s:%d:%d", printable.Name(p.File), p.Line, p.Col)
}

// Severity orders problems.
type Severity int

// An Error refuses the manifests. A Warning is a mistake under --strict. A Note is information.
const (
	Error Severity = iota
	Warning
	Note
)

// String returns the severity as users see it.
func (s Severity) String() string { return [...]string{"error", "warning", "note"}[s] }

// Problem is one message about the manifests.
type Problem struct {
	Severity Severity
	Pos      Pos
	Message  string
	App      string // of the manifest Pos.In, if its name is known

	strict bool // a note that is an error under --strict
}

// String returns one line, file:line:col: path: message. Unless it is an error, the severity precedes the message. The
// manifest and its app follow, if the file is not the manifest.
func (p Problem) String() string {
	text := p.Message
	switch {
	case p.Pos.In != "" && p.App != "":
		text += fmt.Sprintf(" (in %s, app %s)", printable.Name(p.Pos.In), p.App)
	case p.Pos.In != "":
		text += fmt.Sprintf(" (in %s)", printable.Name(p.Pos.In))
	}
	if p.Severity != Error {
		text = p.Severity.String() + ": " + text
	}
	if p.Pos.Path != "" {
		text = p.Pos.Path + ": " + text
	}
	if where := p.Pos.String(); where != "" {
		text = where + ": " + text
	}
	return text
}

// Report collects the problems of all manifests. The zero value is ready to use, also by several goroutines.
type Report struct {
	mu       sync.Mutex
	problems []Problem
	strict   bool
	apps     map[string]string // names, by manifest
}

// NameApp records the name of a manifest's app, for messages about other files which the manifest uses.
func (r *Report) NameApp(manifest, name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.apps == nil {
		r.apps = map[string]string{}
	}
	r.apps[manifest] = name
}

// Errorf reports a mistake.
func (r *Report) Errorf(at Pos, format string, args ...any) { r.addf(Error, at, format, args) }

// Warnf reports something accepted, but most likely not meant.
func (r *Report) Warnf(at Pos, format string, args ...any) { r.addf(Warning, at, format, args) }

// Notef reports information.
func (r *Report) Notef(at Pos, format string, args ...any) { r.addf(Note, at, format, args) }

// StrictNotef reports information which --strict turns into an error: something was left out, perhaps by mistake.
func (r *Report) StrictNotef(at Pos, format string, args ...any) {
	r.Add(Problem{Severity: Note, Pos: at, Message: fmt.Sprintf(format, args...), strict: true})
}

// Strict turns the notes of StrictNotef into errors, including later ones.
func (r *Report) Strict() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.strict = true
}

// addf formats a message and adds it.
func (r *Report) addf(s Severity, at Pos, format string, args []any) {
	r.Add(Problem{Severity: s, Pos: at, Message: fmt.Sprintf(format, args...)})
}

// Add adds problems, such as those of another report.
func (r *Report) Add(problems ...Problem) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems = append(r.problems, problems...)
}

// Problems returns all problems without duplicates, ordered by file, line, column, path, severity and message.
func (r *Report) Problems() []Problem {
	r.mu.Lock()
	defer r.mu.Unlock()
	sorted := slices.Clone(r.problems)
	for i := range sorted {
		sorted[i].App = cmp.Or(r.apps[sorted[i].Pos.In], sorted[i].App)
		if r.strict && sorted[i].strict {
			sorted[i].Severity = Error
		}
	}
	slices.SortFunc(sorted, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col),
			cmp.Compare(a.Pos.Path, b.Pos.Path), cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Message, b.Message),
			cmp.Compare(a.Pos.In, b.Pos.In))
	})
	return slices.Compact(sorted)
}

// Failed reports whether there is an error or, if strict, a warning.
func (r *Report) Failed(strict bool) bool {
	return slices.ContainsFunc(r.Problems(), func(p Problem) bool {
		return p.Severity == Error || strict && p.Severity == Warning
	})
}
