package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/pebble/spacel/schema/report"
)

// readYAML decodes with the YAML library that CUE uses, but not through CUE's decoder. CUE's decoder lets `<<`
// override a key written before it, reports wrong columns after a character beyond ASCII, and panics on odd line
// breaks.
func readYAML(s *inputFile) (t *Tree) {
	if at := oddBreak(s.data); at >= 0 {
		s.errorf(s.placeOf(at), "", `a line break that YAML readers do not agree on (%+q); use \n`, firstRune(s.data[at:]))
		return nil
	}
	defer s.recoverInto(&t, "read")
	root, ok := s.oneDocument()
	if !ok {
		return nil
	}
	y := &yamlReader{inputFile: s, lines: bytes.SplitAfter(s.data, []byte("\n")), open: map[*yaml.Node]bool{}}
	t, ok = y.value(root, "", 0)
	if !ok {
		return nil
	}
	return t
}

// firstRune returns the first character of data.
func firstRune(data []byte) string {
	r, _ := utf8.DecodeRune(data)
	return string(r)
}

// oneDocument returns the root of a file with one document, and refuses a second one.
func (s *inputFile) oneDocument() (*yaml.Node, bool) {
	data := s.data
	if rest, ok := bytes.CutPrefix(data, []byte("%YAML 1.2")); ok {
		// The two versions have the same length, so no column changes.
		data = append([]byte("%YAML 1.1"), rest...) // all the library knows
	}
	// A file may hold several documents, each after a line ---. Decode reads one at a time.
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	if err := decoder.Decode(&first); errors.Is(err, io.EOF) {
		s.errorf(s.filePlace(), "", "is empty; a manifest needs at least a name")
		return nil, false
	} else if err != nil {
		s.yamlError(err)
		return nil, false
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		at := Place{File: s.name, Line: second.Line, Col: max(second.Column, 1)}
		s.errorf(at, "", "a second YAML document; put each manifest in a file of its own")
		return nil, false
	case !errors.Is(err, io.EOF):
		s.yamlError(err)
		return nil, false
	}
	return first.Content[0], true
}

// yamlError reports a syntax error. The library puts the line into the text of the error, or gives none.
func (s *inputFile) yamlError(err error) {
	at, what := s.filePlace(), strings.TrimPrefix(err.Error(), "yaml: ")
	if line, rest, ok := strings.Cut(strings.TrimPrefix(what, "line "), ": "); ok {
		if n, notNumber := strconv.Atoi(line); notNumber == nil {
			at, what = Place{File: s.name, Line: n, Col: 1}, rest
		}
	}
	s.errorf(at, "", "invalid YAML: %s", what)
}

// yamlReader converts YAML's nodes into trees. Aliases and merges are written out.
type yamlReader struct {
	*inputFile
	lines [][]byte
	open  map[*yaml.Node]bool // anchors being written out
}

// place returns the place of a node. The library counts columns in characters, a Place counts bytes.
func (y *yamlReader) place(n *yaml.Node) Place {
	if n.Line < 1 || n.Line > len(y.lines) {
		return Place{File: y.name, Line: max(n.Line, 1), Col: max(n.Column, 1)}
	}
	line, col := y.lines[n.Line-1], 0
	for range n.Column - 1 {
		_, size := utf8.DecodeRune(line[min(col, len(line)):])
		col += max(size, 1)
	}
	return Place{File: y.name, Line: n.Line, Col: col + 1}
}

// value converts a node. It reports false when the rest of the file is to be skipped.
func (y *yamlReader) value(n *yaml.Node, path string, depth int) (*Tree, bool) {
	t := &Tree{At: y.place(n)}
	if !y.countNode(t.At, path, depth) {
		return nil, false
	}
	switch n.Kind {
	case yaml.AliasNode:
		return y.alias(n, path, depth)
	case yaml.SequenceNode:
		y.untagged(n, "!!seq", t.At, path)
		return t, y.list(t, n, path, depth)
	case yaml.MappingNode:
		y.untagged(n, "!!map", t.At, path)
		return t, y.object(t, n, path, depth)
	}
	y.scalar(t, n, path)
	return t, true
}

// alias returns the value of an alias. Its parts keep the places where the anchor has them. An alias inside of its own anchor would
// have no end.
func (y *yamlReader) alias(n *yaml.Node, path string, depth int) (*Tree, bool) {
	if y.open[n.Alias] {
		y.errorf(y.place(n), shorten(path, 60), "*%s refers to itself: it is inside its own anchor", n.Value)
		return nil, false
	}
	y.open[n.Alias] = true
	defer delete(y.open, n.Alias)
	return y.value(n.Alias, path, depth)
}

// untagged refuses tags on lists and objects. A manifest has no use for them.
func (y *yamlReader) untagged(n *yaml.Node, tag string, at Place, path string) {
	if n.ShortTag() != tag {
		y.refuse(at, path, "the tag %s is not supported; %s", n.Tag, instead(n.Tag))
	}
}

// functions lists CloudFormation's functions with a tag as their short form. The tags are refused with the long
// form as a fix.
var functions = []string{
	"And", "Base64", "Cidr", "Equals", "FindInMap", "GetAtt", "GetAZs", "If", "ImportValue", "Join", "Not", "Or", "Select", "Split", "Sub",
}

// instead returns the fix for a tag.
func instead(tag string) string {
	switch name := strings.TrimPrefix(tag, "!"); {
	case name == "Ref" || name == "Condition":
		return "write {" + name + ": …}"
	case slices.Contains(functions, name):
		return "write {Fn::" + name + ": …}"
	}
	return "remove it"
}

