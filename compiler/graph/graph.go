// Package graph draws what an artifact deploys: regions, apps, load balancers and stores, and who can connect to whom. It prints
// text, Mermaid, and an HTML page. It draws the maps of package impact, and has no rules of its own.
package graph

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/impact"
	"github.com/pebble/spacel/compiler/review"
)

// Graph is the picture of an artifact, or of the change between two.
type Graph struct {
	Orbit   string
	Compare bool // there was an old side: changes are marked
	Regions []impact.Region
	Review  *review.Review // against the old side, or against nothing
}

// Draw draws one artifact, or with old the change from it.
func Draw(old, now *assembly.Assembly) (*Graph, error) {
	before := old
	if old == nil {
		before = assembly.Empty()
	}
	r, err := review.Compare(before, now)
	if err != nil {
		return nil, err
	}
	return Picture(old, now, r)
}

// Picture draws a change that is already compared.
func Picture(old, now *assembly.Assembly, r *review.Review) (*Graph, error) {
	g := &Graph{Orbit: now.Manifest.Orbit, Compare: old != nil, Review: r}
	var err error
	if g.Regions, err = impact.Maps(now); err != nil || old == nil {
		return g, err
	}
	regions, err := impact.Maps(old)
	g.Regions = impact.CompareMaps(regions, g.Regions)
	return g, err
}

// mark is the sign of a change: + - ~, or a blank.
func mark(change impact.Change) string {
	return map[impact.Change]string{impact.Added: "+", impact.Removed: "-", impact.Changed: "~"}[change]
}

// names maps the keys of a region's nodes to names that are unique in it: web, web's load balancer, main of web.
func names(r impact.Region) map[string]string {
	out := map[string]string{}
	for _, n := range r.Nodes {
		switch n.Kind {
		case impact.Balancer:
			out[n.Key] = n.Name + "'s load balancer"
		case impact.Store:
			out[n.Key] = n.Name + " of " + n.App
		default:
			out[n.Key] = n.Name
		}
	}
	return out
}

// reachRow is a line of the reach matrix: one source, and each of its destinations with the ports.
type reachRow struct {
	From string
	To   []reachCell
}

// reachCell is a destination.
type reachCell struct {
	To, Ports, Mark string
	Change          impact.Change
}

// matrix is who can connect to whom in a region, by source.
func matrix(r impact.Region) []reachRow {
	names := names(r)
	var out []reachRow
	for _, l := range r.Edges {
		from := names[l.From]
		i := slices.IndexFunc(out, func(row reachRow) bool { return row.From == from })
		if i < 0 {
			i = len(out)
			out = append(out, reachRow{From: from})
		}
		out[i].To = append(out[i].To, reachCell{names[l.To], l.Ports, mark(l.Change), l.Change})
	}
	slices.SortFunc(out, func(a, b reachRow) int { return strings.Compare(a.From, b.From) })
	return out
}

// Text is the graph as lines: the nodes of each region, then the reach matrix.
func (g *Graph) Text() string {
	var out strings.Builder
	for _, r := range g.Regions {
		fmt.Fprintf(&out, "%s\n", strings.TrimSpace(r.Name+"  "+strings.Join(r.Zones, " ")))
		names := names(r)
		for _, n := range r.Nodes {
			if n.Kind == impact.Outside {
				continue
			}
			line := fmt.Sprintf("  %1s %s: %s", mark(n.Change), names[n.Key], strings.Join(n.Detail, ", "))
			if n.Public {
				line += " (public)"
			}
			out.WriteString(strings.TrimRight(line, " ") + "\n")
		}
		out.WriteString("  from → to: ports\n")
		for _, row := range matrix(r) {
			for _, cell := range row.To {
				fmt.Fprintf(&out, "  %1s %s → %s: %s\n", cell.Mark, row.From, cell.To, cell.Ports)
			}
		}
		out.WriteString("\n")
	}
	return out.String()
}
