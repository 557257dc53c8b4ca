package badcases

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// HostileCase is a manifest made to exhaust a reader, or one that two readers would understand differently.
type HostileCase struct {
	Name    string // its extension is the format
	Content func() string
	Want    string // part of the report
}

// Hostile lists the hostile manifests: too large, too deep, too long, not text, and texts with two meanings. Each must be refused
// in a moment, with Want as a part of the message.
var Hostile = []HostileCase{
	{"huge.json", repeated(`[`, 50<<20), "larger than 1024 KiB"},
	{"huge.yaml", repeated("a", 50<<20), "larger than 1024 KiB"},
	{"huge.cue", repeated("1+", 3<<20), "larger than 1024 KiB"},
	{"large.cue", repeated("1+", 300<<10), "larger than 256 KiB"},
	{"empty.json", repeated("", 0), "is empty"},
	{"empty.yaml", repeated("# nothing\n", 30), "is empty"},
	{"blank.cue", repeated(" \n", 30), "is empty"},
	{"nul.json", verbatim("{\"a\": \"\x00\"}"), "a NUL byte"},
	{"nul.cue", verbatim("a: 1\x00"), "a NUL byte"},
	{"nul.yaml", verbatim("a: 1\n\x00\x00"), "nul.yaml:2:1: a NUL byte"},
	{"utf16le.yaml", verbatim("\xff\xfea\x00:\x00 \x001\x00"), "UTF-16"},
	{"utf16be.json", verbatim("\x00{\x00}"), "UTF-16"},
	{"utf16.cue", verbatim("\xfe\xff\x00a"), "UTF-16"},
	{"latin1.json", verbatim("{\"name\": \"caf\xe9\"}"), "latin1.json:1:14: is not UTF-8 text: byte 0xe9"},
	{"latin1.yaml", verbatim("name: caf\xe9\n"), "latin1.yaml:1:10: is not UTF-8 text"},
	{"latin1.cue", verbatim("name: \"caf\xe9\"\n"), "latin1.cue:1:11: is not UTF-8 text"},
	{"random.json", noise, "is not UTF-8 text"},
	{"random.yaml", noise, "is not UTF-8 text"},
	{"random.cue", noise, "is not UTF-8 text"},
	{"deep.json", nested("[", "]", 400_000), "exceeded max depth"},
	{"deeper.json", nested(`{"a":`, "1"+strings.Repeat("}", 5000), 5000), "nested more than 100 levels deep"},
	{"deep.yaml", nested("[", "]", 9000), "nested more than 100 levels deep"},
	{"deepest.yaml", nested("[", "]", 500_000), "invalid YAML: exceeded max depth"},
	{"indent.yaml", indented, "nested more than 100 levels deep"},
	{"dashes.yaml", repeated("- ", 900_000), "invalid YAML: exceeded max depth"},
	{"question.yaml", repeated("? ", 900_000), "invalid YAML: exceeded max depth"},
	{"braces.cue", nested("{", "}", 100_000), "brackets nested more than 100 levels deep"},
	{"parens.cue", nested("a: (", ")", 50_000), "brackets nested more than 100 levels deep"},
	{"interpolated.cue", nested(`a: "\(`, `)"`, 20_000), "brackets nested more than 100 levels deep"},
	{"sum.cue", verbatim("a: " + strings.Repeat("1+", 120_000) + "1"), "an expression of more than 2500 parts"},
	{"select.cue", verbatim("a: a" + strings.Repeat(".a", 120_000)), "an expression of more than 2500 parts"},
	{"labels.cue", verbatim(strings.Repeat("a: ", 80_000) + "1"), "an expression of more than 2500 parts"},
	{"patterns.cue", verbatim(strings.Repeat("[a]:", 60_000) + "1"), "an expression of more than 2500 parts"},
	{"clauses.cue", verbatim("a: [" + strings.Repeat("for x in y ", 20_000) + "{x}]"), "an expression of more than 2500 parts"},
	{"minus.cue", verbatim("a: " + strings.Repeat("-", 200_000) + "1"), "an expression of more than 2500 parts"},
	{"calls.cue", verbatim("a: b" + strings.Repeat("()", 100_000)), "an expression of more than 2500 parts"},
	{"indices.cue", verbatim("a: b" + strings.Repeat("[0]", 60_000)), "an expression of more than 2500 parts"},
	{"inside.cue", verbatim(strings.Repeat("a: b: c: d: e: f: g: h: {", 99) + strings.Repeat("a: ", 2000) + "1" + strings.Repeat("}", 99)),
		"an expression of more than 2500 parts"},
	{"attributes.cue", repeated("@a( ", 250<<10), "more than 1000 attributes"},
	{"attribute.cue", repeated("a @a(", 4000), "attribute missing ')'"},
	{"embeds.cue", repeated("a,", 250<<10), "more than 2000 entries"},
	{"items.cue", verbatim("a: [" + strings.Repeat("a,", 100<<10) + "]"), "more than 2000 entries"},
	{"missing.yaml", repeated("? \n", 1000<<10), "too many mistakes; the rest of the file is not read"},
	{"doubles.yaml", repeated("a: 1\n", 1000<<10), "too many mistakes; the rest of the file is not read"},
	{"doubles.json", verbatim("{" + strings.Repeat(`"a":1,`, 100<<10) + `"a": 1}`), "too many mistakes; the rest of the file is not read"},
	{"for.cue", repeated("for x in y,", 200<<10), "more than 1000 for clauses"},
	{"names.json", verbatim(`{"` + strings.Repeat("a", 500<<10) + `": {` + strings.Repeat(`"b":1,`, 1000) + `"c": 1}}`),
		"nested under names of more than 4096 characters"},
	{"reference.cue", verbatim("a: " + strings.Repeat("a", 200<<10)), "a: reference"},
	{"list.json", verbatim(`{"a": [` + strings.Repeat("1,", 100_000) + `1]}`), "more than 2000 entries"},
	{"list.yaml", verbatim("a: [" + strings.Repeat("1,", 100_000) + "1]\n"), "more than 2000 entries"},
	{"list.cue", verbatim("import \"list\"\na: list.Range(0, 5000, 1)\n"), "more than 2000 entries"},
	{"object.json", numbered(`"k%d": 1,`, "{", `"end": 1}`, 60_000), "more than 2000 entries"},
	{"object.yaml", numbered("k%d: 1\n", "", "", 60_000), "more than 2000 entries"},
	{"object.cue", numbered("k%d: 1\n", "", "", 5000), "more than 2000 entries"},
	{"nodes.json", verbatim(`{"a": [` + strings.Repeat("["+strings.Repeat("1,", 99)+"1],", 999) + `1]}`), "more than 50000 values"},
	{"nodes.yaml", verbatim("a:\n" + strings.Repeat("- ["+strings.Repeat("1,", 99)+"1]\n", 999)), "more than 50000 values"},
	{"bomb.yaml", bomb, "more than 50000 values, aliases written out"},
	{"merge.yaml", mergeBomb, "more than 50000 values, aliases written out"},
	{"self.yaml", verbatim("a: &a [*a]\n"), "*a refers to itself: it is inside its own anchor"},
	{"selfmerge.yaml", verbatim("a: &a\n  <<: *a\n"), "*a refers to itself: it is inside its own anchor"},
	{"key.yaml", verbatim("a: &a {}\n*a : 1\n"), "a key must be a name"},
	{"unknown.yaml", verbatim("a: *nowhere\n"), "unknown anchor 'nowhere' referenced"},
	{"number.json", verbatim(`{"a": ` + strings.Repeat("9", 500_000) + `}`),
		"number.json:1:7: a: a number of 500000 characters; at most 64"},
	{"number.yaml", verbatim("a: " + strings.Repeat("9", 300) + "\n"), "a: a number of 300 characters; at most 64"},
	{"number.cue", verbatim("a: " + strings.Repeat("9", 100_000) + "\n"), "number.cue:1:4: a number of 100000 characters; at most 64"},
	{"exponent.json", verbatim(`{"a": 1e999999999}`), "too large a number"},
	{"exponent.cue", verbatim("a: 1e999999999\n"), "exponent.cue:1:4: too large a number"},
	{"infinite.yaml", verbatim("a: .inf\n"), "infinite.yaml:1:4: a: is a number that readers of YAML 1.1 and 1.2 take for different ones"},
	{"octal.yaml", verbatim("mode: 0644\n"),
		"octal.yaml:1:7: mode: is a number that readers of YAML 1.1 and 1.2 take for different ones; write it in plain " +
			"decimal, or in quotes if it is text"},
	{"hex.yaml", verbatim("a: 0xFF\nb: 1_000\nc: 0b1\n"), "hex.yaml:3:4: c: is a number that readers"},
	{"binary.yaml", verbatim("a: !!binary aGk=\n"), "binary data"},
	{"tag.yaml", verbatim("a: !Ref b\n"), "the tag !Ref is not supported"},
	{"set.yaml", verbatim("a: !!set {b}\n"), "the tag !!set is not supported"},
	{"documents.yaml", verbatim("a: 1\n---\na: 2\n"), "documents.yaml:2:1: a second YAML document"},
	{"return.yaml", verbatim("a: 1\rb: 2\n"), `return.yaml:1:5: a line break that YAML readers do not agree on ("\r")`},
	{"nextline.yaml", verbatim("a: 1\u0085b: 2\n"), `("\u0085")`},
	{"separator.yaml", verbatim("a: 1\u2028b: 2\n"), `("\u2028")`},
	{"tab.yaml", verbatim("a:\n\tb: 1\n"), "invalid YAML: found character that cannot start any token"},
	{"twice.json", verbatim("{\"a\": 1,\n \"\\u0061\": 2}"), "twice.json:2:2: a: duplicate key; the first is at twice.json:1:2"},
	{"twice.yaml", verbatim("ports:\n  80: 1\n  \"80\": 2\n"), `twice.yaml:3:3: ports.80: duplicate key; the first is at twice.yaml:2:3`},
	{"surrogate.json", verbatim(`{"a": "\ud800"}`), "half of a surrogate pair"},
	{"comma.json", verbatim("{\"a\": 1,\n}"),
		"comma.json:2:1: invalid JSON: invalid character '}' looking for beginning of object key string; remove the comma " +
			"before it"},
	{"comment.json", verbatim("{\"a\": 1 // one\n}"), "JSON has no comments"},
	{"missing.json", verbatim("{\"a\": 1\n \"b\": 2}"),
		"missing.json:2:2: invalid JSON: invalid character '\"' after object key:value pair; a comma is missing before it"},
	{"open.json", verbatim("{\"a\": 1\n\n"),
		"open.json:1:8: invalid JSON: unexpected end of JSON input; a closing bracket or quote is missing"},
	{"more.json", verbatim("{}{}"), "more.json:1:3: invalid JSON: invalid character '{' after top-level value"},
	{"array.json", verbatim("[]"), "array.json:1:1: a manifest must be an object of fields such as name and all, got a list"},
	{"scalar.yaml", verbatim("just text\n"), "scalar.yaml:1:1: a manifest must be an object of fields such as name and all, got a string"},
	{"cycle.cue", verbatim("a: b\nb: {c: a}\n"), "b.c: refers to itself (a cycle)"},
	{"self.cue", verbatim("a: a\n"), "self.cue:1:4: a: needs a value"},
	{"validator.cue", verbatim("import \"strings\"\na: strings.MinRunes(3)\n"), "needs a value"},
	{"panic.cue", verbatim("import \"encoding/json\"\na: json.Unmarshal(\"{\")\n"), "a: "},
	{"read.cue", verbatim("import \"tool/file\"\na: file.Read & {filename: \"/etc/passwd\"}\n"), "runs commands, which a build does not"},
}

