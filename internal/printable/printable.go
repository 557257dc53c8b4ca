// Package printable makes the texts of others safe for a terminal: of AWS, of apps that write logs, and of manifests. It also
// tells which characters a reader cannot see.
package printable

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Line returns the text on one line, without characters that move the cursor, colour the screen or reorder what a reader sees.
// Line breaks and tabs become spaces, among them U+2028 and U+2029, which some terminals take for line breaks. Other control
// characters (Unicode category Cc, which includes the escape character and the C1 controls) become U+FFFD, so a reader sees
// that something was replaced. Hidden characters become an escape such as \u202e.
func Line(text string) string {
	var out strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || r == '\r' || r == '\t' || isSeparator(r):
			out.WriteByte(' ')
		case unicode.IsControl(r):
			out.WriteRune(unicode.ReplacementChar)
		case Hidden(r):
			out.WriteString(escape(r))
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// Hidden reports whether a character has no shape of its own: it is invisible, or it changes the direction of its neighbours.
// Text with such characters can look like another text (Unicode Technical Report 36; CVE-2021-42574). These are the format
// characters (category Cf, among them U+202A to U+202E, U+2066 to U+2069, U+200B and U+FEFF), the fillers of Hangul, and the
// selectors of variants from U+E0100 on.
func Hidden(r rune) bool {
	switch {
	case unicode.Is(unicode.Cf, r):
		return true
	case r == '\u115f' || r == '\u1160' || r == '\u3164' || r == '\uffa0': // Hangul fillers
		return true
	}
	return r >= 0xe0100 && r <= 0xe01ef
}

// Control reports whether a character is a line break or another control character, so that it can end a line in a unit, in a
// shell or in a header: category Cc, and the line and paragraph separators.
func Control(r rune) bool { return unicode.IsControl(r) || isSeparator(r) }

// isSeparator reports whether a character separates lines or paragraphs without being a control character.
func isSeparator(r rune) bool { return r == '\u2028' || r == '\u2029' }

// escape writes a character as Go, JSON and YAML do: \u202e, and \U000e0001 above U+FFFF.
func escape(r rune) string {
	if r > 0xffff {
		return fmt.Sprintf(`\U%08x`, r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// Name returns the name of a file as it is, or in quotes with escapes if a reader could take it for something else. It could be
// read wrongly with a character that is not printable, and with a colon or a # in front, which begin a command of GitHub's
// runners (::error::, ##[error]).
func Name(name string) string {
	plain := func(r rune) bool { return unicode.IsPrint(r) && r != unicode.ReplacementChar }
	if name == "" || strings.ContainsAny(name[:1], ":#\"") || strings.ContainsFunc(name, func(r rune) bool { return !plain(r) }) {
		return strconv.Quote(name)
	}
	return name
}
