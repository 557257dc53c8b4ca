package calendar

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pebble/spacel/internal/needs"
	"github.com/pebble/spacel/internal/stride"
)

// valid are expressions of every form. systemd-analyze judges them, too.
var valid = []string{
	"minutely", "hourly", "daily", "monthly", "weekly", "yearly", "annually", "anually", "quarterly", "semiannually",
	"semi-annually", "biannually", "bi-annually", "DAILY", "Weekly Europe/Berlin", "daily UTC", "hourly utc", "quarterly Asia/Kolkata",
	"Mon", "monday", "MON", "Sat,Sun", "Mon..Fri", "Mon-Fri", "Mon..Wed,Sat..Sun", "Mon,", "Mon..Sun", "Sun,Mon,Tue", "Mon,Wed,Fri 08:00",
	"Mon..Mon", "Tue..Thu,Wed", "Mon,Mon", "Fri *-*-13", "Mon 12:00 UTC", "Mon..Fri 03:00 Europe/Berlin", "Sat Asia/Tokyo",
	"2027-01-01", "2027-1-1", "27-1-1", "2027-02-29,28", "*-*-*", "*-*-01", "*-12-24", "12-24", "12-24 18:00", "*-2-29", "*-02~01",
	"*-*~03", "*~07", "*~07/1", "*-*~01..03", "02~03", "2026..2030-01-01", "2026/2-01-01", "*-1..6-15", "*-1/3-15", "*-1,4,7-1",
	"*-*-1..7", "*-*-1..7/2", "*-*-1..8/3", "Mon *-*-1..7", "*-*-31", "*-*-29..31", "*-2,3-30", "*-*-1/10", "*-10/2-10/3",
	"12:00", "0:0", "23:59:59", "05:40:23.42", "*:00", "*:0/15", "*:00/10", "0/2:00", "9..17:00", "9..17/2:30", "*:*", "*:*:*",
	"*:*:0/30", "*:*:0/2.5", "*:*:1.5", "*:*:0..10", "*:*:0..10/2", "*:*:00,30", "*:0,15,30,45", "08,12:30,45", "1..3,5..7:00",
	"0..23/6:00", "23..23:00/59", "*:1,1,1", "10..10:00", "0..0:00", "*:*:0..0.5", "*:*:59.999999", "8..9:5..6:7..8",
	"2027-11-07 01:30 America/New_York", "*-*-* 02:30 Europe/Berlin", "*-*-* 02:30 America/New_York", "*-03-28 02:00/10 Europe/Berlin",
	"*-*-* *:30 Europe/Berlin", "*-10-31 02:15 Europe/Berlin", "*-*-* 00:00 America/Sao_Paulo", "*-04-04 02:00 Australia/Lord_Howe",
	"*-09-01..07 24:00 UTC", "*-*-* 04:00 Pacific/Chatham", "Sun *-*~7/1 00:30 Europe/London", "*-*-* 12:00 Etc/GMT+5",
	"@1798761600", "@0", "00:00:00 UTC", "*-*-* 00:00:00 GMT", "2099-*-*", "2199-12-31 23:59:59", "1970-01-01", "70-1-1", "69-1-1",
	"Thu,Fri 2027-*-1,5 11:12:13", "Wed 2026-12..12-2", "Mon  12:00", "2027-01-01  12:00", "*-*-* 1,2,3,4,5:00", "*-02-28..29",
}

