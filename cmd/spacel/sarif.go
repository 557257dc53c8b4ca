package main

import (
	"io"
	"maps"
	"net/url"
	"slices"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	safe "github.com/pebble/spacel/internal/printable"
)

// sourceRoot is the base of file names in SARIF: the top of the repository (SARIF 2.1.0, section 3.14.14).
const sourceRoot = "%SRCROOT%"

// printSARIF prints annotations as a SARIF log, version 2.1.0, for code scanning:
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
func printSARIF(w io.Writer, all []annotation) error {
	run := sarif.NewRunWithInformationURI("spacel", "https://github.com/pebble/spacel")
	run.Tool.Driver.WithVersion(version())
	for _, name := range slices.Sorted(maps.Keys(annotationRules)) {
		run.AddRule(name).WithDescription(annotationRules[name])
	}
	for _, a := range all {
		result := run.CreateResultForRule(a.rule).
			WithLevel([...]string{"error", "warning", "note"}[a.severity]).
			WithMessage(sarif.NewTextMessage(safe.Line(a.message)))
		if a.file != "" {
			result.AddLocation(sarif.NewLocationWithPhysicalLocation(a.physicalLocation()))
		}
	}
	out := sarif.NewReport()
	out.AddRun(run)
	return out.PrettyWrite(w)
}

// physicalLocation is the annotation's place. SARIF has no region for a file as a whole.
func (a annotation) physicalLocation() *sarif.PhysicalLocation {
	uri := (&url.URL{Path: inRepository(a.file)}).String()
	at := sarif.NewPhysicalLocation().WithArtifactLocation(sarif.NewSimpleArtifactLocation(uri).WithURIBaseID(sourceRoot))
	if a.line > 0 {
		at.WithRegion(sarif.NewRegion().WithStartLine(a.line).WithStartColumn(max(a.column, 1)))
	}
	return at
}

// printAnnotations prints annotations in the form of --output, with a summary for GitHub.
func (c *console) printAnnotations(form string, all []annotation, summary string) error {
	if form == "sarif" {
		return printSARIF(c.out, all)
	}
	return printGitHub(c.out, all, summary)
}

// annotates reports whether a form of --output is one of annotations.
func annotates(form string) bool { return form == "github" || form == "sarif" }
