package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/internal/jsontext"
)

// eventText is an event on one line: when, by AWS's clock in UTC, where, what. CI keeps it as it is.
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

// eventWord is what happened.
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
	if e.Reason != "" {
		what += ": " + printable(e.Reason)
	}
	return what
}

// failing says whether an event is of something that went wrong.
func failing(e activity.Event) bool {
	return e.Kind == activity.Failed || e.Kind == activity.Resource && strings.HasSuffix(e.Status, "_FAILED")
}

// lines is progress for a log: a line for each event.
func lines(w io.Writer, colour bool) activity.Listener {
	return func(e activity.Event) { fmt.Fprintln(w, painter(colour).paint(eventColour(e), eventText(e))) }
}

func eventColour(e activity.Event) string {
	switch {
	case failing(e):
		return red
	case e.Kind == activity.Warning:
		return yellow
	case e.Kind == activity.Done:
		return green
	case e.Kind == activity.Resource:
		return dim
	}
	return ""
}

// jsonLines is progress for a program: a JSON object on each line.
func jsonLines(w io.Writer) activity.Listener {
	return func(e activity.Event) { jsonLine(w, e) }
}

// jsonLine prints one object of a stream. Failing to is noticed at the end, as of all that is printed.
func jsonLine(w io.Writer, v any) {
	_ = jsontext.WriteLine(w, v)
}