// list converts the items of a list, with their index in the path.
func (y *yamlReader) list(t *Tree, n *yaml.Node, path string, depth int) bool {
	t.Kind = List
	for i, node := range n.Content {
		item, ok := y.value(node, report.Index(path, i), depth+1)
		if !ok || !y.checkEntries(item.At, path, i) {
			return false
		}
		t.Items = append(t.Items, item)
	}
	return true
}

// object converts the fields of an object. Merges come last, since an object's own fields win.
func (y *yamlReader) object(t *Tree, n *yaml.Node, path string, depth int) bool {
	t.Kind = Object
	keys := keySet{}
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, node := n.Content[i], n.Content[i+1]
		at := y.place(name)
		key := y.key(name, path)
		if !y.checkEntries(at, path, i/2) {
			return false
		}
		inner := report.Member(path, key)
		if !keys.add(y.inputFile, key, at, inner) {
			continue
		}
		if name.ShortTag() == "!!merge" {
			merges = append(merges, node)
			continue
		}
		value, ok := y.value(node, inner, depth+1)
		if !ok {
			return false
		}
		t.Fields = append(t.Fields, Field{key, at, value})
	}
	return y.mergeAll(t, merges, path, depth)
}

// mergeAll adds missing fields from the objects under `<<`.
func (y *yamlReader) mergeAll(t *Tree, merges []*yaml.Node, path string, depth int) bool {
	for _, node := range merges {
		from, ok := y.value(node, path, depth+1)
		if !ok {
			return false
		}
		// YAML allows one object under << or a list of them. For each field the first object with it wins.
		sources := []*Tree{from}
		if from.Kind == List {
			sources = from.Items
		}
		for _, from := range sources {
			if !y.merge(t, from, path) {
				return false
			}
		}
	}
	return true
}

// merge adds the fields of one merged object. A field that exists stays: in YAML an object's own fields win over merged ones.
func (y *yamlReader) merge(t, from *Tree, path string) bool {
	if from.Kind != Object {
		y.refuse(from.At, report.Member(path, "<<"), "must be an object or a list of objects, got %s", from.Kind)
		return true
	}
	for _, f := range from.Fields {
		if t.Lookup(f.Key) != nil {
			continue
		}
		if !y.checkEntries(f.At, path, len(t.Fields)) {
			return false
		}
		t.Fields = append(t.Fields, f)
	}
	return true
}

// key returns a field's name: any scalar, as it is written.
func (y *yamlReader) key(n *yaml.Node, path string) string {
	if n.Kind == yaml.AliasNode {
		// A key may be an alias of a scalar. Any other anchor is refused below.
		n = n.Alias
	}
	at := y.place(n)
	switch {
	case n.Kind != yaml.ScalarNode:
		y.refuse(at, path, "a key must be a name, not a list or an object")
	case n.ShortTag() == "!!null":
		y.refuse(at, path, "a key is missing; quote %q if it is meant", n.Value)
	case n.Style&yaml.TaggedStyle != 0 && n.ShortTag() != "!!str":
		y.refuse(at, path, "the tag %s is not supported on a key; remove it", n.Tag)
	}
	return n.Value
}

// plainNumber matches a number as JSON writes it. As in YAML, it may have a plus sign and a point without digits
// on one side.
var plainNumber = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*|[0-9]*\.[0-9]+|[0-9]+\.)([eE][-+]?[0-9]+)?$`)

// scalar converts a scalar by its tag. Without a tag the library finds it from the text, by the rules of YAML 1.2's core schema
// and some of YAML 1.1.
func (y *yamlReader) scalar(t *Tree, n *yaml.Node, path string) {
	switch tag := n.ShortTag(); tag {
	case "!!null":
		t.Kind = Null
	case "!!bool":
		t.Kind, t.Text = Boolean, strings.ToLower(n.Value)
		if t.Text != "true" && t.Text != "false" {
			y.refuse(t.At, path, "is not true or false, as its tag says")
		}
	case "!!int", "!!float":
		y.number(t, n, path)
	case "!!str", "!!timestamp":
		t.Kind, t.Text = Text, n.Value
	case "!!binary":
		y.refuse(t.At, path, `binary data; of a file, write {"body": "<base64>"}`)
	default:
		y.refuse(t.At, path, "the tag %s is not supported; %s", n.Tag, instead(n.Tag))
	}
}

// number converts a number into JSON's form. It refuses numbers that readers of YAML 1.1 and 1.2 understand
// differently: 0644 is 420 in YAML 1.1, and 644 in YAML 1.2.
func (y *yamlReader) number(t *Tree, n *yaml.Node, path string) {
	t.Kind, t.Text = Number, jsonNumber(n.Value)
	if !plainNumber.MatchString(n.Value) {
		y.refuse(t.At, path,
			"is a number that readers of YAML 1.1 and 1.2 take for different ones; write it in plain decimal, or in quotes if "+
				"it is text")
		return
	}
	y.checkNumber(t.Text, t.At, path)
}

// jsonNumber converts +5, .5 and 5. into JSON's form.
func jsonNumber(written string) string {
	sign, digits := "", strings.TrimPrefix(written, "+")
	if rest, negative := strings.CutPrefix(digits, "-"); negative {
		sign, digits = "-", rest
	}
	whole, rest, point := strings.Cut(digits, ".")
	if !point {
		return sign + digits
	}
	if whole == "" {
		whole = "0"
	}
	if rest == "" || rest[0] == 'e' || rest[0] == 'E' {
		rest = "0" + rest
	}
	return fmt.Sprintf("%s%s.%s", sign, whole, rest)
}
