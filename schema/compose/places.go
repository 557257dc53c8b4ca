package compose

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Place is where a key stands in a Compose file. Line 0 means an unknown line.
type Place struct {
	File string
	Line int
}

// String returns file:line, or the file alone.
func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// places finds the lines of keys. compose-go gives no places for a loaded project, so each file is read a second time, as nodes. A
// value that cannot be found there has no line.
type places struct {
	dir   string
	files []placedFile // the named ones, and the files included or extended by them
}

// placedFile is a Compose file with its documents.
type placedFile struct {
	name      string
	documents []*yaml.Node
	lines     [][]byte
}

// add reads a file's documents, as far as they are YAML.
func (p *places) add(name string, data []byte) {
	// A file that compose-go refuses may be cut off here. Its error has the library's own
	// line, so the documents before the mistake are enough.
	f := placedFile{name: name, lines: bytes.Split(data, []byte("\n"))}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var document yaml.Node
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) || err != nil {
			break
		}
		if len(document.Content) > 0 {
			f.documents = append(f.documents, document.Content[0])
		}
	}
	p.files = append(p.files, f)
	for _, document := range f.documents {
		p.addIncluded(name, document)
	}
}

// addIncluded reads the files included by a document. A path with references to variables is not followed.
func (p *places) addIncluded(name string, document *yaml.Node) {
	list := valueOf(document, "include")
	if list == nil || list.Kind != yaml.SequenceNode {
		return
	}
	for _, item := range list.Content {
		paths := []*yaml.Node{resolve(item)}
		if inner := valueOf(item, "path"); inner != nil {
			paths = []*yaml.Node{inner}
			if inner.Kind == yaml.SequenceNode {
				paths = inner.Content
			}
		}
		for _, path := range paths {
			p.addFile(name, path.Value)
		}
	}
}

// addFile reads a file that another one names, unless it was read before.
func (p *places) addFile(from, name string) {
	path := name
	if !filepath.IsAbs(name) {
		path = filepath.Join(filepath.Dir(from), name)
	}
	// The limit is for files which include each other in many ways. compose-go reports a
	// real circle before any place is asked for.
	known := slices.ContainsFunc(p.files, func(f placedFile) bool { return f.name == path })
	if known || name == "" || len(p.files) > 200 {
		return
	}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || info.Size() > largestFile {
		return
	}
	if data, err := os.ReadFile(path); err == nil {
		p.add(path, data)
	}
}

// of returns the place of a key. Without one it is that of the nearest key around it.
func (p *places) of(path ...string) Place {
	// A later file and a later document override earlier ones, so the last place counts.
	// If the key itself is nowhere, for example because a merge made it, the path gets
	// shorter until a key is found.
	for ; len(path) > 0; path = path[:len(path)-1] {
		for i := len(p.files) - 1; i >= 0; i-- {
			for _, document := range slices.Backward(p.files[i].documents) {
				if line := p.lineIn(p.files[i].name, document, path, 0); line.Line > 0 {
					return line
				}
			}
		}
	}
	return Place{File: shown(p.files[0].name)}
}

// has reports whether a file has a key at its top.
func (p *places) has(key string) bool { return p.of(key).Line > 0 }

// lineIn returns the place of a key below a node. A service's own keys come before the extended ones.
func (p *places) lineIn(file string, node *yaml.Node, path []string, depth int) Place {
	at := 0
	for i, key := range path {
		name, value := find(node, key)
		if value == nil {
			if i == 2 && path[0] == "services" && depth < 20 {
				return p.inExtended(file, node, path, depth)
			}
			return Place{}
		}
		at, node = name.Line, value
	}
	return Place{shown(file), at}
}

