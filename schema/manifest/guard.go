package manifest

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pebble/spacel/schema/report"
)

// The limits of a manifest. They are far above anything a person writes. They are low enough to decode and evaluate the worst file
// in a moment: CUE is quadratic in the length of a list or an object, and decoders recurse once per level.
const (
	maxData    = 1 << 20   // bytes of a JSON or YAML file, or of a file of an app directory
	maxCUE     = 256 << 10 // bytes of a CUE file
	maxDepth   = 100       // objects and lists inside each other
	maxNodes   = 50_000    // values in one manifest
	maxEntries = 2000      // of one list or object
	maxNumber  = 64        // characters of a number
	maxPath    = 4096      // characters of the path of a value
	maxReports = 100       // mistakes told of one file
)

// inputFile is one file in memory while it is converted into a tree.
type inputFile struct {
	name        string           // as given, with slashes; of a package, the argument that names it
	definition  string           // that the manifest is checked against, "" if not known
	accepts     func(*Tree) bool // nil if not known
	definitions fs.FS            // the language's *.cue
	memory      *memory          // of what was read before
	pkg         *ownPackage
	secret      func(keys []string) bool // whether messages must not show the value of a field
	syntax      *syntaxIndex             // of the parsed files; nil before they are parsed
	selection   *selection
	data        []byte // none of a package
	r           *report.Report
	nodes       int
	reports     int
	rejected    bool // some value was refused: the tree is of no use, but reading goes on to find more mistakes
}

// errorf reports a mistake, unless too many have been reported. Paths and messages are cut, because a hostile file can make both
// as long as itself.
func (s *inputFile) errorf(at Place, path, format string, args ...any) {
	s.reports++
	switch {
	case s.reports <= maxReports:
		s.r.Errorf(at.Pos(shorten(path, 200)), "%s", shorten(fmt.Sprintf(format, args...), 400))
	case s.reports == maxReports+1:
		s.r.Errorf(at.Pos(""), "too many mistakes; the rest of the file is not read")
	}
}

// refuse reports an invalid value, and rejects the file.
func (s *inputFile) refuse(at Place, path, format string, args ...any) {
	s.errorf(at, path, format, args...)
	s.rejected = true
}

// filePlace returns the place of the file as a whole.
func (s *inputFile) filePlace() Place { return Place{File: s.name} }

// readCapped reads at most limit bytes, and reports whether the input ended there. One byte more is asked for, to tell a file of
// exactly limit bytes from a longer one.
func readCapped(in io.Reader, limit int) (data []byte, whole bool, err error) {
	data, err = io.ReadAll(io.LimitReader(in, int64(limit)+1))
	if len(data) > limit {
		return nil, false, err
	}
	return data, true, err
}

// tooLarge reports a file over its limit.
func tooLarge(file string, limit int, r *report.Report) {
	r.Errorf(report.Pos{File: file}, "larger than %d KiB, the limit for a manifest", limit>>10)
}

// plainText removes a byte order mark, and reports whether the file is UTF-8 text.
func (s *inputFile) plainText() bool {
	s.data = bytes.TrimPrefix(s.data, []byte("\xef\xbb\xbf"))
	if looksUTF16(s.data) {
		s.errorf(s.filePlace(), "", "is UTF-16 text; save it as UTF-8")
		return false
	}
	if bad := invalidUTF8(s.data); bad >= 0 {
		s.errorf(s.placeOf(bad), "", "is not UTF-8 text: byte 0x%02x; save it as UTF-8", s.data[bad])
		return false
	}
	if nul := bytes.IndexByte(s.data, 0); nul >= 0 {
		s.errorf(s.placeOf(nul), "", "a NUL byte: this is not a text file")
		return false
	}
	if len(bytes.TrimSpace(s.data)) == 0 {
		s.errorf(s.filePlace(), "", "is empty; a manifest needs at least a name")
		return false
	}
	return true
}

// looksUTF16 reports whether data has the byte order mark of UTF-16, or a zero byte beside its first letter.
func looksUTF16(data []byte) bool {
	if len(data) < 2 {
		return false
	}
	marked := data[0] == 0xff && data[1] == 0xfe || data[0] == 0xfe && data[1] == 0xff
	return marked || (data[0] == 0) != (data[1] == 0)
}

// invalidUTF8 returns the offset of the first byte that breaks UTF-8, -1 if there is none. utf8.Valid is much faster than the
// loop, and nearly all files pass it.
func invalidUTF8(data []byte) int {
	if utf8.Valid(data) {
		return -1
	}
	at := 0
	for {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
}

// oddBreak returns the offset of a line break that only some readers of YAML accept, -1 if there is none.
func oddBreak(data []byte) int {
	for i := 0; i < len(data); i++ {
		switch rest := data[i:]; {
		case rest[0] == '\r' && (len(rest) == 1 || rest[1] != '\n'):
			return i
		case bytes.HasPrefix(rest, []byte("\u0085")), bytes.HasPrefix(rest, []byte("\u2028")), bytes.HasPrefix(rest, []byte("\u2029")):
			return i
		}
	}
	return -1
}

// placeOf returns the line and column of an offset.
func (s *inputFile) placeOf(offset int) Place {
	before := s.data[:min(offset, len(s.data))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return Place{File: s.name, Line: bytes.Count(before, []byte("\n")) + 1, Col: len(before) - start + 1}
}

// countNode counts a value, and refuses one nested too deep or over the limit.
func (s *inputFile) countNode(at Place, path string, depth int) bool {
	s.nodes++
	// false makes the caller stop reading. Nobody reads a hundred mistakes.
	if s.reports > maxReports {
		return false
	}
	if depth > maxDepth {
		s.errorf(at, shorten(path, 60), "nested more than %d levels deep", maxDepth)
		return false
	}
	if len(path) > maxPath {
		s.errorf(at, shorten(path, 60), "nested under names of more than %d characters", maxPath)
		return false
	}
	if s.nodes > maxNodes {
		s.errorf(at, path, "the manifest holds more than %d values, aliases written out", maxNodes)
		return false
	}
	return true
}

// checkEntries refuses an entry over the limit of a list or an object.
func (s *inputFile) checkEntries(at Place, path string, have int) bool {
	if have < maxEntries {
		return true
	}
	s.errorf(at, path, "more than %d entries", maxEntries)
	return false
}

// checkNumber refuses numbers too long or too large to be meant. The length is checked before the number is parsed.
func (s *inputFile) checkNumber(number string, at Place, path string) {
	if len(number) > maxNumber {
		s.refuse(at, path, "a number of %d characters; at most %d", len(number), maxNumber)
		return
	}
	if _, err := strconv.ParseFloat(number, 64); err != nil {
		s.refuse(at, path, "too large a number")
	}
}

// shorten cuts long text.
func shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// recoverInto turns a panic of a decoder or of CUE into a report. A user's file must not crash the process.
func (s *inputFile) recoverInto(t **Tree, doing string) {
	if p := recover(); p != nil {
		*t = nil
		s.errorf(s.filePlace(), "", "cannot %s this file: %s", doing, shorten(fmt.Sprint(p), 60))
	}
}
