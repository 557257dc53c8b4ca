package units

import (
	"errors"

	"github.com/pebble/spacel/agent/calendar"
	"github.com/pebble/spacel/schema/report"
)

// calendarProblem returns the text of an error about a calendar expression, with the nearest name for an unknown time zone.
func calendarProblem(err error) string {
	text := err.Error()
	if zone, ok := errors.AsType[*calendar.ZoneError](err); ok && zone.Now == "" {
		text += report.Suggest(zone.Name, calendar.Zones())
	}
	return text
}
