package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/internal/jsontext"
)

// eventText formats an event on one line: the time by AWS's clock in UTC, the stack, the resource, the status and reason. A
// failure ends with the manifest's line. The form is stable, as CI logs are searched and compared.
func eventText(e activity.Event) string {
	fields := []string{e.Time.UTC().Format("15:04:05Z"), where(e)}
	if e.Resource != "" {
		fields = append(fields, e.Resource, e.Type)
	}
	if text := eventWord(e); text != "" {
		fields = append(fields, text)
	}
	text := strings.Join(fields, "  ")
	if e.Origin != "" && failing(e) {
		text += "  " + e.Origin
	}
	return text
}

// where names the region and stack of an event. Events of a whole region or run have only one of them, or none.
func where(e activity.Event) string {
	switch {
	case e.Region == "" && e.Stack == "":
		return "-"
	case e.Stack == "":
		return e.Region
	case e.Region == "":
		return e.Stack
	}
	return e.Ref().String()
}

// eventWord returns the status of an event, with the reason that CloudFormation gives.
func eventWord(e activity.Event) string {
	what := string(e.Kind)
	switch e.Kind {
	case activity.Resource:
		what = e.Status
	case activity.Started, activity.Done, activity.Failed:
		if e.Status != "" {
			what += " " + e.Status
		}
	}
	if e.Kind == activity.Failed && e.Resource != "" {
		return what // the event of the resource said why, and the explanation at the end does
	}
	if e.Reason != "" {
		what += ": " + printable(e.Reason)
	}
	return what
}

// failing reports whether an event is about a failed stack or resource. All failed statuses of CloudFormation end in _FAILED.
func failing(e activity.Event) bool {
	return e.Kind == activity.Failed || e.Kind == activity.Resource && strings.HasSuffix(e.Status, "_FAILED")
}

// lines returns a listener that prints a line for each event. Errors of writing are kept by the writer for the end of the run.
func lines(w io.Writer, colour bool) activity.Listener {
	return func(e activity.Event) { fmt.Fprintln(w, painter(colour).paint(eventColour(e), eventText(e))) }
}

// eventColour returns the colour of an event's line. Events of single resources are dim: there are many, and most are of
// interest only when they fail.
func eventColour(e activity.Event) string {
	switch {
	case failing(e):
		return red
	case e.Kind == activity.Warning, e.Kind == activity.LaunchFailed:
		return yellow
	case e.Kind == activity.Done:
		return green
	case e.Kind == activity.Resource:
		return dim
	}
	return ""
}

// jsonLines returns a listener that prints a JSON object on each line, for a program.
func jsonLines(w io.Writer) activity.Listener {
	return func(e activity.Event) { jsonLine(w, e) }
}

// jsonLine prints one object of a stream. A write error is not lost: checked keeps it for the end of the run.
func jsonLine(w io.Writer, v any) {
	_ = jsontext.WriteLine(w, v)
}
