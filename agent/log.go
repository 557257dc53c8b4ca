package agent

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/pebble/spacel/internal/printable"
)

// logLine is a line of the log.
type logLine struct {
	at   time.Time
	text string
}

// logOutput is where the log goes: the console, which systemd copies to the journal, and log groups once they are known.
// It masks secrets in every line.
type logOutput struct {
	hidden *hidden

	mu      sync.Mutex
	console io.Writer
	early   []logLine // those before the groups were known
	groups  []*logStream
}

// NewLog is a log that goes nowhere but to w, a line a record.
func NewLog(w io.Writer) *slog.Logger {
	log, _ := newLog(w)
	return log
}

// newLog returns the log together with its output, to which the boot adds log groups when it knows them.
func newLog(console io.Writer) (*slog.Logger, *logOutput) {
	out := &logOutput{hidden: &hidden{}, console: console}
	return slog.New(logHandler{out: out}), out
}

// send adds log groups. They get all earlier lines, too.
func (o *logOutput) send(groups ...*logStream) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, g := range groups {
		g.add(o.early...)
	}
	o.groups = append(o.groups, groups...)
	o.early = nil
}

// write masks secrets in a line, prints it, and hands it to the log groups. Lines written before any group is known are
// kept for later.
func (o *logOutput) write(line logLine) {
	line.text = o.hidden.mask(line.text)
	o.mu.Lock()
	defer o.mu.Unlock()
	_, _ = io.WriteString(o.console, line.text+"\n") // there is nowhere to say that this failed
	if len(o.groups) == 0 {
		o.early = append(o.early, line)
	}
	for _, g := range o.groups {
		g.add(line)
	}
}

// flush sends the waiting lines of every group.
func (o *logOutput) flush(ctx context.Context) {
	o.mu.Lock()
	groups := o.groups
	o.mu.Unlock()
	for _, g := range groups {
		if err := g.flush(ctx); err != nil {
			o.complain(g, err)
		}
	}
}

// complain tells the console alone, and once a group.
func (o *logOutput) complain(g *logStream, err error) {
	if g.complained {
		return
	}
	g.complained = true
	o.mu.Lock()
	defer o.mu.Unlock()
	_, _ = io.WriteString(o.console, "warning: "+oneLine(err.Error())+"\n")
}

// logHandler writes a record as a line: its message and its attributes.
type logHandler struct {
	out   *logOutput
	attrs string
}

// Enabled drops debug records.
func (h logHandler) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle writes one record. Only warnings and errors name their level, since most lines are plain progress.
func (h logHandler) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	if r.Level >= slog.LevelWarn {
		text = strings.ToLower(r.Level.String()) + ": " + text
	}
	text += h.attrs
	r.Attrs(func(a slog.Attr) bool {
		text += attribute(a)
		return true
	})
	h.out.write(logLine{r.Time, oneLine(text)})
	return nil
}

// WithAttrs returns a handler that adds these attributes to each record.
func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	for _, a := range attrs {
		h.attrs += attribute(a)
	}
	return h
}

// WithGroup ignores groups, which the agent does not use.
func (h logHandler) WithGroup(string) slog.Handler { return h }

// attribute returns one attribute as it stands at the end of a line.
func attribute(a slog.Attr) string { return " " + a.Key + "=" + a.Value.String() }

// oneLine returns text for a console, without control characters, and with escapes for characters that hide or reorder others: an app
// may write anything.
func oneLine(text string) string {
	return printable.Line(strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return ' '
		}
		return c
	}, strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", " | ")))
}
