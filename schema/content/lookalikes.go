package content

import (
	"regexp"
	"strings"

	names "github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/sections"
)

// People who know CloudFormation write its references where no template reads them. The instance gets such text as it is, so it
// has a warning that shows the right form. The warnings are for environments, files and units.

// A dynamic reference (CloudFormation User Guide, "Get values stored in other services using dynamic references"):
// {{resolve:secretsmanager:NAME:SecretString:KEY:STAGE:VERSION}}, {{resolve:ssm:NAME:VERSION}}, {{resolve:ssm-secure:NAME:VERSION}}.
var dynamicReference = regexp.MustCompile(`\{\{resolve:([a-z-]+):([^{}]*)\}\}`)

// pseudoParameter is one of CloudFormation's own parameters in the notation of Fn::Sub.
var pseudoParameter = regexp.MustCompile(`\$\{AWS::[A-Za-z]+\}`)

// variableLookalike warns about a variable whose value looks like a reference and is not one.
func (c Reader) variableLookalike(e sections.Entry) {
	switch e.Tree.Kind {
	case manifest.Text:
		if !c.textLookalike(e.Pos(), e.Tree.Text) {
			c.plainLookalike(e.Pos(), e.Tree.Text)
		}
	case manifest.Object:
		from := e.Tree.Lookup("from")
		switch {
		case len(e.Tree.Fields) == 1:
			c.objectLookalike(e.Pos(), e.Tree.Fields[0])
		case from != nil && from.Kind == manifest.Text && completeReference(from.Text):
			c.Report.Warnf(e.Pos(), "is given to the unit as JSON: a reference has the field from alone")
		}
	}
}

// objectLookalike warns about an object with one field that is a function of CloudFormation, or a reference with a misspelt from.
func (c Reader) objectLookalike(at report.Pos, f manifest.Field) {
	switch {
	case f.Key == "Ref" || strings.HasPrefix(f.Key, "Fn::"):
		c.functionLookalike(at, f)
	case f.Key != "from" && f.Value.Kind == manifest.Text && completeReference(f.Value.Text):
		c.Report.Warnf(at, `is given to the unit as JSON; to look the value up, write {from: "%s"}`, f.Value.Text)
	}
}

// functionLookalike warns about an object that is one of CloudFormation's functions.
func (c Reader) functionLookalike(at report.Pos, f manifest.Field) {
	form := `{from: "resource:LOGICAL_ID"}, with .ATTRIBUTE for an attribute`
	switch {
	case f.Key == "Ref" && f.Value.Kind == manifest.Text && resourceName.MatchString(f.Value.Text):
		form = `{from: "resource:` + f.Value.Text + `"}`
	case f.Key == "Fn::GetAtt":
		if id, attribute, ok := getAtt(f.Value); ok {
			form = `{from: "resource:` + id + "." + attribute + `"}`
		}
	}
	c.Report.Warnf(at, "is given to the unit as JSON: CloudFormation's functions have no effect here; write %s", form)
}

// getAtt returns the arguments of Fn::GetAtt, which are a list of two or a text with a dot.
func getAtt(t *manifest.Tree) (id, attribute string, ok bool) {
	text := t.Text
	if t.Kind == manifest.List && len(t.Items) == 2 {
		text = t.Items[0].Text + "." + t.Items[1].Text
	}
	id, attribute, ok = cutResource(text)
	return id, attribute, ok && attribute != ""
}

// textLookalike warns about CloudFormation's notation inside of text, and reports whether it did.
func (c Reader) textLookalike(at report.Pos, text string) bool {
	switch found := dynamicReference.FindStringSubmatch(text); {
	case found != nil:
		c.Report.Warnf(at, "holds {{resolve:%s:…}}, which stays as it is: CloudFormation resolves nothing here; write %s", found[1],
			dynamicForm(found[1], found[2]))
	case strings.Contains(text, "{{resolve:"):
		c.Report.Warnf(at, `holds {{resolve:, which stays as it is: CloudFormation resolves nothing here; write {from: "secret:NAME#KEY"} `+
			`or {from: "ssm:NAME"}`)
	default:
		return false
	}
	return true
}

// dynamicForm returns the reference that stands for a dynamic reference.
func dynamicForm(service, rest string) string {
	kind := names.FromSecret
	if strings.HasPrefix(service, "ssm") {
		kind = names.FromParameter
	}
	form := referenceForms[kind]
	if kind == names.FromParameter && parameterName.MatchString(rest) {
		form = kind + ":" + rest
	}
	// The parts of a secret's reference are NAME:SecretString:KEY, and an ARN has six colons of its own.
	name, key, _ := strings.Cut(rest, ":SecretString")
	if kind == names.FromSecret && (secretName.MatchString(name) || secretARN.MatchString(name)) {
		form = kind + ":" + name
		if key, _, _ = strings.Cut(strings.TrimPrefix(key, ":"), ":"); key != "" {
			form += "#" + key
		}
	}
	return `{from: "` + form + `"}`
}

// plainLookalike warns about the text of a variable that would be a reference inside of {from: …}, and about placeholders that
// have no effect in a variable. A fixed number of forms counts, because words of an app's own may look similar, such as cache:off.
func (c Reader) plainLookalike(at report.Pos, text string) {
	switch {
	case completeReference(text):
		c.Report.Warnf(at, `is given to the unit as text; to look the value up, write {from: "%s"}`, text)
	case strings.HasPrefix(text, `{"from"`):
		c.Report.Warnf(at, "is given to the unit as text: a reference is an object of the manifest, not JSON in a text")
	case pseudoParameter.MatchString(text):
		c.Report.Warnf(at, "holds %s, which stays as it is: CloudFormation replaces nothing here; write the value, "+
			"a region's in its section", pseudoParameter.FindString(text))
	case strings.Contains(text, "__VERSION__"):
		c.Report.Warnf(at, "holds __VERSION__, which stays as it is: it is replaced in units only, such as Environment=VERSION=__VERSION__")
	}
}

// completeReference reports whether text is a whole reference, such as ssm:/shop/token.
func completeReference(text string) (ok bool) {
	kind, name, _ := strings.Cut(text, ":")
	switch kind {
	case names.FromSecret:
		_, _, ok = cutSecret(name)
	case names.FromParameter:
		ok = parameterName.MatchString(name)
	case names.FromDatabase:
		ok = hasField(name, names.DatabaseFields())
	case names.FromCache:
		ok = hasField(name, names.CacheFields())
	case names.FromResource:
		_, _, ok = cutResource(name)
	}
	return ok
}

// hasField reports whether text is NAME.FIELD with one of the fields.
func hasField(text string, fields []string) bool {
	for _, field := range fields {
		if name, ok := strings.CutSuffix(text, "."+field); ok && name != "" && !strings.ContainsAny(name, " /") {
			return true
		}
	}
	return false
}
