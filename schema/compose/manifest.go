package compose

import (
	"bytes"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Manifest is an app's manifest, made of Compose files.
type Manifest struct {
	Name string
	root *yaml.Node
	*findings
	origin map[string][]string // the path in the Compose files of a path in the manifest
}

// Findings returns the differences between the Compose files and the manifest, in the files' order.
func (m *Manifest) Findings() []Finding { return m.sorted() }

// YAML returns the manifest.
func (m *Manifest) YAML() ([]byte, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(m.root); err != nil {
		return nil, err
	}
	return out.Bytes(), encoder.Close()
}

// Drop removes the value at a path of the manifest, such as all.services.web.ports[0], and lists it with the reason. It reports
// whether there was such a value. The reader of manifests finds values that spacel cannot take, and this package need not know
// their rules.
func (m *Manifest) Drop(path, reason string) bool {
	// The default health check goes to the lowest public port. It is refused when the port's
	// container lost its own port before, and there is no value to remove but the ports.
	keys := splitPath(path)
	if len(keys) == 2 && keys[1] == "health_check" {
		return m.withoutBalancer(reason)
	}
	for n := len(whole(keys)); n > 2; n-- {
		if !remove(m.root, keys[:n]) {
			continue
		}
		m.left(reason, m.originOf(keys)...)
		return true
	}
	return false
}

// whole shortens a path to a word of a command to the command itself: without one of its words it would be another command.
func whole(keys []string) []string {
	for n, key := range keys {
		if n > 2 && (key == "command" || key == "entrypoint" || key == "test") {
			return keys[:n+1]
		}
	}
	return keys
}

// withoutBalancer removes the public ports, when the checked one has lost its container. It reports whether there were any.
func (m *Manifest) withoutBalancer(reason string) bool {
	if !remove(m.root, []string{"all", "public_ports"}) {
		return false
	}
	all := mapping{valueOf(m.root, "all")}
	remove(m.root, []string{"all", "elb_availability"})
	all.set("elb_availability", "disabled")
	m.left("no port is public: "+reason, "services")
	return true
}

// originOf returns the path in the Compose files of a path in the manifest.
func (m *Manifest) originOf(keys []string) []string {
	for n := len(keys); n > 0; n-- {
		if from, ok := m.origin[strings.Join(keys[:n], "\x00")]; ok {
			return append(slices.Clone(from), keys[n:]...)
		}
	}
	return keys[1:] // without all
}

// from records the path in the Compose files of a value of the manifest.
func (m *Manifest) from(path []string, keys ...string) {
	m.origin[strings.Join(append([]string{"all"}, keys...), "\x00")] = path
}

// splitPath splits a path into its keys: all.services."a.b".ports[0] is all, services, a.b, ports, 0.
func splitPath(path string) []string {
	var keys []string
	for rest := path; rest != ""; {
		rest = strings.TrimPrefix(rest, ".")
		switch {
		case strings.HasPrefix(rest, `"`):
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return keys
			}
			key, _ := strconv.Unquote(quoted)
			keys, rest = append(keys, key), rest[len(quoted):]
		case strings.HasPrefix(rest, "["):
			index, after, _ := strings.Cut(rest[1:], "]")
			keys, rest = append(keys, index), after
		default:
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			keys, rest = append(keys, rest[:end]), rest[end:]
		}
	}
	return keys
}

// remove removes a value below a node. An object or a list that becomes empty is removed, too.
func remove(root *yaml.Node, keys []string) bool {
	last, around := keys[len(keys)-1], keys[:len(keys)-1]
	node := root
	for _, key := range around {
		if node = valueOf(node, key); node == nil {
			return false
		}
	}
	if !removeFrom(node, last, len(around) > 0 && around[len(around)-1] == "options") {
		return false
	}
	if len(node.Content) == 0 && len(around) > 3 {
		remove(root, around)
	}
	return true
}

// removeFrom removes a member of an object, or an item of a list. In options, the word before a value is its option.
func removeFrom(node *yaml.Node, last string, options bool) bool {
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == last {
				node.Content = slices.Delete(node.Content, i, i+2)
				return true
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(last); err == nil && i < len(node.Content) {
			from := i
			if options && i > 0 && strings.HasPrefix(node.Content[i-1].Value, "--") {
				from = i - 1
			}
			node.Content = slices.Delete(node.Content, from, i+1)
			return true
		}
	}
	return false
}

// mapping is an object of the manifest.
type mapping struct{ *yaml.Node }

// newMapping returns an empty object.
func newMapping() mapping { return mapping{&yaml.Node{Kind: yaml.MappingNode}} }

// set adds a field, and returns its key for a comment. An empty value is not added.
func (m mapping) set(key string, value any) *yaml.Node {
	node := nodeOf(value)
	if node == nil {
		return &yaml.Node{}
	}
	name := scalar(key)
	m.Content = append(m.Content, name, node)
	return name
}

// nodeOf returns the YAML of a value, nil for one that says nothing: nil, an empty text, false, an empty list.
func nodeOf(value any) *yaml.Node {
	switch v := value.(type) {
	case nil:
		return nil
	case mapping:
		return v.Node
	case *yaml.Node:
		return v
	case string:
		if v == "" {
			return nil
		}
		return scalar(v)
	case bool:
		if !v {
			return nil
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "true"}
	case int:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(v)}
	case []string:
		if len(v) == 0 {
			return nil
		}
		return sequence(v)
	}
	return nil
}

// sequence returns a list of texts, in one line if it is short.
func sequence(texts []string) *yaml.Node {
	list := &yaml.Node{Kind: yaml.SequenceNode}
	length := 0
	for _, text := range texts {
		list.Content = append(list.Content, scalar(text))
		length += len(text) + 4
	}
	if length < 100 {
		list.Style = yaml.FlowStyle
	}
	return list
}

// truthWord matches words for true, false or a number to the base 60 in YAML 1.1. In YAML 1.2 they are text.
var truthWord = regexp.MustCompile(`(?i)^(y|n|yes|no|on|off|true|false|null|~|[0-9]+(:[0-9]+)+)$`)

// scalar returns a text. The encoder quotes texts that YAML would take for something else.
func scalar(text string) *yaml.Node {
	// The library quotes texts for readers of YAML 1.2. Other tools that read the manifest
	// may follow YAML 1.1, so its words are quoted here.
	node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	switch {
	case strings.Contains(text, "\n"):
		node.Style = yaml.LiteralStyle
	case truthWord.MatchString(text):
		node.Style = yaml.DoubleQuotedStyle
	}
	return node
}

// inline writes an object in one line.
func inline(m mapping) mapping {
	m.Style = yaml.FlowStyle
	return m
}

// set2 adds a text, also an empty one.
func (m mapping) set2(key, value string) { m.Content = append(m.Content, scalar(key), scalar(value)) }

// falseNode is the value false, where true is the default.
func falseNode() *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "false"} }

// number returns a whole number, or a text for anything else, which the reader of manifests judges.
func number(text string) any {
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	return text
}

// sortedKeys returns the keys of a map.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
