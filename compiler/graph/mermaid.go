package graph

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pebble/spacel/compiler/impact"
)

// MaxMermaid and maxMermaidEdges are limits of Mermaid: a larger text or more edges are an error in place of a picture (Mermaid
// configuration, maxTextSize 50,000 and maxEdges 500).
const (
	MaxMermaid      = 45_000
	maxMermaidEdges = 450
)

// Mermaid is the graph as a Mermaid flowchart. Regions with the same picture are drawn once. A graph above Mermaid's limits is reduced:
// of a comparison to the changes and their neighbours, otherwise to the first regions, with a note of what is left out. Most is the largest
// size in bytes, at most MaxMermaid.
func (g *Graph) Mermaid(most int) string {
	groups := alike(g.Regions)
	if text, edges := chart(groups, ""); len(text) <= most && edges <= maxMermaidEdges {
		return text
	}
	note := ""
	if g.Compare {
		groups, note = changedOnly(groups)
	}
	for {
		text, edges := chart(groups, note)
		if len(text) <= most && edges <= maxMermaidEdges || len(groups) == 0 {
			return text
		}
		last := groups[len(groups)-1]
		if half := len(last.region.Edges) / 2; half > 0 && len(groups) == 1 {
			last.region.Edges = last.region.Edges[:half]
			last.region.Nodes = connected(last.region)
			groups[0] = last
			note = "too large for one picture: only a part is drawn. The HTML page has all"
			continue
		}
		groups = groups[:len(groups)-1]
		note = "too large for one picture: some regions are left out. The HTML page has all"
	}
}

// regionGroup is regions with the same picture.
type regionGroup struct {
	names  []string
	region impact.Region
}

// alike groups regions that differ in nothing but their name and zones.
func alike(regions []impact.Region) []regionGroup {
	var out []regionGroup
	index := map[string]int{}
	for _, r := range regions {
		bare := r
		bare.Name, bare.Zones = "", nil
		body, _ := chart([]regionGroup{{[]string{""}, bare}}, "")
		body = strings.ReplaceAll(body, r.Name, "{region}")
		i, known := index[body]
		if !known {
			i = len(out)
			index[body] = i
			out = append(out, regionGroup{region: r})
		}
		out[i].names = append(out[i].names, r.Name)
	}
	return out
}

// changedOnly keeps the changed nodes and links, and the nodes at their ends.
func changedOnly(groups []regionGroup) ([]regionGroup, string) {
	var out []regionGroup
	left := 0
	for _, g := range groups {
		before := len(g.region.Edges)
		g.region.Edges = slices.DeleteFunc(slices.Clone(g.region.Edges), func(l impact.Link) bool { return l.Change == "" })
		left += before - len(g.region.Edges)
		if g.region.Nodes = connected(g.region); len(g.region.Nodes) > 0 {
			out = append(out, g)
		}
	}
	return out, fmt.Sprintf("%d unchanged connections are left out", left)
}

// connected are the nodes that a link touches, and changed ones.
func connected(r impact.Region) []impact.Node {
	ends := map[string]bool{}
	for _, l := range r.Edges {
		ends[l.From], ends[l.To] = true, true
	}
	return slices.DeleteFunc(slices.Clone(r.Nodes), func(n impact.Node) bool { return !ends[n.Key] && n.Change == "" })
}

// chart writes the flowchart and returns its number of edges.
func chart(groups []regionGroup, note string) (string, int) {
	var out strings.Builder
	out.WriteString("flowchart LR\n")
	edges, next := 0, 0
	var styles []string
	if note != "" {
		fmt.Fprintf(&out, "  note[\"%s\"]\n", escaped(note))
	}
	for i, g := range groups {
		fmt.Fprintf(&out, "  subgraph region%d[\"%s\"]\n", i, escaped(strings.Join(g.names, ", ")))
		ids := map[string]string{}
		for _, n := range g.region.Nodes {
			next++
			id := fmt.Sprintf("n%d", next)
			ids[n.Key] = id
			open, shut := shape(n.Kind)
			fmt.Fprintf(&out, "    %s%s\"%s\"%s", id, open, escaped(label(n)), shut)
			if n.Change != "" {
				fmt.Fprintf(&out, ":::%s", n.Change)
			}
			out.WriteString("\n")
		}
		for _, l := range g.region.Edges {
			arrow := map[impact.Change]string{impact.Removed: "-. \"%s\" .->", impact.Added: "== \"%s\" ==>"}[l.Change]
			if arrow == "" {
				arrow = "-- \"%s\" -->"
			}
			fmt.Fprintf(&out, "    %s "+arrow+" %s\n", ids[l.From], escaped(mark(l.Change)+l.Ports), ids[l.To])
			if colour := lineColours[l.Change]; colour != "" {
				styles = append(styles, fmt.Sprintf("  linkStyle %d stroke:%s\n", edges, colour))
			}
			edges++
		}
		out.WriteString("  end\n")
	}
	out.WriteString(strings.Join(styles, ""))
	out.WriteString("  classDef added stroke:#1a7f37,stroke-width:3px\n  classDef removed stroke:#cf222e,stroke-dasharray:4\n" +
		"  classDef changed stroke:#9a6700,stroke-width:3px\n")
	return out.String(), edges
}

// lineColours are the colours of changed connections, the same as on the page.
var lineColours = map[impact.Change]string{impact.Added: "#1a7f37", impact.Removed: "#cf222e"}

// shape is the outline of a kind of node.
func shape(kind impact.NodeKind) (open, shut string) {
	switch kind {
	case impact.Store:
		return "[(", ")]"
	case impact.Outside:
		return "([", "])"
	case impact.Balancer:
		return "{{", "}}"
	}
	return "[", "]"
}

// label is a node's text: its name, and the details on a second line.
func label(n impact.Node) string {
	text := mark(n.Change) + n.Name
	if len(n.Detail) > 0 {
		text += "\n" + strings.Join(n.Detail, ", ")
	}
	return text
}

// escaped writes a text for Mermaid's quoted labels. Characters with a meaning there or in HTML become entity codes, which Mermaid
// writes with # in place of &.
func escaped(text string) string {
	var out strings.Builder
	for _, r := range text {
		switch {
		case r == '\n':
			out.WriteString("<br>")
		case strings.ContainsRune("\"#;&<>`{}[]()|\\", r) || r < ' ' || r == 0x7f || r > 0x7e && r != '→':
			fmt.Fprintf(&out, "#%d;", r)
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}
