package calendar

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// component is one of the comma-separated parts of a field: 9, 9..17 or 9..17/2, or 9/2 for every second number from 9 on.
type component struct {
	start  int
	stop   int // open when there is none
	repeat int // 0: start alone
}

// open is the stop of a component without a range.
const open = -1

// field holds the components of one field, sorted. An empty field is *.
type field []component

// compare orders components as their normalized form lists them.
func (c component) compare(other component) int {
	return cmp.Or(cmp.Compare(c.start, other.start), cmp.Compare(c.stop, other.stop), cmp.Compare(c.repeat, other.repeat))
}

// normalized returns the field sorted and without duplicates. A range ends at the last number that its steps reach, and a range of
// one number is that number.
func (f field) normalized() field {
	out := slices.Clone(f)
	for i := range out {
		if c := &out[i]; c.stop > c.start && c.repeat > 0 {
			c.stop -= (c.stop - c.start) % c.repeat
		}
		if c := &out[i]; c.stop == c.start && c.repeat > 0 {
			*c = component{c.start, open, 0}
		}
	}
	slices.SortFunc(out, component.compare)
	return slices.Compact(out)
}

// text returns the field with numbers of at least so many digits.
func (f field) text(digits int) string {
	if len(f) == 0 {
		return "*"
	}
	var parts []string
	for _, c := range f {
		text := fmt.Sprintf("%0*d", digits, c.start)
		if c.stop > 0 {
			text += fmt.Sprintf("..%0*d", digits, c.stop)
		}
		if c.repeat > 0 && (c.stop <= 0 || c.repeat != 1) {
			text += fmt.Sprintf("/%d", c.repeat)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ",")
}

// next returns the lowest number of the field from a number on.
func (f field) next(from int) (number int, found bool) {
	if len(f) == 0 {
		return from, true
	}
	for _, c := range f {
		if n, ok := c.next(from); ok && (!found || n < number) {
			number, found = n, true
		}
	}
	return number, found
}

// next returns the component's lowest number from a number on.
func (c component) next(from int) (int, bool) {
	if c.start >= from {
		return c.start, true
	}
	if c.repeat == 0 {
		return 0, false
	}
	n := c.start + c.repeat*((from-c.start+c.repeat-1)/c.repeat)
	return n, c.stop == open || n <= c.stop
}

// fromEnd returns the field of days for a month: the components count from its last day.
func (f field) fromEnd(days int) field {
	out := slices.Clone(f)
	for i := range out {
		c := &out[i]
		c.start = days + 1 - c.start
		if c.stop != open {
			c.stop = days + 1 - c.stop
			c.start, c.stop = c.stop, c.start
		}
	}
	return out
}