// invalid are expressions that systemd refuses. Some of the valid list are refused too, such as hour 24.
var invalid = []string{
	"", " ", "dayly", "every day", "0 3 * * *", "@daily", "*/5 * * * *", "5", "12", "12:", ":00", "12:00:", "12:00:00:00", "1:2:3:4",
	"24:00", "12:60", "12:00:60", "25:00", "-1:00", "12:00pm", "3am", "noon", "midnight", "Mond", "Mo", "Mon Tue", "Mon, Tue", "Mon..",
	"..Mon", "Fri..Mon", "Sun-Mon", "Mon...Fri", "Mon..Tue..Wed", "Mon,,Tue", ",Mon", "Mon;Tue", "Mon/2", "1-2-3-4", "2027", "2027-",
	"-01-01", "2027-13-01", "2027-00-01", "2027-01-00", "2027-01-32", "1969-01-01", "2200-01-01", "1000-01-01", "*-*~29", "*-02~29",
	"*-*~0", "~01", "*~", "*~02-03", "*:0/0", "*:0/60", "*:5..3", "*:60", "*:0/15/2", "*:0-15", "*:0...15", "*:0..", "*:..5", "*:/5", "*:a",
	"*:5,", "*:,5", "**:00", "*,5:00", "*:*,*", "*/2:00", "0.5:00", "12:0.5", "12:00:00.", "12:00:.5", "@", "@-1", "@1 2", "@1.5", "@x",
	"daily daily", "daily 12:00", "hourly Mon", "daily Europe/Nowhere", "daily europe/berlin", "daily Europe/", "daily CEST",
	"12:00 +01:00", "12:00 2027-01-01", "12:00 Mon", "Europe/Berlin", "UTC", "2027-01-01T12:00", "2027/01/01", "1.1.2027", "*-*",
	"*-*-*-*", "* * *", "12 :00", "12: 00", "*:0/99999999999", "99999999999:00", "*-1..13-1", "*-*-0/5", "*:*:0..60", "23..1:00",
	"9..17/20:00", "*-*-30/5", "*:\t0", "daily\n", "*-*-*\n12:00", "Mön", "１２:00",
}

// analyzed is an answer of systemd-analyze.
type analyzed struct {
	valid      bool
	normalized string
	elapses    []time.Time
	output     string
}

var elapse = regexp.MustCompile(`(?m)^ *(?:Next elapse|\(in UTC\)|Iter\. #\d+): (.*)$`)

// analyze asks systemd-analyze about the expression, from a time on.
func analyze(t *testing.T, expression string, base time.Time) analyzed {
	t.Helper()
	needs.Program(t, "systemd-analyze")
	cmd := exec.CommandContext(t.Context(), "systemd-analyze", "calendar", "--iterations=6",
		"--base-time="+base.UTC().Format("2006-01-02 15:04:05")+" UTC", "--", expression)
	cmd.Env = append(os.Environ(), "TZ=UTC", "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if _, failed := errors.AsType[*exec.ExitError](err); err != nil && !failed {
		t.Fatal(err)
	}
	a := analyzed{valid: err == nil, output: string(out)}
	if m := regexp.MustCompile(`(?m)^ *Normalized form: (.*)$`).FindStringSubmatch(a.output); m != nil {
		a.normalized = m[1]
	}
	for _, m := range elapse.FindAllStringSubmatch(a.output, -1) {
		if at, err := time.Parse("Mon 2006-01-02 15:04:05 MST", m[1]); err == nil {
			a.elapses = append(a.elapses, at)
		}
	}
	return a
}

// compare holds Parse, String and Next against systemd-analyze. It returns whether the expression is valid.
func compare(t *testing.T, expression string, base time.Time) bool {
	t.Helper()
	want := analyze(t, expression, base)
	s, err := Parse(expression)
	if want.valid != (err == nil) {
		// Two differences are intended: spacel refuses expressions that never elapse, and old names of time zones.
		_, zone := errors.AsType[*ZoneError](err)
		if !want.valid || !(zone || strings.HasSuffix(err.Error(), "never comes") && len(want.elapses) == 0) {
			t.Errorf("%q: systemd-analyze says\n%sParse says %v", expression, want.output, err)
		}
		return false
	}
	if err != nil {
		return false
	}
	if s.String() != want.normalized && expression != want.normalized {
		t.Errorf("%q is %q for systemd-analyze, %q here", expression, want.normalized, s)
	}
	loc, err := s.Location()
	if err != nil {
		t.Fatal(err)
	}
	if s.Zone == "" {
		loc = time.UTC // TZ of systemd-analyze
	}
	at := base.In(loc)
	for i, next := range want.elapses {
		got, ok := s.Next(at)
		if !ok || got.Truncate(time.Second).Unix() != next.Unix() {
			t.Errorf("%q: elapse %d after %s is %s for systemd-analyze, %s (%t) here", expression, i, base, next, got.UTC(), ok)
			break
		}
		at = got
	}
	return true
}

