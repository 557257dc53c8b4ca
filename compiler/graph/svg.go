package graph

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pebble/spacel/compiler/impact"
)

// The layout, in units of the SVG picture. Nodes stand in four columns: outside, load balancers, instances, stores.
const (
	columnWidth = 190
	columnGap   = 60
	nodeHeight  = 40
	rowGap      = 14
	margin      = 10
	letterWidth = 0.61 // of a letter of the monospaced font, in units of the font's size; texts are cut to fit their box
	titleSize   = 12
	smallSize   = 10
)

// svgBox is a node with its place.
type svgBox struct {
	impact.Node
	X, Y, Width, Height int
	Title, Sub, Full    string
	Class               string
}

// svgLine is a connection with its curve.
type svgLine struct {
	Path, Ports, Full, Class string
	X, Y                     int // of the ports
}

// svgPicture is the picture of a region.
type svgPicture struct {
	Width, Height int
	Boxes         []svgBox
	Lines         []svgLine
}

// column is a node's column.
func column(kind impact.NodeKind) int {
	switch kind {
	case impact.Balancer:
		return 1
	case impact.Instances:
		return 2
	case impact.Store:
		return 3
	}
	return 0
}

// picture lays a region out: an app's nodes stand in one band of rows, and everything outside of apps in the first column.
func picture(r impact.Region) svgPicture {
	out := svgPicture{Width: 2*margin + 4*columnWidth + 3*columnGap}
	nodes := slices.Clone(r.Nodes)
	slices.SortStableFunc(nodes, func(a, b impact.Node) int { return strings.Compare(band(a), band(b)) })
	places := map[string]svgBox{}
	top, outside := margin, margin
	for start := 0; start < len(nodes); {
		end := start
		for end < len(nodes) && band(nodes[end]) == band(nodes[start]) {
			end++
		}
		rows := [4]int{}
		for _, n := range nodes[start:end] {
			c := column(n.Kind)
			y := top + rows[c]*(nodeHeight+rowGap)
			rows[c]++
			if c == 0 {
				y = outside
				outside += nodeHeight + rowGap
				rows[c] = 0
			}
			box := boxOf(n, margin+c*(columnWidth+columnGap), y)
			places[n.Key] = box
			out.Boxes = append(out.Boxes, box)
		}
		top += slices.Max(rows[:]) * (nodeHeight + rowGap)
		start = end
	}
	out.Height = max(top, outside) + margin
	out.Lines = linesOf(r, places)
	return out
}

// linesOf are the connections, those with equal ends and the same change as one line. The lines into a box enter at different heights.
func linesOf(r impact.Region, places map[string]svgBox) []svgLine {
	names := names(r)
	var merged []impact.Link
	into := map[string]int{}
	for _, l := range r.Edges {
		same := func(m impact.Link) bool { return m.From == l.From && m.To == l.To && m.Change == l.Change }
		if i := slices.IndexFunc(merged, same); i >= 0 {
			merged[i].Ports += ", " + l.Ports
			continue
		}
		merged = append(merged, l)
		into[l.To]++
	}
	var out []svgLine
	entered := map[string]int{}
	for _, l := range merged {
		entered[l.To]++
		height := nodeHeight * entered[l.To] / (into[l.To] + 1)
		out = append(out, lineOf(places[l.From], places[l.To], height, l, names[l.From]+" → "+names[l.To]+": "+l.Ports))
	}
	return out
}

// band is the app that a node belongs to, empty for the outside.
func band(n impact.Node) string {
	if column(n.Kind) == 0 {
		return ""
	}
	if n.App == "" {
		return n.Name
	}
	return n.App
}

// boxOf is a node's box with texts that fit into it. The whole text is the box's title, which browsers show.
func boxOf(n impact.Node, x, y int) svgBox {
	detail := strings.Join(n.Detail, ", ")
	class := strings.ReplaceAll(string(n.Kind), " ", "-") + " " + string(n.Change)
	if n.Public {
		class += " public"
	}
	full := mark(n.Change) + n.Name
	if detail != "" {
		full += ": " + detail
	}
	return svgBox{Node: n, X: x, Y: y, Width: columnWidth, Height: nodeHeight,
		Title: cutText(mark(n.Change)+n.Name, columnWidth-16, titleSize),
		Sub:   cutText(detail, columnWidth-16, smallSize), Full: full, Class: strings.TrimSpace(class)}
}

// cutText shortens a text to a width.
func cutText(text string, width, size int) string {
	most := int(float64(width) / letterWidth / float64(size))
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}

// lineOf is a curve from the right side of one box to the left side of another, which it enters at a height. Between boxes of one
// column it leaves and enters on the right.
func lineOf(from, to svgBox, height int, l impact.Link, full string) svgLine {
	x1, y1 := from.X+from.Width, from.Y+from.Height/2
	x2, y2 := to.X, to.Y+height
	bend := columnGap / 2
	out := svgLine{Ports: cutText(mark(l.Change)+l.Ports, columnGap-4, smallSize), Full: full, Class: string(l.Change)}
	if x2 < x1 {
		x2 = to.X + to.Width
		out.Path = fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x1, y1-8, x1+columnGap-8, y1-8, x2+columnGap-8, y2, x2, y2)
		out.X, out.Y = x2+4, y2-4
		return out
	}
	out.Path = fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x1, y1, x1+bend, y1, x2-bend, y2, x2, y2)
	out.X, out.Y = x2-columnGap+4, y2-3
	return out
}