// inExtended returns the place of a key in the service that another one extends. service is the extending service's node.
func (p *places) inExtended(file string, service *yaml.Node, path []string, depth int) Place {
	extends := valueOf(service, "extends")
	if extends == nil {
		return Place{}
	}
	name := extends.Value
	if inner := valueOf(extends, "service"); inner != nil {
		name = inner.Value
	}
	from := file
	if other := valueOf(extends, "file"); other != nil {
		p.addFile(file, other.Value)
		from = other.Value
		if !filepath.IsAbs(from) {
			from = filepath.Join(filepath.Dir(file), from)
		}
	}
	for _, f := range p.files {
		if f.name != from {
			continue
		}
		for _, document := range f.documents {
			if at := p.lineIn(f.name, document, append([]string{"services", name}, path[2:]...), depth+1); at.Line > 0 {
				return at
			}
		}
	}
	return Place{}
}

// find returns the key and the value of a member of an object, with merge keys, or of a list's item, by its number.
func find(node *yaml.Node, key string) (name, value *yaml.Node) { return findIn(node, key, 0) }

// findIn is find at a depth of merge keys. An anchor that merges itself would have no end.
func findIn(node *yaml.Node, key string, depth int) (name, value *yaml.Node) {
	node = resolve(node)
	switch {
	case node == nil || depth > 20:
		return nil, nil
	case node.Kind == yaml.SequenceNode:
		if i, err := strconv.Atoi(key); err == nil && i < len(node.Content) {
			return node.Content[i], resolve(node.Content[i])
		}
	case node.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == key {
				return node.Content[i], resolve(node.Content[i+1])
			}
		}
		// The object's own keys win over those of a merge key, wherever it stands.
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value != "<<" {
				continue
			}
			merged := []*yaml.Node{node.Content[i+1]}
			if list := resolve(node.Content[i+1]); list != nil && list.Kind == yaml.SequenceNode {
				merged = list.Content
			}
			for _, m := range merged {
				if name, value := findIn(m, key, depth+1); value != nil {
					return name, value
				}
			}
		}
	}
	return nil, nil
}

// valueOf returns the value of an object's member, nil without one.
func valueOf(node *yaml.Node, key string) *yaml.Node {
	_, value := find(node, key)
	return value
}

// resolve follows an alias to its anchor.
func resolve(node *yaml.Node) *yaml.Node {
	for range 20 {
		if node == nil || node.Kind != yaml.AliasNode {
			return node
		}
		node = node.Alias
	}
	return nil
}

// ofVariable returns the first line that refers to a variable.
func (p *places) ofVariable(name string) Place {
	reference := regexp.MustCompile(`\$(\{` + regexp.QuoteMeta(name) + `\b|` + regexp.QuoteMeta(name) + `\b)`)
	for _, f := range p.files {
		for i, line := range f.lines {
			if reference.Match(line) {
				return Place{shown(f.name), i + 1}
			}
		}
	}
	return Place{File: shown(p.files[0].name)}
}

// pathInMessage matches the path of a key in a message of compose-go.
var pathInMessage = regexp.MustCompile(`\b(services|jobs|volumes|networks|secrets|configs|include)((?:\.[A-Za-z0-9_-]+|\[[0-9]+\])+)`)

// serviceInMessage matches a quoted service in a message of compose-go.
var serviceInMessage = regexp.MustCompile(`[Ss]ervice "([^"]+)"`)

// inMessage returns the place named in a message of compose-go.
func (p *places) inMessage(message string) Place {
	if m := pathInMessage.FindStringSubmatch(message); m != nil {
		path := append([]string{m[1]}, strings.FieldsFunc(m[2], func(c rune) bool { return c == '.' || c == '[' || c == ']' })...)
		if at := p.of(path...); at.Line > 0 {
			return at
		}
	}
	if m := serviceInMessage.FindStringSubmatch(message); m != nil {
		return p.of("services", m[1])
	}
	return Place{}
}

// shown returns a path as a user would write it: relative to the working directory if it is below it.
func shown(path string) string {
	if path == stdinName {
		return "standard input"
	}
	here, err := filepath.Abs(".")
	if err != nil || !filepath.IsAbs(path) {
		return path
	}
	if short, err := filepath.Rel(here, path); err == nil && !strings.HasPrefix(short, ".."+string(filepath.Separator)+"..") {
		return short
	}
	return path
}
