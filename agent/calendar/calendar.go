// Package calendar reads systemd's calendar expressions (systemd.time(7), "Calendar Events"), such as "daily" or
// "Mon..Fri 03:00 Europe/Berlin". The build checks the schedules of jobs with it, and an instance finds out with it which
// firing of a timer it is about to run. It reads no files: the names of time zones are those of Debian's package tzdata.
//
//	calendar.go  an expression, and its normalized form
//	parse.go     reads an expression
//	component.go the numbers of one field, such as 9..17/2
//	elapse.go    when an expression elapses
//	zones.go     time zones
package calendar

import (
	"fmt"
	"math/bits"
	"strings"
)

// Spec is a calendar expression. A field without components matches every number.
type Spec struct {
	weekdays   uint8 // a bit for each day, from Monday; 0: all
	year       field
	month      field
	day        field
	endOfMonth bool // day counts backwards from the last day of the month
	hour       field
	minute     field
	micro      field // microseconds since the minute began

	Zone string // a time zone's name; "": the machine's own
}

// second is how many of the units of Spec.micro a second has.
const second = 1_000_000

// The years that an expression may name (systemd, src/shared/calendarspec.c).
const (
	firstYear = 1970
	lastYear  = 2199
)

var weekdays = []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}

// String returns the normalized form, as systemd-analyze prints it.
func (s *Spec) String() string {
	dash := "-"
	if s.endOfMonth {
		dash = "~"
	}
	text := s.weekdayText() + s.year.text(4) + "-" + s.month.text(2) + dash + s.day.text(2) + " " +
		s.hour.text(2) + ":" + s.minute.text(2) + ":" + s.secondText()
	if s.Zone != "" {
		text += " " + s.Zone
	}
	return text
}

// weekdayText returns the days and a space: "Mon..Wed,Sat ".
func (s *Spec) weekdayText() string {
	if s.weekdays == 0 {
		return ""
	}
	var runs []string
	for day := 0; day < len(weekdays); day++ {
		length := bits.TrailingZeros8(^(s.weekdays >> day)) // of the run of days that begins here
		if length == 0 {
			continue
		}
		last := day + length - 1
		switch length {
		case 1:
			runs = append(runs, weekdays[day][:3])
		case 2:
			runs = append(runs, weekdays[day][:3], weekdays[last][:3])
		default:
			runs = append(runs, weekdays[day][:3]+".."+weekdays[last][:3])
		}
		day = last
	}
	return strings.Join(runs, ",") + " "
}

// secondText returns the seconds, with fractions of six digits.
func (s *Spec) secondText() string {
	if len(s.micro) == 1 && s.micro[0] == (component{0, open, second}) {
		return "*"
	}
	var parts []string
	for _, c := range s.micro {
		text := secondsOf(c.start, "%02d")
		if c.stop > 0 {
			text += ".." + secondsOf(c.stop, "%02d")
		}
		if c.repeat > 0 && (c.stop <= 0 || c.repeat != second) {
			text += "/" + secondsOf(c.repeat, "%d")
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ",")
}

// secondsOf returns microseconds as seconds. Format is of the whole seconds.
func secondsOf(micro int, format string) string {
	text := fmt.Sprintf(format, micro/second)
	if rest := micro % second; rest > 0 {
		text += fmt.Sprintf(".%06d", rest)
	}
	return text
}
