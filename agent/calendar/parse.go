package calendar

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// shorthands are the words for common expressions (systemd.time(7)). systemd also accepts "anually".
var shorthands = map[string]string{
	"minutely":      "*-*-* *:*:00",
	"hourly":        "*-*-* *:00:00",
	"daily":         "*-*-* 00:00:00",
	"weekly":        "Mon *-*-* 00:00:00",
	"monthly":       "*-*-01 00:00:00",
	"quarterly":     "*-01,04,07,10-01 00:00:00",
	"semiannually":  "*-01,07-01 00:00:00",
	"semi-annually": "*-01,07-01 00:00:00",
	"biannually":    "*-01,07-01 00:00:00",
	"bi-annually":   "*-01,07-01 00:00:00",
	"yearly":        "*-01-01 00:00:00",
	"annually":      "*-01-01 00:00:00",
	"anually":       "*-01-01 00:00:00",
}

// errForm describes the form when no part of the text fits.
var errForm = errors.New(`must be a word such as daily, or [WEEKDAYS] [YEAR-MONTH-DAY] [HOUR:MINUTE[:SECOND]] [TIME ZONE], ` +
	`such as "Mon..Fri 03:00 Europe/Berlin" or "*-*-01 12:00"`)

// Parse reads an expression. The error says which part is wrong.
func Parse(text string) (*Spec, error) {
	rest, zone, err := cutZone(text)
	if err != nil {
		return nil, err
	}
	if full, ok := shorthands[strings.ToLower(rest)]; ok {
		rest = full
	}
	s := &Spec{Zone: zone}
	switch {
	case strings.HasPrefix(rest, "@"):
		err = s.timestamp(rest[1:])
	default:
		err = s.fields(rest)
	}
	if err != nil {
		return nil, err
	}
	s.normalize()
	return s, s.check()
}

// timestamp reads the seconds since 1970 after an @.
func (s *Spec) timestamp(digits string) error {
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 {
		return fmt.Errorf("@%s: must be @ and the seconds since 1970", digits)
	}
	t := time.Unix(n, 0).UTC()
	for _, f := range []struct {
		of *field
		n  int
	}{
		{&s.year, t.Year()}, {&s.month, int(t.Month())}, {&s.day, t.Day()}, {&s.hour, t.Hour()}, {&s.minute, t.Minute()},
		{&s.micro, t.Second() * second},
	} {
		*f.of = field{{f.n, open, 0}}
	}
	s.Zone = "UTC"
	return nil
}

// fields reads weekdays, a date and a time, each of which may be absent.
func (s *Spec) fields(text string) error {
	if text == "" || text != strings.TrimSpace(text) {
		return errForm
	}
	parts := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' })
	if looksLikeWeekdays(parts[0]) {
		if err := s.readWeekdays(parts[0]); err != nil {
			return err
		}
		parts = parts[1:]
	}
	if len(parts) > 0 && !strings.Contains(parts[0], ":") {
		if err := s.readDate(parts[0]); err != nil {
			return err
		}
		parts = parts[1:]
	}
	switch {
	case len(parts) > 1:
		return fmt.Errorf("%q: %w", parts[1], errForm)
	case len(parts) == 1:
		return s.readTime(parts[0])
	}
	midnight := component{0, open, 0}
	s.hour, s.minute, s.micro = field{midnight}, field{midnight}, field{midnight}
	return nil
}

// looksLikeWeekdays reports whether a part begins with a letter, as only weekdays do.
func looksLikeWeekdays(part string) bool {
	c := part[0] | 0x20 // in lower case
	return c >= 'a' && c <= 'z'
}

// readWeekdays reads days and ranges of days: Mon..Wed,Sat. A comma may follow the last.
func (s *Spec) readWeekdays(text string) error {
	for _, item := range strings.Split(strings.TrimSuffix(text, ","), ",") {
		from, to, isRange := strings.Cut(item, "..")
		if !isRange {
			from, to, isRange = strings.Cut(item, "-") // an older form
		}
		first, err := weekday(from)
		if err != nil {
			return err
		}
		last := first
		if isRange {
			if last, err = weekday(to); err != nil {
				return err
			}
		}
		if last < first {
			return fmt.Errorf("%s: the range ends before it begins; the week begins on Monday: write %s..Sun,Mon..%s", item, from, to)
		}
		for day := first; day <= last; day++ {
			s.weekdays |= 1 << day
		}
	}
	return nil
}

