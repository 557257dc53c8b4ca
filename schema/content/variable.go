package content

import (
	"strings"

	names "github.com/pebble/spacel/agent/document"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/sections"
)

// Variable is an environment variable of a service.
type Variable struct {
	sections.Node
	Name    string
	Value   string
	Payload *Payload   // when set, Value is ""
	From    *Reference // when set, Value is ""
}

// Variable reads an environment variable. Lists and objects are passed to the container as JSON.
func (c Reader) Variable(e sections.Entry) Variable {
	v := Variable{Node: sections.NewNode(e.Pos(), nil), Name: e.Key}
	switch {
	case LooksEncrypted(e.Tree):
		v.Payload = c.Payload(e.Value)
	case isReference(e.Tree):
		v.From = c.Reference(e.Value)
	case e.Tree.Kind == manifest.Text || e.Tree.Kind == manifest.Number || e.Tree.Kind == manifest.Boolean:
		v.Value = e.Tree.Text
	default:
		v.Value = e.Tree.JSON()
	}
	c.variableLookalike(e)
	if strings.ContainsAny(v.Value, "\r\n") {
		c.Report.Errorf(e.Pos(), "must be one line: a container's environment cannot hold line breaks")
	}
	if size := len(v.Name) + len("=") + len(v.Value); size > names.MaxVariable {
		c.Report.Errorf(e.Pos(), "has %d bytes, and Docker takes %d of a variable's name and value together: use a file", size,
			names.MaxVariable)
	}
	return v
}
