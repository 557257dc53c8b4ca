// Package printable makes the texts of others safe for a terminal: of AWS, of apps that write logs, and of manifests.
package printable

import (
	"strings"
	"unicode"
)

// Line returns the text on one line, without characters that move the cursor or colour the screen. Line breaks and tabs become
// spaces, among them U+2028 and U+2029, which some terminals take for line breaks. Other control characters (Unicode category
// Cc, which includes the escape character and the C1 controls) become U+FFFD, so a reader sees that something was replaced.
func Line(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