// weekday returns a day's number, from 0 for Monday. Names may be shortened to three letters, and their case does not matter.
func weekday(name string) (int, error) {
	for i, day := range weekdays {
		if strings.EqualFold(name, day) || strings.EqualFold(name, day[:3]) {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%q is not a weekday such as Mon: %w", name, errForm)
}

// readDate reads [YEAR-]MONTH-DAY. A ~ before the day counts from the last day of the month.
func (s *Spec) readDate(text string) error {
	month, day, found := strings.Cut(text, "~")
	s.endOfMonth = found
	dash := strings.LastIndexByte(text, '-')
	switch {
	case found:
	case dash < 0:
		return fmt.Errorf("%q: %w", text, errForm)
	default:
		month, day = text[:dash], text[dash+1:]
	}
	year, month, hasYear := cutLast(month, "-")
	if !hasYear {
		year = "*"
	}
	for _, f := range []struct {
		of   *field
		text string
		name string
	}{{&s.year, year, "year"}, {&s.month, month, "month"}, {&s.day, day, "day"}} {
		var err error
		if *f.of, err = readField(f.text, 1); err != nil {
			return fmt.Errorf("the %s %q in the date %s: %w", f.name, f.text, text, err)
		}
	}
	return nil
}

// cutLast cuts at the last separator. Without one, all of the text is after it.
func cutLast(text, separator string) (before, after string, found bool) {
	i := strings.LastIndex(text, separator)
	if i < 0 {
		return "", text, false
	}
	return text[:i], text[i+len(separator):], true
}

// readTime reads HOUR:MINUTE[:SECOND].
func (s *Spec) readTime(text string) error {
	parts := strings.Split(text, ":")
	if len(parts) == 2 {
		parts = append(parts, "0")
	}
	if len(parts) != 3 {
		return fmt.Errorf("the time %q must be HOUR:MINUTE or HOUR:MINUTE:SECOND", text)
	}
	names := []string{"hour", "minute", "second"}
	units := []int{1, 1, second}
	for i, of := range []*field{&s.hour, &s.minute, &s.micro} {
		var err error
		if *of, err = readField(parts[i], units[i]); err != nil {
			return fmt.Errorf("the %s %q in the time %s: %w", names[i], parts[i], text, err)
		}
	}
	if parts[2] == "*" {
		s.micro = field{{0, open, second}}
	}
	return nil
}

// mostComponents is systemd's limit for a field.
const mostComponents = 241

// readField reads * or comma-separated components. Unit is 1, or second for a field that may have fractions.
func readField(text string, unit int) (field, error) {
	if text == "*" {
		return nil, nil
	}
	var f field
	for _, item := range strings.Split(text, ",") {
		c, err := readComponent(item, unit)
		if err != nil {
			return nil, err
		}
		f = append(f, c)
	}
	if len(f) > mostComponents {
		return nil, fmt.Errorf("%d parts, at most %d are allowed", len(f), mostComponents)
	}
	return f, nil
}

// readComponent reads NUMBER[..NUMBER][/STEP].
func readComponent(text string, unit int) (component, error) {
	c := component{stop: open}
	numbers, step, hasStep := strings.Cut(text, "/")
	from, to, isRange := strings.Cut(numbers, "..")
	var err error
	if c.start, err = number(from, unit); err != nil {
		return c, err
	}
	if isRange {
		c.repeat = unit
		if c.stop, err = number(to, unit); err != nil {
			return c, err
		}
		// systemd refuses such a range, unless it has a step.
		if length := c.stop - c.start; !hasStep && length > 0 && length < unit {
			return c, fmt.Errorf("the range %s is shorter than a second", text)
		}
	}
	if hasStep {
		if c.repeat, err = number(step, unit); err != nil {
			return c, err
		}
		if c.repeat == 0 {
			return c, errors.New("a step of 0 never ends")
		}
	}
	return c, nil
}

// number reads digits, and for seconds up to six more after a point. The result counts in units.
func number(text string, unit int) (int, error) {
	whole, fraction, hasFraction := strings.Cut(text, ".")
	isDigits := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	if !isDigits(whole) || hasFraction && (unit == 1 || !isDigits(fraction) || len(fraction) > 6) {
		return 0, fmt.Errorf("%q is not a number, *, a range such as 1..5, or a step such as 0/15", text)
	}
	n, err := strconv.ParseInt(whole, 10, 32)
	if err != nil || n > 1<<31/int64(unit) {
		return 0, fmt.Errorf("%s is too large", whole)
	}
	value := int(n) * unit
	if hasFraction {
		micro, _ := strconv.Atoi((fraction + "000000")[:6])
		value += micro
	}
	return value, nil
}

// normalize completes years of two digits, sorts the fields, and drops a list of all weekdays.
func (s *Spec) normalize() {
	for i := range s.year {
		s.year[i].start, s.year[i].stop = fullYear(s.year[i].start), fullYear(s.year[i].stop)
	}
	for _, f := range []*field{&s.year, &s.month, &s.day, &s.hour, &s.minute, &s.micro} {
		*f = f.normalized()
	}
	if s.weekdays == 1<<len(weekdays)-1 {
		s.weekdays = 0
	}
	if len(s.day) == 0 {
		s.endOfMonth = false
	}
}

// fullYear returns 2012 for 12 and 1989 for 89.
func fullYear(year int) int {
	switch {
	case year >= 0 && year < 70:
		return year + 2000
	case year >= 70 && year < 100:
		return year + 1900
	}
	return year
}

// check reports a number out of its field's range, and an expression that never elapses.
func (s *Spec) check() error {
	for _, f := range []struct {
		field    field
		name     string
		min, max int
		unit     int
	}{
		{s.year, "year", firstYear, lastYear, 1}, {s.month, "month", 1, 12, 1}, {s.day, "day", 1, 31, 1},
		{s.hour, "hour", 0, 23, 1}, {s.minute, "minute", 0, 59, 1}, {s.micro, "second", 0, 60*second - 1, second},
	} {
		for _, c := range f.field {
			backwards := s.endOfMonth && f.name == "day"
			if backwards {
				// Every month has 28 days. systemd takes 3 off for each component in turn (src/shared/calendarspec.c,
				// chain_valid), so the later ones of a list have less. An instance would refuse more.
				f.max -= 3
			}
			if err := c.check(f.min, f.max, backwards); err != nil {
				return fmt.Errorf("the %s must be %d to %d: %s: %w", f.name, f.min, f.max/f.unit, field{c}.unitText(f.unit), err)
			}
		}
	}
	if _, ever := s.Next(time.Date(firstYear, 1, 1, 0, 0, 0, 0, time.UTC).Add(-1)); !ever {
		return fmt.Errorf("%s never comes", s)
	}
	return nil
}

// unitText returns a component for an error.
func (f field) unitText(unit int) string {
	if unit == second {
		return (&Spec{micro: f}).secondText()
	}
	return f.text(1)
}

// check reports a component that leaves its field's range, or whose first step does.
func (c component) check(low, high int, endOfMonth bool) error {
	switch {
	case c.start < low || c.start > high || c.stop != open && (c.stop < low || c.stop > high):
		return errors.New("out of range")
	case c.stop != open && c.stop < c.start:
		return errors.New("the range ends before it begins")
	case c.repeat > high-low, c.stop != open && c.start+c.repeat > c.stop,
		c.stop == open && endOfMonth && c.start-c.repeat < low,
		c.stop == open && !endOfMonth && c.start+c.repeat > high:
		return errors.New("the step leads out of the range at once")
	}
	return nil
}
