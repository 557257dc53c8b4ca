package calendar

import "time"

// Location returns the time zone of the expression, from the machine's own database.
func (s *Spec) Location() (*time.Location, error) {
	switch s.Zone {
	case "":
		return time.Local, nil
	case "UTC":
		return time.UTC, nil
	}
	return time.LoadLocation(s.Zone)
}

// Next returns the first time after a given one that the expression elapses, in the given time's zone, which must be that of
// Location. It returns false if there is none until the year 2199.
//
// A time that a zone's clocks skip in spring is left out. A time that they show twice in autumn elapses once.
func (s *Spec) Next(after time.Time) (time.Time, bool) {
	from := after.Truncate(time.Microsecond).Add(time.Microsecond)
	year, month, day := from.Date()
	clock := clockOf(from)
	for {
		y, m, d, ok := s.nextDay(year, int(month), day)
		if !ok {
			return time.Time{}, false
		}
		if y != year || m != int(month) || d != day {
			clock = 0
		}
		if t, ok := s.onDay(y, m, d, clock, from); ok {
			return t, true
		}
		year, month, day, clock = y, time.Month(m), d+1, 0
	}
}

// Last returns the last time at or before a given one that the expression elapsed, in the given time's zone. It returns false if
// there is none in the last 30 years.
func (s *Spec) Last(now time.Time) (time.Time, bool) {
	const day = 24 * time.Hour
	for _, back := range []time.Duration{time.Minute, time.Hour, day, 32 * day, 366 * day, 30 * 366 * day} {
		t, ok := s.Next(now.Add(-back))
		if !ok || t.After(now) {
			continue
		}
		for {
			next, ok := s.Next(t)
			if !ok || next.After(now) {
				return t, true
			}
			t = next
		}
	}
	return time.Time{}, false
}

// nextDay returns the first day from a given one on that the date and the weekdays match. The given day may be behind its
// month's last.
func (s *Spec) nextDay(year, month, day int) (y, m, d int, ok bool) {
	for {
		matched, found := s.year.next(year)
		if !found || matched > lastYear {
			return 0, 0, 0, false
		}
		if matched > year {
			year, month, day = matched, 1, 1
		}
		matched, found = s.month.next(month)
		if !found || matched > 12 {
			year, month, day = year+1, 1, 1
			continue
		}
		if matched > month {
			month, day = matched, 1
		}
		if d, found := s.dayOfMonth(year, month, day); found {
			return year, month, d, true
		}
		month, day = month+1, 1
	}
}

// dayOfMonth returns the first matching day of a month from a given one on.
func (s *Spec) dayOfMonth(year, month, day int) (int, bool) {
	length := time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
	days := s.day
	if s.endOfMonth {
		days = days.fromEnd(length)
	}
	for {
		d, found := days.next(day)
		if !found || d > length {
			return 0, false
		}
		weekday := (time.Date(year, time.Month(month), d, 0, 0, 0, 0, time.UTC).Weekday() + 6) % 7 // from Monday
		if s.weekdays == 0 || s.weekdays&(1<<weekday) != 0 {
			return d, true
		}
		day = d + 1
	}
}

// clockOf returns the microseconds since midnight on a clock.
func clockOf(t time.Time) int {
	return ((t.Hour()*60+t.Minute())*60+t.Second())*second + t.Nanosecond()/1000
}

// onDay returns the first matching time of a day whose clock shows at least the given microseconds.
func (s *Spec) onDay(year, month, day, clock int, from time.Time) (time.Time, bool) {
	for {
		var ok bool
		if clock, ok = s.nextClock(clock); !ok {
			return time.Time{}, false
		}
		wall := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Add(time.Duration(clock) * time.Microsecond)
		if t, ok := shown(wall, from); ok {
			return t, true
		}
		clock++
	}
}

// shown returns the time when the clocks of a zone show the given date and time, which are in UTC. It returns false in the hour
// that the clocks skip. If they show it twice, the first time counts, unless it is before from.
func shown(wall, from time.Time) (time.Time, bool) {
	loc := from.Location()
	t := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), loc)
	shows := func(t time.Time) bool { return clockOf(t) == clockOf(wall) && t.Day() == wall.Day() }
	if !shows(t) {
		return t, false
	}
	// Clocks change by less than a day, and not twice on one.
	_, before := t.Add(-24 * time.Hour).Zone()
	_, after := t.Add(24 * time.Hour).Zone()
	for _, offset := range []int{max(before, after), min(before, after)} { // the larger offset is the earlier time
		if u := wall.Add(-time.Duration(offset) * time.Second).In(loc); shows(u) && !u.Before(from) {
			return u, true
		}
	}
	return t, true
}

// nextClock returns the first matching clock of any day, from the given one on.
func (s *Spec) nextClock(clock int) (int, bool) {
	const minute, hour = 60 * second, 3600 * second
	for {
		h, found := s.hour.next(clock / hour)
		if !found || h > 23 {
			return 0, false
		}
		if h > clock/hour {
			clock = h * hour
		}
		m, found := s.minute.next(clock % hour / minute)
		if !found || m > 59 {
			clock = (h + 1) * hour
			continue
		}
		if m > clock%hour/minute {
			clock = h*hour + m*minute
		}
		us, found := s.micro.next(clock % minute)
		if found && us < minute {
			return h*hour + m*minute + us, true
		}
		clock = h*hour + (m+1)*minute
	}
}
