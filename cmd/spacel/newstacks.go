package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	names "github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/deploy"
)

// newStacks are the stacks of a plan that are created with the same content: in several regions, and of several apps.
type newStacks struct {
	names   []string
	regions []string
	plan    deploy.StackPlan // of the first one
	app     string           // its name
}

// why is the reason for waiting, without the region's name.
func (n *newStacks) why() string { return strings.ReplaceAll(n.plan.Why, n.plan.Region+"/", "") }

// summarised splits a plan into the new stacks that a few lines describe, one entry for all regions and for apps of one shape, and the
// others. Stacks with dangers and adopted resources are among the others: these are shown in full.
func summarised(plan *deploy.Plan) (created []*newStacks, others []deploy.StackPlan) {
	byName, others := sameInRegions(plan.Stacks)
	index := map[string]*newStacks{}
	for _, n := range byName {
		n.app = strings.TrimPrefix(n.plan.Name, names.StackName(plan.Orbit, ""))
		key := strings.Join(slices.Concat(n.regions, []string{string(n.plan.Action), n.why()}, n.plan.New.Kinds, n.plan.New.Costs,
			withoutApp(withoutRegion(n.plan.New.Public, n.plan.Region), n.app)), "\x00")
		if slices.Contains(names.OrbitStacks(), n.app) {
			key = n.app // the orbit's own stacks have their own entries
		}
		like := index[key]
		if like == nil || n.plan.Guard != nil || len(n.plan.Tasks) > 0 {
			index[key] = n
			created = append(created, n)
			continue
		}
		like.names = append(like.names, n.names...)
	}
	return created, others
}

// sameInRegions is summarised for each stack alone.
func sameInRegions(stacks []deploy.StackPlan) (created []*newStacks, others []deploy.StackPlan) {
	index := map[string]*newStacks{}
	for _, s := range stacks {
		adopts := slices.ContainsFunc(s.Changes, func(c deploy.Change) bool { return c.Action != "Add" })
		if s.New == nil || len(s.Dangers) > 0 || adopts {
			others = append(others, s)
			continue
		}
		why := strings.ReplaceAll(s.Why, s.Region+"/", "")
		key := strings.Join(slices.Concat([]string{s.Name, string(s.Action), why}, s.New.Kinds, s.New.Costs,
			withoutRegion(s.New.Public, s.Region)), "\x00")
		if index[key] == nil {
			index[key] = &newStacks{names: []string{s.Name}, plan: s}
			created = append(created, index[key])
		}
		index[key].regions = append(index[key].regions, s.Region)
	}
	return created, others
}

// withoutRegion leaves the region's name out of texts, such as the bastions' host names.
func withoutRegion(texts []string, region string) []string {
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = strings.ReplaceAll(text, region, "REGION")
	}
	return out
}

// withoutApp leaves the app's name out of texts, such as host names. Letters and digits beside it belong to another word.
func withoutApp(texts []string, app string) []string {
	word := regexp.MustCompile(`\b` + regexp.QuoteMeta(app) + `\b`)
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = word.ReplaceAllString(text, "APP")
	}
	return out
}

// newStacks prints a new stack in a few lines: its resources by kind, what costs money, and what is public.
func (w *planWriter) newStacks(n *newStacks) {
	const most = 12
	stacks := strings.Join(n.names[:min(len(n.names), most)], ", ")
	if rest := len(n.names) - most; rest > 0 {
		stacks += fmt.Sprintf(" and %d more", rest)
	}
	head := fmt.Sprintf("%s %s in %s: %s", stacks, n.plan.Action, strings.Join(n.regions, ", "), plural(n.plan.New.Resources, "resource"))
	if len(n.regions) > 1 || len(n.names) > 1 {
		head += " each"
	}
	if why := n.why(); why != "" {
		head += ", " + printable(why)
	}
	w.wrapped(bold, head)
	w.wrapped(green, "  + "+strings.Join(n.plan.New.Kinds, ", "))
	public := n.plan.New.Public
	if len(n.regions) > 1 {
		public = withoutRegion(public, n.plan.Region)
	}
	if len(n.names) > 1 {
		public = withoutApp(public, n.app)
	}
	for _, line := range []struct {
		word  string
		texts []string
	}{{"costs", n.plan.New.Costs}, {"public", public}} {
		if len(line.texts) > 0 {
			w.wrapped("", "    "+line.word+": "+printable(strings.Join(line.texts, ", ")))
		}
	}
	w.tasks(n.plan.Tasks)
	w.guard(n.plan.Guard)
}

// impact prints what users of a deployed stack notice.
func (w *planWriter) impact(s deploy.StackPlan) {
	for _, e := range s.Impact {
		colour := yellow
		if e.Kind == "stops" || e.Kind == "data" || e.Kind == "restarts" || e.Kind == "unknown" {
			colour = red
		}
		if e.Kind == "nothing" {
			colour = ""
		}
		w.wrapped(colour, "  users: "+printable(e.Text))
		if e.Instead != "" {
			w.wrapped("", "    without that: "+printable(e.Instead))
		}
	}
}

// wrapped prints a line in the width of the terminal, its continuation lines indented a little more. Without a terminal it prints the line
// as it is. A word that is wider than the terminal stays whole, so that it can be copied.
func (w *planWriter) wrapped(colour, line string) {
	indent := len(line) - len(strings.TrimLeft(line, " "))
	for _, part := range wrap(line, w.width, indent+4) {
		text := part
		if colour != "" {
			text = w.paint(colour, part)
		}
		fmt.Fprintln(w, text)
	}
}

// wrap breaks a line at blanks into lines of at most width characters. A width of 0 breaks nothing.
func wrap(line string, width, indent int) []string {
	if width <= indent || len([]rune(line)) <= width {
		return []string{line}
	}
	lead := line[:len(line)-len(strings.TrimLeft(line, " "))]
	var out []string
	current := lead
	for i, word := range strings.Fields(line) {
		switch {
		case i == 0:
			current += word
		case len([]rune(current))+1+len([]rune(word)) > width:
			out = append(out, current)
			current = strings.Repeat(" ", indent) + word
		default:
			current += " " + word
		}
	}
	return append(out, current)
}
