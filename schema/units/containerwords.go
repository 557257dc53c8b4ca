package units

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/docker/go-units"

	"github.com/pebble/spacel/schema/sections"
)

// splitWords splits a command into words, as Compose does it with github.com/mattn/go-shellwords: at spaces, with quotes and
// backslashes as in a shell. Compose cuts the command off at a shell operator, or takes it for text. Here it is an error, as
// is a quote that is not closed.
func splitWords(command string) ([]string, error) {
	var s splitter
	for _, c := range command {
		if err := s.take(c); err != nil {
			return nil, err
		}
	}
	switch {
	case s.quote != 0:
		return nil, errors.New("a quote is not closed: " + string(s.quote))
	case s.escaped:
		return nil, errors.New(`ends with a backslash: write \\ for one`)
	}
	s.end()
	return s.words, nil
}

// splitter holds the state of splitWords.
type splitter struct {
	words   []string
	word    strings.Builder
	begun   bool // a word, which may be empty in quotes
	quote   rune // ' or " inside of quotes
	escaped bool
}

// take reads a character.
func (s *splitter) take(c rune) error {
	switch {
	case s.escaped:
		s.escaped = false
		s.write(map[rune]rune{'t': '\t', 'n': '\n'}[c], c)
	case c == '\\' && s.quote != '\'':
		s.escaped, s.begun = true, true
	case s.quote != 0 && c == s.quote:
		s.quote = 0
	case s.quote != 0:
		s.write(c, c)
	case c == '"' || c == '\'':
		s.quote, s.begun = c, true
	case c == ' ' || c == '\t' || c == '\r' || c == '\n':
		s.end()
	case strings.ContainsRune(";&|<>`()", c):
		return errors.New(string(c) + ` has no meaning, since no shell runs the command: quote it, or write ["sh", "-c", "…"]`)
	default:
		s.write(c, c)
	}
	return nil
}

// write adds a character to the word: special, or c if that is 0.
func (s *splitter) write(special, c rune) {
	if special != 0 {
		c = special
	}
	s.begun = true
	s.word.WriteRune(c)
}

// end ends the word.
func (s *splitter) end() {
	if s.begun {
		s.words = append(s.words, s.word.String())
	}
	s.begun = false
	s.word.Reset()
}

// atoi returns a number, 0 for anything else.
func atoi(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}

// size returns a number of bytes as docker run takes it, without the space that Compose allows before the unit. No machine has
// the most.
func size(r sections.Record, field string, least int64) string {
	const most = 1 << 50
	text := strings.ReplaceAll(r.Text(field), " ", "")
	if text == "" {
		return ""
	}
	if bytes, err := units.RAMInBytes(text); err != nil || bytes < least || bytes > most {
		r.Errorf(field, "must be %s to 1024TiB, got %s", units.BytesSize(float64(least)), text)
	}
	return text
}

// healthTime returns a time of a health check. Docker refuses times below a millisecond, and takes 0 for its default.
func healthTime(r sections.Record, field string) time.Duration {
	d := Duration(r, field)
	if d > 0 && d < time.Millisecond {
		r.Errorf(field, "must be at least 1ms, got %s", r.Text(field))
	}
	return d
}

// Duration returns a time in Compose's form, 0 if the field is absent.
func Duration(r sections.Record, field string) time.Duration {
	d, err := parseDuration(r.Text(field))
	if err != nil {
		r.Errorf(field, "%v", err)
	}
	return d
}

// parseDuration reads a time as Compose writes it: as Go's time.ParseDuration, and with days (d) and weeks (w).
func parseDuration(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	var sum time.Duration
	for rest := text; rest != ""; {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789."))
		unit := len(rest[digits:]) - len(strings.TrimLeft(rest[digits:], "usmhdw"))
		part, scale := rest[:digits+unit], time.Duration(1)
		switch rest[digits : digits+unit] {
		case "d":
			part, scale = rest[:digits]+"h", 24
		case "w":
			part, scale = rest[:digits]+"h", 7*24
		}
		d, err := time.ParseDuration(part)
		if err != nil || d*scale < d || sum+d*scale < sum {
			return 0, errors.New("must be a time such as 30s or 1m30s")
		}
		sum, rest = sum+d*scale, rest[digits+unit:]
	}
	return sum, nil
}

// validAddress reports whether a text is an IP address, or Docker's word for the host's own.
func validAddress(text string) bool {
	_, err := netip.ParseAddr(text)
	return err == nil || text == "host-gateway"
}

// shellQuote quotes a word for a POSIX shell.
func shellQuote(word string) string {
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("@%+=:,./-_", c)
	}
	if word != "" && !strings.ContainsFunc(word, func(c rune) bool { return !plain(c) }) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
