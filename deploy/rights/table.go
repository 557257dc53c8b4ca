package rights

import (
	_ "embed"
	"path"
	"slices"
	"strings"
	"sync"
)

// Both tables are made by .ci/lint/rights.py, which says from what.
//
//go:embed types.txt
var typesText string

//go:embed actions.txt
var actionsText string

// tables are the two tables, read once.
var tables = sync.OnceValue(func() (t struct {
	types map[string][]string   // resource type → actions
	arns  map[string][]resource // service:Action → the resources that it works on
}) {
	t.types, t.arns = map[string][]string{}, map[string][]resource{}
	for line := range lines(typesText) {
		kind, actions, _ := strings.Cut(line, " ")
		for group := range strings.FieldsSeq(actions) {
			t.types[kind] = append(t.types[kind], ungrouped(group)...)
		}
	}
	// The lines of a service begin with its resource types, for the actions after them.
	byKind := map[string]resource{}
	for line := range lines(actionsText) {
		fields := strings.Fields(line)
		if len(fields) == 3 {
			byKind[fields[0]+" "+fields[1]] = resource{fields[0], fields[1], fields[2]}
			continue
		}
		service, _, _ := strings.Cut(fields[0], ":")
		var resources []resource
		for kind := range strings.SplitSeq(fields[1], ",") {
			resources = append(resources, byKind[service+" "+kind])
		}
		for _, action := range ungrouped(fields[0]) {
			t.arns[action] = resources
		}
	}
	return t
})

// resource is a type of resource in the Service Authorization Reference.
type resource struct {
	service string // prefix of actions, such as ec2
	kind    string // such as security-group
	arn     string // with ${Partition}, ${Region}, ${Account} and variables for names
}

// lines yields the lines of a table without its comments.
func lines(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for line := range strings.Lines(text) {
			line = strings.TrimSpace(line)
			if line != "" && !strings.HasPrefix(line, "#") && !yield(line) {
				return
			}
		}
	}
}

// ungrouped expands service:A,B to service:A and service:B.
func ungrouped(group string) []string {
	service, names, _ := strings.Cut(group, ":")
	var out []string
	for name := range strings.SplitSeq(names, ",") {
		out = append(out, service+":"+name)
	}
	return out
}

// actionsOf returns the actions that CloudFormation calls for a type, and false for a type missing from the table.
func actionsOf(kind string) ([]string, bool) {
	actions, known := tables().types[kind]
	return actions, known
}

// resourcesOf returns the resources of an action. None means that IAM knows no resource for it, so that only * allows it. That
// holds for a wildcard, too, which stands for many actions.
func resourcesOf(action string) []resource { return tables().arns[action] }

// covers reports whether one action of a policy, which may have wildcards, allows everything that another one allows.
func covers(pattern, action string) bool {
	matched, err := path.Match(strings.ToLower(pattern), strings.ToLower(action))
	return err == nil && matched
}

// uncovered removes actions that another one in the list covers, and sorts the rest.
func uncovered(actions []string) []string {
	slices.Sort(actions)
	actions = slices.Compact(actions)
	return slices.DeleteFunc(slices.Clone(actions), func(action string) bool {
		return slices.ContainsFunc(actions, func(other string) bool { return other != action && covers(other, action) })
	})
}
