package compiler

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/internal/hexdigest"
	"github.com/pebble/spacel/schema/report"
)

// part is what one capability contributes to a stack: a piece of template with the origin of each resource and the source
// of each parameter, and for an app what its instances need.
type part struct {
	cfn.Template
	origins map[string]report.Pos
	sources map[string]assembly.ValueFrom
	after   []assembly.StackRef // stacks it needs without taking an output of theirs
	guard   *assembly.Guard     // of the whole stack; nil for most parts
	release *assembly.Release   // likewise

	refused bool // a mistake in it is reported: it makes no template

	statements []cfn.Statement                     // of the instances' role
	document   func(*document.Document[cfn.Value]) // adds to the instance document; nil when there is nothing
	images     []assembly.ContainerImage           // that deploy checks; sorted
	waitFor    []cfn.Resource                      // what instances read at boot, and so must be there first
}

// add puts a resource into the part and notes where in the manifests it comes from.
func add[R cfn.Resource](p *part, at report.Pos, id string, resource R) R {
	if p.origins == nil {
		p.origins = map[string]report.Pos{}
	}
	p.origins[id] = at
	return cfn.Add(&p.Template, id, resource)
}

// parameter declares a parameter and where deploy gets its value. The same one may be declared again.
func (p *part) parameter(id string, declared cfn.Parameter, source assembly.ValueFrom) *cfn.Parameter {
	if p.sources == nil {
		p.sources = map[string]assembly.ValueFrom{}
	}
	p.sources[id] = source
	return p.Template.Parameter(id, declared)
}

// merge takes over all that another part contributes.
func (p *part) merge(other *part) {
	p.document = both(p.document, other.document)
	p.Template.Merge(&other.Template)
	p.origins = union(p.origins, other.origins)
	p.sources = union(p.sources, other.sources)
	p.after = append(p.after, other.after...)
	if other.guard != nil {
		p.guard = other.guard
	}
	if other.release != nil {
		p.release = other.release
	}
	p.refused = p.refused || other.refused
	p.statements = append(p.statements, other.statements...)
	p.waitFor = append(p.waitFor, other.waitFor...)
	p.images = append(p.images, other.images...)
}

// origin is where in the manifests something of the part comes from.
func (p *part) origin(id string) string {
	if at, known := p.origins[id]; known {
		return at.String()
	}
	return "spacel itself"
}

// both adds to the document what one and the other adds.
func both(one, other func(*document.Document[cfn.Value])) func(*document.Document[cfn.Value]) {
	if one == nil {
		return other
	}
	if other == nil {
		return one
	}
	return func(d *document.Document[cfn.Value]) {
		one(d)
		other(d)
	}
}

// union copies entries into a map that may be nil.
func union[V any](into, from map[string]V) map[string]V {
	if into == nil {
		into = map[string]V{}
	}
	maps.Copy(into, from)
	return into
}

// header is a stack's identity, for finish.
type header struct {
	net  network
	name string // document.StackVPC, StackTables, StackBastion or the app's name
	app  string // the app's name, "" for the orbit's own
	at   report.Pos
	tags map[string]string
}

// stackName is <orbit>-<name>.
func (h header) stackName() string { return document.StackName(h.net.orbit.Name, h.name) }

// finish checks a stack's part and turns it into a stack of the artifact directory and its template.
func finish(p *part, h header) (assembly.Stack, []byte, []string, error) {
	if problems := p.Check(); len(problems) > 0 {
		return assembly.Stack{}, nil, problems, nil
	}
	body, err := p.JSON()
	if err != nil {
		return assembly.Stack{}, nil, nil, err
	}
	if len(body) > cfn.MaxBody {
		problem := fmt.Sprintf("the template is %d bytes: CloudFormation allows %d", len(body), cfn.MaxBody)
		return assembly.Stack{}, nil, []string{problem}, nil
	}
	region := h.net.region.Region
	return assembly.Stack{
		Name:                  h.stackName(),
		Region:                region,
		App:                   h.app,
		Template:              region + "/" + h.stackName() + ".template.json",
		Digest:                hexdigest.SHA256(body),
		Capabilities:          p.Capabilities(),
		TerminationProtection: true,
		Tags:                  stackTags(h),
		DependsOn:             p.dependencies(),
		Parameters:            p.sources,
		Images:                p.images,
		Guard:                 p.guard,
		Release:               p.release,
	}, body, nil, nil
}

// stackTags adds the tags of orbit and app, by which spacel finds its stacks. CloudFormation copies a stack's tags to
// its resources.
func stackTags(h header) map[string]string {
	tags := maps.Clone(h.tags)
	if tags == nil {
		tags = map[string]string{}
	}
	tags[document.TagOrbit] = h.net.orbit.Name
	if h.app != "" {
		tags[document.TagApp] = h.app
	}
	return tags
}

// dependencies are the stacks that must exist before this one, sorted. An optional output is none: its value is empty
// until the other stack exists.
func (p *part) dependencies() []assembly.StackRef {
	refs := slices.Clone(p.after)
	for _, source := range p.sources {
		if source.Output != nil && !source.Output.Optional {
			refs = append(refs, assembly.StackRef{Region: source.Output.Region, Name: source.Output.Stack})
		}
	}
	slices.SortFunc(refs, func(a, b assembly.StackRef) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.Name, b.Name))
	})
	return slices.Compact(refs)
}
