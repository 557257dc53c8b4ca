package main

import (
	"fmt"
	"strings"
	"unicode"
)

// printable makes text from AWS or an instance safe to print: line breaks become spaces, and control characters, with which
// a log line could move the cursor or change colours, become U+FFFD.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r):
			return unicode.ReplacementChar
		}
		return r
	}, strings.TrimSpace(text))
}

// painter colours text for a terminal, or returns it unchanged when false.
type painter bool

// SGR codes of terminals (ECMA-48).
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	purple = "35"
)

func (p painter) paint(code, text string) string {
	if !bool(p) || code == "" || text == "" {
		return text
	}
	return fmt.Sprintf("\x1b[%sm%s\x1b[0m", code, text)
}
