package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/token"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/resolved"
)

// add reports the errors of one path as a violation. The message of error() in the rule stands for all of them.
func (c *comparison) add(keys []string, group []errors.Error) {
	found := c.find(keys)
	for _, e := range group {
		if message, ok := ownMessage(e); ok {
			// The author of the rule chose this message, so CUE's own errors are left out.
			c.violation(found, message, rulePlace(e))
			return
		}
	}
	var wanted []string
	rule := token.NoPos
	for _, e := range group {
		if want := expectation(e, found); want != "" && !slices.Contains(wanted, want) {
			wanted = append(wanted, want)
		}
		if at := rulePlace(e); rule == token.NoPos || at.IsValid() && at.Line() < rule.Line() {
			rule = at
		}
	}
	if len(wanted) == 0 {
		c.violation(found, undecidedMessage(group[0]), rulePlace(group[0]))
		return
	}
	// Sorted, so the message does not depend on CUE's order of alternatives.
	slices.Sort(wanted)
	for i := range wanted[1:] {
		wanted[i+1] = strings.TrimPrefix(wanted[i+1], "must be ") // said once
	}
	c.violation(found, strings.Join(wanted, " or ")+got(found), rule)
}

// lacks reports a field of a rule which the value lacks. A rule may be a conjunction of several places, as number & >1
// is. Then the violation names the last one written in a file.
func (c *comparison) lacks(keys []string, rule cue.Value) {
	if c.lacksInside(keys, rule) {
		return
	}
	message := "is missing, and a rule needs it" + c.fullName(keys)
	never := cuecontext.New().Encode([]byte{0}) // bytes match no field of a manifest: error() in the rule gives its message
	for _, e := range errors.Errors(rule.Unify(never).Err()) {
		if own, ok := ownMessage(e); ok {
			message = own
		}
	}
	// A conjunction has no position of its own, so one of its parts stands for it.
	at := rule.Pos()
	if op, args := rule.Expr(); !manifest.Written(at) && op == cue.AndOp {
		for _, a := range args {
			if manifest.Written(a.Pos()) {
				at = a.Pos()
			}
		}
	}
	c.violation(c.find(keys), message, at)
}

// fullName is a hint for a rule that names a unit without its type. In the resolved value web is web.service.
func (c *comparison) fullName(keys []string) string {
	if len(keys) < 3 || keys[0] != "app" || keys[1] != "services" {
		return ""
	}
	full := manifest.UnitName(keys[2])
	if full == keys[2] || c.of.App.Find([]string{"services", full}).Value == nil {
		return ""
	}
	return fmt.Sprintf("; a rule names units with their type: services: %q", full)
}

// lacksInside reports the fields of a rule for an absent object, each by itself, so that messages name the leaves to write.
// It returns false when the rule requires none. Then the object itself is reported.
func (c *comparison) lacksInside(keys []string, rule cue.Value) bool {
	if rule.IncompleteKind() != cue.StructKind {
		return false
	}
	fields, err := rule.Fields(cue.Optional(true))
	if err != nil {
		return false
	}
	any := false
	for fields.Next() {
		if fields.Selector().ConstraintType() != cue.OptionalConstraint && fields.Selector().LabelType() == cue.StringLabel {
			c.lacks(append(slices.Clone(keys), fields.Selector().Unquoted()), fields.Value())
			any = true
		}
	}
	return any
}

// violation adds a violation with the place of its rule. A rule's message may hold values of the manifest, so secrets are
// removed.
func (c *comparison) violation(found resolved.Found, message string, rule token.Pos) {
	message = c.mask(message)
	if manifest.Written(rule) {
		message += fmt.Sprintf(" (rule: %s)", manifest.PlaceOf(rule).Pos(""))
	}
	c.found = append(c.found, Violation{found.Pos, message})
}

// find looks up a path of the unified value. A path outside of app and orbit, such as that of a hidden field, is at the app.
func (c *comparison) find(keys []string) resolved.Found {
	section := c.of.App
	if section == nil || len(keys) > 0 && keys[0] == "orbit" {
		section = c.of.Orbit
	}
	switch {
	case len(keys) > 0 && (keys[0] == "app" || keys[0] == "orbit"):
		return section.Find(keys[1:])
	case len(keys) == 1 && keys[0] == "region":
		at := section.At
		at.Path = "region"
		return resolved.Found{Value: c.data.Lookup("region"), Pos: at}
	}
	at := section.At
	at.Path = strings.Join(keys, ".")
	return resolved.Found{Pos: at}
}