var bases = []time.Time{
	time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC),
	time.Date(2027, 3, 27, 20, 0, 0, 0, time.UTC),
	time.Date(2027, 10, 30, 20, 0, 0, 0, time.UTC),
	time.Date(2028, 2, 28, 23, 59, 59, 0, time.UTC),
}

func TestExpressionsAgreeWithSystemd(t *testing.T) {
	accepted := 0
	for i, expression := range slices.Concat(valid, invalid) {
		if strings.ContainsAny(expression, "\n") { // systemd-analyze trims nothing, but prints it
			continue
		}
		if compare(t, expression, bases[i%len(bases)]) {
			accepted++
		}
	}
	if accepted < 100 {
		t.Errorf("only %d expressions were accepted", accepted)
	}
}

// Random expressions, most of them nearly valid.
func TestRandomExpressionsAgreeWithSystemd(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 9))
	accepted := 0
	for i := range 150 {
		if compare(t, randomExpression(random), bases[i%len(bases)]) {
			accepted++
		}
	}
	if accepted < 100 {
		t.Errorf("only %d expressions were accepted", accepted)
	}
}

func randomExpression(random *rand.Rand) string {
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	number := func(low, high int) string {
		n := low + random.IntN(high-low+1)
		if random.IntN(40) == 0 {
			n = high + 1
		}
		return fmt.Sprintf(pick("%d", "%02d"), n)
	}
	field := func(low, high int) string {
		one := func() string {
			switch random.IntN(5) {
			case 0:
				return number(low, high/2) + ".." + number(high/2+1, high)
			case 1:
				return number(low, high/2) + ".." + number(high/2+1, high) + "/" + number(1, 4)
			case 2:
				return number(low, high) + "/" + number(1, 1+high/3)
			}
			return number(low, high)
		}
		switch random.IntN(4) {
		case 0:
			return "*"
		case 1:
			return one() + "," + one()
		}
		return one()
	}
	text := pick("", "", "Mon ", "Sat,Sun ", "Mon..Fri ", "tue..thu,SUN ")
	text += pick("", "", "*-"+field(1, 12)+"-"+field(1, 28)+" ", field(1, 12)+"-"+field(1, 31)+" ",
		"20"+field(27, 60)+"-*-"+field(1, 28)+" ", "*-"+field(1, 12)+"~"+field(1, 28)+" ")
	text += field(0, 23) + ":" + field(0, 59) + pick("", "", ":"+field(0, 59), ":00")
	return text + pick("", "", " UTC", " Europe/Berlin", " America/New_York", " Australia/Lord_Howe")
}

// An error names the part that is wrong, and says how to write it.
func TestErrors(t *testing.T) {
	for _, c := range [][2]string{
		{"dayly", `"dayly" is not a weekday such as Mon: must be a word such as daily`},
		{"0 3 * * *", `must be a word such as daily`},
		{"25:00", "the hour must be 0 to 23: 25: out of range"},
		{"daily US/Eastern", "US/Eastern is an old name of a time zone, which instances do not know: write America/New_York"},
		{"03:00 Europe/Berln", "Europe/Berln is not a time zone such as Europe/Berlin"},
		{"Fri..Mon", "Fri..Mon: the range ends before it begins; the week begins on Monday: write Fri..Sun,Mon..Mon"},
		{"*-02-30", "*-02-30 00:00:00 never comes"},
		{"12:60", "the minute must be 0 to 59: 60: out of range"},
		{"*:*:61", "the second must be 0 to 59: 61: out of range"},
		{"*:0/0", `the minute "0/0" in the time *:0/0: a step of 0 never ends`},
	} {
		if _, err := Parse(c[0]); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%q: got the error %v, want %s", c[0], err, c[1])
		}
	}
}

