package calendar

import (
	_ "embed" // the lists of names
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Debian 13 has moved names that no longer follow the rule AREA/CITY from its package tzdata to tzdata-legacy, which
// instances do not have. zones.txt lists the names of tzdata 2026f-0+deb13u1. legacyzones.txt lists those of tzdata-legacy, each
// with the name in tzdata that it stands for.
var (
	//go:embed zones.txt
	zonesText string
	//go:embed legacyzones.txt
	legacyText string
)

// Zones returns the names of all time zones, sorted.
var Zones = sync.OnceValue(func() []string { return strings.Fields(zonesText) })

var legacyZones = sync.OnceValue(func() map[string]string {
	names := map[string]string{}
	for line := range strings.Lines(legacyText) {
		if f := strings.Fields(line); len(f) == 2 {
			names[f[0]] = f[1]
		}
	}
	return names
})

// ZoneError is the error for an unknown time zone.
type ZoneError struct {
	Name string // as written
	Now  string // the present name of an old one; "" for an unknown one
}

// Error names the zone, and the name to write instead when that is known.
func (e *ZoneError) Error() string {
	if e.Now != "" {
		return fmt.Sprintf("%s is an old name of a time zone, which instances do not know: write %s", e.Name, e.Now)
	}
	return fmt.Sprintf("%s is not a time zone such as Europe/Berlin", e.Name)
}

// cutZone cuts the name of a time zone from the end of an expression. A last word with a slash, or with letters behind a
// time, can be nothing else.
func cutZone(text string) (rest, zone string, err error) {
	rest, last, found := cutLast(text, " ")
	if !found {
		return text, "", nil
	}
	if strings.EqualFold(last, "UTC") {
		return rest, "UTC", nil
	}
	if _, known := slices.BinarySearch(Zones(), last); known {
		return rest, last, nil
	}
	if now, old := legacyZones()[last]; old {
		return "", "", &ZoneError{last, now}
	}
	if last != "" && looksLikeWeekdays(last) {
		return "", "", &ZoneError{Name: last}
	}
	return text, "", nil
}
