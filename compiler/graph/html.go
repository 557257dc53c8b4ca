package graph

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/pebble/spacel/compiler/diff"
	"github.com/pebble/spacel/compiler/impact"
	"github.com/pebble/spacel/internal/printable"
)

//go:embed page.html
var pageText string

// pageTemplate escapes every text for the place where it stands.
var pageTemplate = template.Must(template.New("page").Parse(pageText))

// page is the content of the HTML page.
type page struct {
	Title, Subtitle string
	Compare         bool
	Regions         []pageRegion
	Sections        []pageSection
	Effects         []pageEffect
	Stacks          []pageStack
}

// pageRegion is a region's picture and matrix.
type pageRegion struct {
	Name, Zones string
	Picture     svgPicture
	Matrix      []reachRow
	Nodes       []svgBox
}

// pageSection is a list of findings.
type pageSection struct {
	Name string
	Rows []pageFinding
}

// pageFinding is a finding with its place.
type pageFinding struct{ Mark, Class, Text, Where, Line string }

// pageEffect is what users of a stack notice.
type pageEffect struct {
	Where string
	impact.Effect
}

// pageStack is a stack's changes.
type pageStack struct {
	Name, Status string
	Resources    []diff.Resource
}

// HTML writes one page that needs nothing else: no network, no script, no file beside it.
func (g *Graph) HTML(w io.Writer) error { return pageTemplate.Execute(w, g.page()) }

// page collects the content. Texts of manifests lose their control characters.
func (g *Graph) page() page {
	p := page{Title: "orbit " + printable.Line(g.Orbit), Compare: g.Compare}
	stacks := map[string]bool{}
	for _, r := range g.Regions {
		view := pageRegion{Name: r.Name, Zones: strings.Join(r.Zones, ", "), Picture: picture(r), Matrix: matrix(r)}
		for _, box := range view.Picture.Boxes {
			if box.Kind != impact.Outside {
				view.Nodes = append(view.Nodes, box)
			}
		}
		p.Regions = append(p.Regions, view)
	}
	report := g.Review.Report
	for _, s := range []struct {
		name     string
		findings []impact.Finding
	}{{"Rights", report.Rights}, {"Reach", report.Reach}, {"Public", report.Exposure},
		{"Metadata, encryption, retention", report.Protection}, {"Dynamic references", report.References}} {
		p.Sections = append(p.Sections, g.section(s.name, s.findings))
	}
	for _, s := range g.Review.Stacks {
		name := s.Region + "/" + s.Name
		stacks[name] = true
		p.Stacks = append(p.Stacks, pageStack{name, string(s.Status), s.Resources})
	}
	if g.Compare {
		for _, t := range report.Impact {
			for _, e := range t.Effects {
				p.Effects = append(p.Effects, pageEffect{t.Region + "/" + t.Stack, e})
			}
		}
	}
	p.Subtitle = fmt.Sprintf("%d regions, %d stacks", len(g.Regions), len(stacks))
	if g.Compare {
		p.Subtitle = fmt.Sprintf("%d regions, %d stacks differ", len(g.Regions), len(stacks))
	}
	return p
}

// section converts findings. Of a single artifact nothing is new, so there are no marks.
func (g *Graph) section(name string, findings []impact.Finding) pageSection {
	out := pageSection{Name: name}
	for _, f := range findings {
		row := pageFinding{Text: printable.Line(f.Text),
			Where: printable.Line(f.Region + "/" + f.Stack + " " + f.Resource), Line: printable.Line(f.From)}
		if g.Compare {
			row.Mark, row.Class = mark(f.Change), string(f.Change)
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}