// The last elapse is the one that a timer has just fired for.
func TestLast(t *testing.T) {
	for _, c := range [][3]string{
		{"daily", "2027-01-02T00:00:01Z", "2027-01-02T00:00:00Z"},
		{"daily", "2027-01-02T00:00:00Z", "2027-01-02T00:00:00Z"},
		{"daily", "2027-01-01T23:59:59Z", "2027-01-01T00:00:00Z"},
		{"*-02-29", "2027-01-01T00:00:00Z", "2024-02-29T00:00:00Z"},
		{"minutely", "2027-01-01T12:34:56Z", "2027-01-01T12:34:00Z"},
		{"*:*:*", "2027-01-01T12:34:56Z", "2027-01-01T12:34:56Z"},
		{"Mon..Fri 03:00 Europe/Berlin", "2027-03-29T01:00:05Z", "2027-03-29T01:00:00Z"}, // summer time since the 28th
		{"Mon..Fri 03:00 Europe/Berlin", "2027-03-26T02:00:05Z", "2027-03-26T02:00:00Z"},
		{"*-*-* 02:30 Europe/Berlin", "2027-03-28T12:00:00Z", "2027-03-27T01:30:00Z"}, // clocks skip 02:30 on the 28th
	} {
		s, err := Parse(c[0])
		if err != nil {
			t.Fatal(err)
		}
		loc, err := s.Location()
		if err != nil {
			t.Fatal(err)
		}
		if s.Zone == "" {
			loc = time.UTC
		}
		now, _ := time.Parse(time.RFC3339, c[1])
		if got, ok := s.Last(now.In(loc)); !ok || got.UTC().Format(time.RFC3339) != c[2] {
			t.Errorf("%q at %s elapsed last at %s (%t), want %s", c[0], c[1], got.UTC(), ok, c[2])
		}
	}
	s, _ := Parse("2050-01-01")
	if got, ok := s.Last(bases[0]); ok {
		t.Errorf("a time to come was at %s", got)
	}
}

// After the last elapse comes the next one: nothing lies between.
func TestLastAndNextAgree(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 300 / stride.Short(3) {
		expression := randomExpression(random)
		s, err := Parse(expression)
		if err != nil {
			continue
		}
		loc, err := s.Location()
		if err != nil {
			t.Fatal(err)
		}
		now := bases[random.IntN(len(bases))].Add(time.Duration(random.IntN(100_000)) * time.Second).In(loc)
		last, ok := s.Last(now)
		if !ok {
			continue
		}
		next, more := s.Next(last)
		if last.After(now) || more && !next.After(now) {
			t.Errorf("%q at %s: last %s, next %s", expression, now, last, next)
		}
	}
}

// The names of zones are names that Go's and this machine's databases know.
func TestZones(t *testing.T) {
	if !slices.IsSorted(Zones()) || len(Zones()) < 400 {
		t.Errorf("%d zones, sorted: %t", len(Zones()), slices.IsSorted(Zones()))
	}
	for _, name := range Zones() {
		if _, err := time.LoadLocation(name); err != nil && !strings.HasSuffix(name, "Coyhaique") {
			t.Error(err)
		}
		if _, old := legacyZones()[name]; old {
			t.Errorf("%s is in both lists", name)
		}
	}
	for old, now := range legacyZones() {
		if _, known := slices.BinarySearch(Zones(), now); !known {
			t.Errorf("%s: %s is not a zone", old, now)
		}
		if path.Clean(old) != old {
			t.Errorf("%s is no name", old)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, expression := range slices.Concat(valid, invalid) {
		f.Add(expression)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		s, err := Parse(expression)
		if err != nil {
			return
		}
		again, err := Parse(s.String())
		if err != nil || again.String() != s.String() {
			t.Errorf("%q is %q, which is %v, %v", expression, s, again, err)
		}
	})
}
