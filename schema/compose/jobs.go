package compose

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/pebble/spacel/agent/calendar"
)

// jobs translates the jobs of a Compose file. One with a schedule is a service with a schedule. All others are run by hand.
func (i *importer) jobs(f *fields) {
	// Compose's jobs are new in the specification. Their schedules are those of cron, and a
	// manifest's are systemd's.
	names := i.order(f.values, "jobs")
	i.name(names, f.values, "jobs")
	for _, name := range names {
		job := i.newFields(f.take(name), "jobs", name)
		if i.units[name] == "" {
			continue
		}
		triggers := job.object("triggers")
		triggers.take("manual")
		schedules := triggers.objects("schedule")
		expression, ok := "", len(schedules) == 1
		if ok {
			expression, ok = i.schedule(schedules[0])
		} else {
			i.left(fmt.Sprintf("has %d schedules, and a job of the manifest has one", len(schedules)), job.path...)
		}
		if !ok {
			delete(i.units, name)
			continue
		}
		i.translate(name, job, expression)
	}
}

// schedule returns the calendar expression of a schedule.
func (i *importer) schedule(f *fields) (string, bool) {
	cron, zone := f.text("cron"), f.text("timezone")
	if missed := f.text("missed_fires"); missed == "one" {
		i.left("an instance that was not running at the time does not run the job later", f.at("missed_fires")...)
	}
	if f.text("concurrency") == "queue" {
		i.left("while a job runs, its next times are passed over", f.at("concurrency")...)
	}
	expression, err := fromCron(cron)
	if err == nil {
		if zone != "" {
			expression += " " + zone
		}
		_, err = calendar.Parse(expression)
	}
	if err != nil {
		i.left(fmt.Sprintf("%q cannot be written as a calendar expression: %v", cron, err), f.path...)
		return "", false
	}
	i.changed(fmt.Sprintf("is schedule: %s, which runs on every instance; exclusive: yes limits it to one", expression), f.path...)
	return expression, true
}

// cronWords are the short forms of cron (crontab(5)), with those of systemd.
var cronWords = map[string]string{
	"@hourly": "hourly", "@daily": "daily", "@midnight": "daily", "@weekly": "Sun 00:00", "@monthly": "monthly", "@yearly": "yearly",
	"@annually": "yearly",
}

// The names that cron has for days and months, by number.
var (
	cronDays   = []string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}
	cronMonths = []string{"", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
)

// fromCron returns systemd's expression for one of cron: minute, hour, day of the month, month, day of the week. Cron runs a job on
// days that match either kind of day if both are given, for which systemd has no expression.
func fromCron(cron string) (string, error) {
	if word := cronWords[strings.ToLower(strings.TrimSpace(cron))]; word != "" {
		return word, nil
	}
	parts := strings.Fields(cron)
	if len(parts) != 5 {
		return "", fmt.Errorf("it must have five parts")
	}
	if !strings.HasPrefix(parts[2], "*") && !strings.HasPrefix(parts[4], "*") {
		return "", fmt.Errorf("it has both days of the month and days of the week")
	}
	var out [4]string
	for n, limits := range [4][2]int{{0, 59}, {0, 23}, {1, 31}, {1, 12}} {
		part, err := cronPart(parts[n], limits[0], limits[1], n == 3)
		if err != nil {
			return "", err
		}
		out[n] = part
	}
	days, err := cronWeekdays(parts[4])
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s*-%s-%s %s:%s", days, out[3], out[2], out[1], out[0]), nil
}

// cronItem matches an item of a part: *, 5, 1-5, with a step after a slash.
var cronItem = regexp.MustCompile(`^(\*|([0-9]+)(?:-([0-9]+))?)(?:/([0-9]+))?$`)

// cronPart translates a part. systemd counts steps from the first value, as cron does.
func cronPart(part string, low, high int, months bool) (string, error) {
	// A star with a step begins at the lowest value, in cron as in systemd. systemd needs
	// the range in full, because its own short form counts on beyond the range.
	var items []string
	for item := range strings.SplitSeq(part, ",") {
		if months {
			for number, name := range cronMonths {
				if name != "" {
					item = strings.ReplaceAll(strings.ToLower(item), name, strconv.Itoa(number))
				}
			}
		}
		m := cronItem.FindStringSubmatch(item)
		if m == nil {
			return "", fmt.Errorf("%q is no part of an expression", item)
		}
		switch {
		case m[1] == "*" && m[4] == "":
			return "*", nil
		case m[1] == "*":
			items = append(items, fmt.Sprintf("%d..%d/%s", low, high, m[4]))
		case m[3] != "" && m[4] != "":
			items = append(items, fmt.Sprintf("%s..%s/%s", m[2], m[3], m[4]))
		case m[3] != "":
			items = append(items, m[2]+".."+m[3])
		case m[4] != "":
			items = append(items, fmt.Sprintf("%s..%d/%s", m[2], high, m[4]))
		default:
			items = append(items, m[2])
		}
	}
	return strings.Join(items, ","), nil
}

// cronWeekdays translates the days of the week, with a space behind them. * is every day.
func cronWeekdays(part string) (string, error) {
	if part == "*" || part == "*/1" {
		return "", nil
	}
	// Cron counts days from Sunday, which is 0 and 7. systemd has names only, and refuses a
	// range that wraps around, so each day is written.
	var days []string
	for item := range strings.SplitSeq(part, ",") {
		for number, name := range cronDays[:7] {
			item = strings.ReplaceAll(strings.ToLower(item), strings.ToLower(name), strconv.Itoa(number))
		}
		m := cronItem.FindStringSubmatch(item)
		if m == nil || m[4] != "" || m[2] == "" || len(m[2]) > 1 || m[2] > "7" || len(m[3]) > 1 || m[3] > "7" {
			return "", fmt.Errorf("%q is no day of the week that systemd has a word for", item)
		}
		first := m[2][0] - '0'
		last := first
		if m[3] != "" {
			last = m[3][0] - '0'
		}
		for day := first; day <= last; day++ {
			days = append(days, cronDays[day])
		}
	}
	return strings.Join(days, ",") + " ", nil
}
