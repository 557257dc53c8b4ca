package edit

import (
	"bytes"
	"unicode/utf8"
)

// nextRune returns the first character of text and its length in bytes.
func nextRune(text []byte) (rune, int) { return utf8.DecodeRune(text) }

// endOfFlow returns the offset where a value inside braces or brackets ends: at the next comma or closing bracket.
func endOfFlow(body []byte, at int) int {
	depth, fresh := 0, true
	for at < len(body) {
		c := body[at]
		switch {
		case (c == '"' || c == '\'') && fresh:
			at, fresh = endOfToken(body, at), false
			continue
		// A comment may hold commas and brackets. YAML takes # for a comment only after white space.
		case c == '#' && at > 0 && isSpace(body[at-1]):
			at += lineRest(body[at:])
			continue
		case depth == 0 && (c == ',' || c == '}' || c == ']'):
			return at
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
		fresh = c == '{' || c == '[' || c == ',' || c == ':' || fresh && isSpace(c)
		at++
	}
	return at
}

// isSpace reports whether a byte is white space in JSON, YAML and CUE.
func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// endOfToken returns the offset where a quoted text ends. An unquoted one ends at its colon.
func endOfToken(body []byte, at int) int {
	switch body[at] {
	case '"':
		for i := at + 1; i < len(body); i++ {
			if body[i] == '\\' {
				i++
			} else if body[i] == '"' {
				return i + 1
			}
		}
	case '\'':
		for i := at + 1; i < len(body); i++ {
			if body[i] != '\'' {
				continue
			}
			// In single quotes YAML writes a quote twice, and has no escapes.
			if i+1 < len(body) && body[i+1] == '\'' {
				i++
				continue
			}
			return i + 1
		}
	default:
		for _, end := range [][]byte{[]byte(": "), []byte(":\n"), []byte(":\r")} {
			if n := bytes.Index(body[at:], end); n >= 0 && !bytes.Contains(body[at:at+n], []byte("\n")) {
				return at + n
			}
		}
		if n := bytes.IndexByte(body[at:], ':'); n >= 0 {
			return at + n
		}
	}
	return len(body)
}
