package manifest

import (
	"regexp"
	"strings"

	"cuelang.org/go/cue/scanner"
	"cuelang.org/go/cue/token"
)

// maxRun is the limit for tokens in a row without a comma or the end of a line, counted across all open brackets.
// CUE's parser and compiler recurse once per link of 1+1+…, a.a.a… and a: a: a: …, and some of these take
// quadratic time.
const maxRun = 2500

// The limits for attributes and comprehensions in a file. CUE's scanner reads nested attributes once per level, and its
// parser looks back over all for clauses in a row.
const (
	maxAttributes = 1000
	maxLoops      = 1000
)

// attribute matches the begin of an attribute, such as @tag(. It also matches inside strings and comments: with a limit of
// 1000 that does no harm.
var attribute = regexp.MustCompile(`@[\pL_][\pL\pN_.]*\(`)

// shallow refuses a .cue file with deeply nested brackets or very long expressions, before CUE parses it. It stops
// at the first invalid token, because the scanner would start over after each one, to the end of the file.
func (s *inputFile) shallow() bool {
	// Attributes are counted with a regular expression, since scanning them is the slow part.
	if at := attribute.FindAllIndex(s.data, maxAttributes+1); len(at) > maxAttributes {
		s.errorf(s.placeOf(at[maxAttributes][0]), "", "more than %d attributes", maxAttributes)
		return false
	}
	file := token.NewFile(s.name, 0, len(s.data))
	c := &scan{}
	failed := false
	c.scanner.Init(file, s.data, func(pos token.Pos, message string, args []any) {
		if !failed {
			s.errorf(s.placeOf(pos.Offset()), "", message, args...)
		}
		failed = true
	}, 0)
	for {
		pos, tok, lit := c.scanner.Scan()
		if tok == token.EOF || failed {
			return !failed
		}
		c.step(tok, lit)
		switch {
		case failed:
			return false
		case len(c.open) > maxDepth:
			s.errorf(s.placeOf(pos.Offset()), "", "brackets nested more than %d levels deep", maxDepth)
			return false
		case c.loops > maxLoops:
			s.errorf(s.placeOf(pos.Offset()), "", "more than %d for clauses", maxLoops)
			return false
		case c.total > maxRun:
			s.errorf(s.placeOf(pos.Offset()), "", "an expression of more than %d parts", maxRun)
			return false
		}
	}
}

// scan counts the tokens since the last comma in each open bracket. total is the sum over all open brackets, because the parser is
// in the middle of an expression in each of them.
type scan struct {
	scanner      scanner.Scanner
	open         []bracket
	run, total   int
	loops        int  // for clauses
	interpolates bool // the next ( opens an interpolation
}

// bracket is an open bracket, with the state to return to when it closes.
type bracket struct {
	run           int // tokens before it
	interpolation bool
}

// step counts one token. The scanner inserts a comma at the end of a line, as Go's inserts a semicolon.
func (c *scan) step(tok token.Token, lit string) {
	switch tok {
	case token.COMMA:
		c.total -= c.run
		c.run = 0
		return
	case token.FOR:
		c.loops++
	case token.INTERPOLATION:
		c.interpolates = true
	case token.LPAREN, token.LBRACK, token.LBRACE:
		c.open = append(c.open, bracket{c.run, c.interpolates})
		c.run, c.interpolates = 0, false
	case token.RPAREN, token.RBRACK, token.RBRACE:
		c.shut()
	}
	c.run++
	c.total++
}

// shut closes a bracket. After the bracket of an interpolation, the rest of the string has to be scanned.
func (c *scan) shut() {
	if len(c.open) == 0 {
		return
	}
	last := c.open[len(c.open)-1]
	c.open = c.open[:len(c.open)-1]
	c.total -= c.run
	c.run = last.run
	if last.interpolation {
		c.interpolates = strings.HasSuffix(c.scanner.ResumeInterpolation(), "(")
	}
}
