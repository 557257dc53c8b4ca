package agent

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	reasonLines = 5  // of a unit's journal in an error
	reportLines = 20 // of each unit's journal in the log of a boot that failed
)

// unitJournal reads what units wrote to the machine's journal.
type unitJournal struct {
	machine Machine
	hidden  *hidden // is masked in every line
}

// journal returns the reader of this boot's units, with its secrets masked.
func (b *Boot) journal() unitJournal { return unitJournal{b.Machine, b.hidden} }

// because adds a unit's last lines in the journal to the error of its start. It works even when ctx is over.
func (j unitJournal) because(ctx context.Context, unit string, err error) error {
	var lines []string
	within(context.WithoutCancel(ctx), journalDeadline, func(ctx context.Context) { lines = j.lines(ctx, unit, reasonLines) })
	if len(lines) == 0 {
		return fmt.Errorf("%s %w", unit, err)
	}
	return fmt.Errorf("%s %w; it wrote: %s", unit, err, strings.Join(lines, " | "))
}

// lines returns the last lines in the journal of a unit, by the unit or by systemd, since the machine started.
func (j unitJournal) lines(ctx context.Context, unit string, lines int) []string {
	text, err := j.machine.Run(ctx, "journalctl", "--unit="+unit, "--boot", "--no-pager", "--quiet", "--output=cat",
		fmt.Sprint("--lines=", lines))
	if err != nil {
		return nil
	}
	var all []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, j.hidden.mask(line))
		}
	}
	return all
}

// lastOf returns the last line that a unit's own processes wrote, "" when there is none. Lines by systemd about the unit are left out.
func (j unitJournal) lastOf(ctx context.Context, unit string) string {
	text, err := j.machine.Run(ctx, "journalctl", "_SYSTEMD_UNIT="+unit, "--boot", "--no-pager", "--quiet", "--output=cat", "--lines=1")
	if err != nil {
		return ""
	}
	return j.hidden.mask(strings.TrimSpace(text))
}

// reportUnits logs what each unit wrote last.
func (b *Boot) reportUnits(ctx context.Context) {
	for _, unit := range slices.Sorted(maps.Keys(b.Document.Units)) {
		for _, line := range b.journal().lines(ctx, unit, reportLines) {
			b.Log.Info(unit + ": " + line)
		}
	}
}
