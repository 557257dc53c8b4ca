package main

import (
	"fmt"
	"strings"

	safe "github.com/pebble/spacel/internal/printable"
)

// printable returns text from AWS on one line, safe for a terminal.
func printable(text string) string { return safe.Line(strings.TrimSpace(text)) }

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

// paint puts an SGR code before a text and the reset code 0 after it. An empty code leaves the text as it is.
func (p painter) paint(code, text string) string {
	if !bool(p) || code == "" || text == "" {
		return text
	}
	return fmt.Sprintf("\x1b[%sm%s\x1b[0m", code, text)
}