// verbatim returns content given as it is.
func verbatim(s string) func() string { return func() string { return s } }

// repeated returns a text repeated up to about size bytes.
func repeated(s string, size int) func() string {
	return func() string { return strings.Repeat(s, size/max(len(s), 1)) }
}

// nested returns n opening texts and as many closing ones. A closing text that begins with 1 is the whole end.
func nested(before, after string, n int) func() string {
	return func() string {
		if strings.HasPrefix(after, "1") {
			return strings.Repeat(before, n) + after
		}
		return strings.Repeat(before, n) + strings.Repeat(after, n)
	}
}

// numbered returns n lines made with a format that takes a number. The numbers make each key another one.
func numbered(format, before, after string, n int) func() string {
	return func() string {
		var out strings.Builder
		out.WriteString(before)
		for i := range n {
			fmt.Fprintf(&out, format, i)
		}
		return out.String() + after
	}
}

// noise returns random bytes, the same ones in each run.
func noise() string {
	random := rand.NewChaCha8([32]byte{})
	data := make([]byte, 100_000)
	_, _ = random.Read(data)
	return strings.ReplaceAll(string(data), "\x00", "\xff")
}

// indented returns YAML in which each line is nested one level deeper. Its size grows with the square of the depth, so one
// megabyte is about 1400 levels.
func indented() string {
	var out strings.Builder
	for i := 0; out.Len() < 1_000_000; i++ {
		out.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return out.String()
}

// bomb returns a "billion laughs": each anchor refers to the one before ten times. Ten lines stand for ten billion values, so a
// reader must count values while it follows aliases.
func bomb() string {
	var out strings.Builder
	out.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 9 {
		fmt.Fprintf(&out, "a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 10), ", "))
	}
	return out.String()
}

// mergeBomb is bomb with merge keys in place of lists.
func mergeBomb() string {
	var out strings.Builder
	out.WriteString("a0: &a0 {x: 1}\n")
	for i := range 20 {
		fmt.Fprintf(&out, "a%d: &a%d\n  <<: [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 10), ", "))
	}
	return out.String()
}