// mask removes secrets from a message.
func (c *comparison) mask(message string) string {
	for _, section := range []*resolved.Section{c.of.Orbit, c.of.App} {
		if section != nil {
			message = section.Mask(message)
		}
	}
	return message
}

// builtIn matches the formats of CUE's own messages about a value that does not fit. Any other is the text of error() in a
// rule.
var builtIn = regexp.MustCompile(`^(invalid value %|conflicting values %|%d errors in empty disjunction|mismatched types|` +
	`field not allowed|field is required|incomplete |undefined field|non-concrete |reference |cannot |explicit error|` +
	`incompatible list|structural cycle|error in call|invalid (interpolation|operand|index|list)|index out of|` +
	`value not an instance|empty disjunction|unresolved|ambiguous|division|operand|cycle|list length)`)

// ownMessage returns the text of error() in a rule. CUE marks it in no way, so each format outside of CUE's own ones belongs to
// a rule.
func ownMessage(e errors.Error) (string, bool) {
	format, args := e.Msg()
	if builtIn.MatchString(format) {
		return "", false
	}
	return fmt.Sprintf(format, args...), true
}

// expectation returns the demand of a rule, such as "must be <=10", from CUE's error about a value. It is empty for errors
// without one: a summary of other errors, or a value which cannot be computed.
func expectation(e errors.Error, found resolved.Found) string {
	format, args := e.Msg()
	texts := make([]string, len(args))
	for i, a := range args {
		texts[i] = strings.Join(strings.Fields(fmt.Sprint(a)), " ")
	}
	switch {
	case strings.HasPrefix(format, "invalid value") && len(texts) == 2 && strings.Contains(format, "does not satisfy"):
		return "must satisfy " + texts[1]
	case strings.HasPrefix(format, "invalid value") && len(texts) == 2:
		return "must be " + texts[1]
	case strings.HasPrefix(format, "conflicting values") && len(texts) >= 2:
		return "must be " + other(texts, found)
	case strings.HasPrefix(format, "field not allowed"):
		return "must not be there"
	}
	return ""
}

// other returns the rule's value in a conflict of two values. CUE does not say which of the two is the rule, so the manifest's
// own is recognised by its text. When a secret cannot be recognised, neither value is returned.
func other(texts []string, found resolved.Found) string {
	if found.Value == nil { // a value that a hidden field computes
		return texts[0] + " and " + texts[1] + " at once"
	}
	if texts[0] == source(found.Value) {
		return texts[1]
	}
	if found.Secret && texts[1] != source(found.Value) {
		return "another value" // which of the two is the secret is not known
	}
	return texts[0]
}

// source returns a scalar as CUE writes it.
func source(t *manifest.Tree) string {
	if t.Kind == manifest.Text {
		return fmt.Sprintf("%q", t.Text)
	}
	return t.Text
}

// got is the end of a message: the value that breaks a rule, if the manifest has it. Long texts are cut.
// Lists, objects and secrets show as their kind only.
func got(found resolved.Found) string {
	const most = 80
	switch t := found.Value; {
	case t == nil:
		return ""
	case t.Kind >= manifest.List || found.Secret:
		return ", got " + t.Kind.String()
	case len(t.Text) > most:
		return fmt.Sprintf(", got %q…", strings.ToValidUTF8(t.Text[:most], ""))
	case t.Kind == manifest.Null:
		return ", got null"
	default:
		return ", got " + source(t) + ifDefault(found)
	}
}

// ifDefault marks a default. Without the mark a reader would search the manifest for a value that nobody wrote.
func ifDefault(found resolved.Found) string {
	if found.Default {
		return ", the default"
	}
	return ""
}

// undecidedMessage words an error about a value for which a rule gives no single result.
func undecidedMessage(e errors.Error) string {
	format, args := e.Msg()
	text := strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " ")
	if name, ok := strings.CutPrefix(text, "undefined field: "); ok {
		return fmt.Sprintf("is missing %s, which a rule reads: guard it with if, or name it as required", report.Member("", name))
	}
	switch {
	case strings.HasPrefix(format, "incomplete value"): // the value may be the whole manifest
		return "several alternatives of a rule fit: make them exclude each other, or mark one as the default"
	case strings.Contains(format, "empty disjunction"):
		return "matches none of a rule's alternatives"
	case strings.HasPrefix(format, "explicit error"):
		return "is refused by a rule"
	}
	return "a rule gives no single value: " + text
}

// rulePlace returns the place of the rule in an error: the manifest's values have no position in CUE.
func rulePlace(e errors.Error) token.Pos {
	for _, pos := range append([]token.Pos{e.Position()}, e.InputPositions()...) {
		if manifest.Written(pos) {
			return pos
		}
	}
	return token.NoPos
}
