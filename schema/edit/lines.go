package edit

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// yamlText is the text of a YAML manifest with the offset of each line.
type yamlText struct {
	body  []byte
	lines []int // where each line starts
	step  string
}

// setYAML sets a value in YAML text. Like setBraces, it parses only to find the place.
func setYAML(body []byte, path []string, value []byte) ([]byte, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(body, &document); err != nil || len(document.Content) != 1 {
		return nil, errors.New("it can't be read: spacel vet says why")
	}
	t := yamlText{body: body, step: indentStep(body)}
	// YAML forbids tabs in indents; the first one found is inside a text.
	if strings.Contains(t.step, "\t") {
		t.step = "  "
	}
	for offset := 0; offset <= len(body); {
		t.lines = append(t.lines, offset)
		n := bytes.IndexByte(body[offset:], '\n')
		if n < 0 {
			break
		}
		offset += n + 1
	}
	return t.set(document.Content[0], path, value)
}

// set follows the path down from a mapping, and replaces or inserts where it ends.
func (t yamlText) set(mapping *yaml.Node, path []string, value []byte) ([]byte, error) {
	if mapping.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("what stands above %s is no object", path[0])
	}
	for i := 0; i < len(mapping.Content); i += 2 {
		key, held := mapping.Content[i], mapping.Content[i+1]
		if key.Value != path[0] {
			continue
		}
		if held.Kind == yaml.AliasNode {
			return nil, fmt.Errorf("%s is an alias of &%s: write the object out there, or put the value in by hand", path[0], held.Value)
		}
		// A key without a value (services:) is null. Replacing it creates the object.
		if len(path) == 1 || held.Tag == "!!null" {
			return t.replace(mapping, key, held, path[1:], value), nil
		}
		return t.set(held, path[1:], value)
	}
	return t.insert(mapping, path, value)
}

// replace replaces the value of a key. The rest of the path becomes nested objects around the new value.
func (t yamlText) replace(mapping, key, held *yaml.Node, rest []string, value []byte) []byte {
	from := t.afterKey(key)
	if flow(mapping) {
		to := endOfFlow(t.body, from)
		return splice(t.body, from, to, " "+flowText(rest, value))
	}
	to := t.endOfEntry(key)
	comment := string(bytes.TrimSpace(t.body[from : from+lineRest(t.body[from:])]))
	if !strings.HasPrefix(comment, "#") {
		comment = held.LineComment
	}
	if comment != "" {
		comment = " " + comment
	}
	return splice(t.body, from, to, comment+t.block(rest, value, t.indentOf(key)+t.step))
}

// insert adds a key at the end of a mapping.
func (t yamlText) insert(mapping *yaml.Node, path []string, value []byte) ([]byte, error) {
	if flow(mapping) {
		opening := t.offset(mapping) + bytes.IndexByte(t.body[t.offset(mapping):], '{')
		closing := endOfFlow(t.body, opening+1)
		for closing < len(t.body) && t.body[closing] == ',' {
			closing = endOfFlow(t.body, closing+1)
		}
		end := contentEnd(t.body, opening, closing)
		comma := ", "
		if len(mapping.Content) == 0 {
			comma = ""
		}
		inside := strings.TrimSuffix(strings.TrimPrefix(flowText(path, value), "{"), "}")
		return splice(t.body, end, end, comma+inside), nil
	}
	last := mapping.Content[len(mapping.Content)-2]
	indent, end := t.indentOf(last), t.endOfEntry(last)
	return splice(t.body, end, end, t.block(path, value, indent)), nil
}

// flow reports whether a mapping is written in braces.
func flow(mapping *yaml.Node) bool { return mapping.Style&yaml.FlowStyle != 0 }

// block returns nested objects with the value in the innermost, each key on a line of its own.
func (t yamlText) block(path []string, value []byte, indent string) string {
	var out strings.Builder
	for _, name := range path {
		out.WriteString("\n" + indent + scalar(name) + ":")
		indent += t.step
	}
	var node yaml.Node
	if err := yaml.Unmarshal(value, &node); err != nil || node.Content[0].Kind != yaml.MappingNode {
		out.WriteString(" " + string(value))
		return out.String()
	}
	t.blockFields(&out, node.Content[0], indent)
	return out.String()
}

// blockFields writes the fields of a flow mapping as lines of a block. A long value would be hard to read on one
// line.
func (t yamlText) blockFields(out *strings.Builder, mapping *yaml.Node, indent string) {
	for i := 0; i < len(mapping.Content); i += 2 {
		key, held := mapping.Content[i], mapping.Content[i+1]
		out.WriteString("\n" + indent + scalar(key.Value) + ":")
		if held.Kind == yaml.MappingNode && len(held.Content) > 0 {
			t.blockFields(out, held, indent+t.step)
			continue
		}
		held.Style = 0
		text, err := yaml.Marshal(held)
		if err != nil {
			text = nil // it was YAML a moment ago
		}
		out.WriteString(" " + strings.TrimSpace(string(text)))
	}
}

// flowText returns nested objects with the value in the innermost, on one line.
func flowText(path []string, value []byte) string {
	if len(path) == 0 {
		return strings.ReplaceAll(string(value), `":`, `": `)
	}
	return "{" + scalar(path[0]) + ": " + flowText(path[1:], value) + "}"
}

// scalar returns a key as YAML writes it, in quotes where YAML needs them.
func scalar(text string) string {
	out, err := yaml.Marshal(text)
	if err != nil {
		return quoted(text)
	}
	return strings.TrimSpace(string(out))
}

// offset returns the offset of a node. The YAML library gives line and column, and counts columns in characters,
// not bytes.
func (t yamlText) offset(n *yaml.Node) int {
	at := t.lines[n.Line-1]
	for range n.Column - 1 { // columns count characters
		_, size := nextRune(t.body[at:])
		at += size
	}
	return at
}

// indentOf returns the indent of a key.
func (t yamlText) indentOf(key *yaml.Node) string { return strings.Repeat(" ", key.Column-1) }

// afterKey returns the offset after a key's colon.
func (t yamlText) afterKey(key *yaml.Node) int {
	at := t.offset(key)
	at = endOfToken(t.body, at)
	return at + bytes.IndexByte(t.body[at:], ':') + 1
}

// endOfEntry returns the end of the last line that belongs to a key. Comments after it belong to the next key.
func (t yamlText) endOfEntry(key *yaml.Node) int {
	end := t.lineEnd(key.Line)
	for line := key.Line + 1; line <= len(t.lines); line++ {
		text := string(t.body[t.lines[line-1]:t.lineEnd(line)])
		content := strings.TrimLeft(text, " ")
		indent := len(text) - len(content)
		// A list may stand at the same indent as its key, with a dash before each item.
		item := indent == key.Column-1 && (content == "-" || strings.HasPrefix(content, "- "))
		switch {
		case strings.TrimSpace(content) == "":
			continue
		case indent < key.Column && !item:
			return end
		}
		end = t.lineEnd(line)
	}
	return end
}

// lineEnd returns the offset where the text of a line ends, before white space and comments.
func (t yamlText) lineEnd(line int) int {
	end := len(t.body)
	if line < len(t.lines) {
		end = t.lines[line] - 1
	}
	if end > 0 && end > t.lines[line-1] && t.body[end-1] == '\r' {
		end--
	}
	return end
}
