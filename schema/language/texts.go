package language

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/pebble/spacel/internal/printable"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// dynamicReference matches the beginning of a dynamic reference. CloudFormation replaces {{resolve:service:name}} by a secret or a
// parameter in every property of a template (CloudFormation User Guide, "Get values stored in other services using dynamic
// references").
var dynamicReference = regexp.MustCompile(`(?i)\{\{\s*resolve\s*:`)

// Texts reports strings that would be more than text in a template, a unit, a shell or a header. Errors are dynamic references,
// line breaks and other control characters, in keys and in values. The values in fields with the attribute @text() may have
// them: files, units, environments, and CloudFormation's own syntax. Characters that a reader cannot see are warned of everywhere.
func (c *Checker) Texts(t *manifest.Tree, d Definition, r *report.Report) {
	// Nearly no manifest has such a string, and the definitions are consulted only for those.
	if suspicious(t) {
		texts{r}.object(t, c.lean.rootType(d), "", false)
	}
}

// suspicious reports whether any key or value of a tree may be worth a message.
func suspicious(t *manifest.Tree) bool {
	for _, f := range t.Fields {
		if suspiciousText(f.Key) || suspicious(f.Value) {
			return true
		}
	}
	for _, item := range t.Items {
		if suspicious(item) {
			return true
		}
	}
	return t.Kind == manifest.Text && suspiciousText(t.Text)
}

// suspiciousText reports whether a text may be worth a message.
func suspiciousText(s string) bool {
	return strings.Contains(s, "{{") || strings.ContainsFunc(s, printable.Control) || strings.ContainsFunc(s, printable.Hidden)
}

// texts walks a manifest and reports its strings.
type texts struct{ report *report.Report }

// value checks a value. Free text is that of a field with @text(), at any depth. The type is nil below an object of unknown fields.
func (w texts) value(t *manifest.Tree, s *typeInfo, at manifest.Place, path string, free bool) {
	switch t.Kind {
	case manifest.Object:
		w.object(t, s, path, free)
	case manifest.List:
		for i, item := range t.Items {
			var inner *typeInfo
			if s != nil && s.items.Exists() {
				inner = s.element()
			}
			w.value(item, inner, item.At, report.Index(path, i), free)
		}
	case manifest.Text:
		w.text(t.Text, "", at.Pos(path), free || s != nil && s.text)
	}
}

// object checks an object's keys and values. The keys of a field with @text() are names, such as those of files: they are no free
// text.
func (w texts) object(t *manifest.Tree, s *typeInfo, path string, free bool) {
	for _, f := range t.Fields {
		var inner *typeInfo
		if s != nil {
			inner = s.field(f.Key)
		}
		path := report.Member(path, f.Key)
		w.text(f.Key, "the key ", f.At.Pos(path), free)
		reference := inner != nil && f.Key == "from" // a name of AWS's
		w.value(f.Value, inner, f.At, path, !reference && (free || s != nil && s.text))
	}
}

// text checks one string. Of names the string in messages. No message shows the string: it may be a secret.
func (w texts) text(text, of string, at report.Pos, free bool) {
	if i := strings.IndexFunc(text, printable.Hidden); i >= 0 {
		r, _ := utf8.DecodeRuneInString(text[i:])
		w.report.Warnf(at, "%shas the invisible character U+%04X as character %d: text with it can look like another text; remove it, "+
			"or write it as an escape", of, r, 1+utf8.RuneCountInString(text[:i]))
	}
	if free {
		return
	}
	if i := strings.IndexFunc(text, printable.Control); i >= 0 {
		r, _ := utf8.DecodeRuneInString(text[i:])
		w.report.Errorf(at, "%smust not have %s, got one as character %d", of, controlName(r), 1+utf8.RuneCountInString(text[:i]))
	}
	if dynamicReference.MatchString(text) {
		w.report.Errorf(at, "%smust not have a dynamic reference ({{resolve:…}}): CloudFormation would put the secret in its place, in "+
			"clear text; only resources and patch may have one", of)
	}
}

// controlName names a control character in a user's words.
func controlName(r rune) string {
	switch r {
	case '\n', '\r', '\v', '\f', '\u0085', '\u2028', '\u2029':
		return fmt.Sprintf("a line break (U+%04X)", r)
	case '\t':
		return "a tab"
	}
	return fmt.Sprintf("a control character (U+%04X)", r)
}
