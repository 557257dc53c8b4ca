package schema

import (
	"cmp"
	"context"
	"errors"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/pebble/spacel/schema/language"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/sections"
)

// Inputs names the manifests to load. A path is a file, a directory of an app, or - for standard input.
type Inputs struct {
	Orbit   string
	Apps    []string
	Stdin   io.Reader
	Regions []string // of --region: they must be the orbit's, and are its regions when its manifest lists none
	Resolve bool     // fill Resolved of each region in the model, which costs time and memory
}

// Load reads and checks the manifests of an orbit and of apps. It reports the mistakes of all of them in one run,
// so that a user need not fix them one at a time. The model is nil if the report holds an error.
//
// The error returned is for failures outside of the manifests: a file is missing or cannot be read, a .cue file
// takes too long, or the context was cancelled.
func Load(ctx context.Context, in Inputs, r *report.Report) (*Model, error) {
	if err := in.oneStdin(); err != nil {
		return nil, err
	}
	first, err := borrow()
	if err != nil {
		return nil, err
	}
	facts, err := first.Facts()
	if err != nil {
		return nil, err
	}
	model, err := in.load(ctx, r, first, facts)
	if err == nil {
		giveBack(first)
	}
	return model, err
}

// load is Load with the definitions compiled, for tests that load many manifests.
func (in Inputs) load(ctx context.Context, r *report.Report, first *language.Checker, facts *language.Facts) (*Model, error) {
	reader := manifest.NewReader(in.Stdin, Published, facts.RegionNames())
	l := &loader{facts: facts, report: r, reader: reader, narrow: in.Regions, resolve: in.Resolve}
	// A wrong orbit ends here. The checks of apps against it would only add messages about the same mistake.
	orbit, err := l.loadOrbit(in.Orbit, first)
	if err != nil || l.wrongOrbit {
		return nil, err
	}
	apps, err := l.loadApps(ctx, l.withoutOrbit(in), orbit, first)
	if err != nil {
		return nil, err
	}
	l.found.report(l.report)
	// Names can be compared only when all apps are loaded.
	l.reportDuplicateNames(apps)
	if r.Failed(false) {
		return nil, nil
	}
	return &Model{Orbit: orbit, Apps: apps}, nil
}

// oneStdin returns an error if two manifests are to be read from standard input. The second one would find it empty.
func (in Inputs) oneStdin() error {
	fromStdin := manifest.IsStdin
	apps := slices.DeleteFunc(slices.Clone(in.Apps), func(path string) bool { return !fromStdin(path) })
	if len(apps) > 1 || len(apps) == 1 && fromStdin(in.Orbit) {
		return errors.New("only one manifest can be read from standard input (-)")
	}
	return nil
}

// loader holds the state of one Load. Workers share it: facts are only read, and a report may be used by several
// goroutines.
type loader struct {
	facts  *language.Facts
	report *report.Report
	reader manifest.Reader
	narrow []string

	wrongOrbit    bool // the orbit's manifest is an app's: no app can be checked against it
	resolve       bool
	shared        sections.Value              // the orbit's field apps
	found         sharedProblems              // in it
	orbitSections map[string]sections.Section // what the orbit's manifest says of each of its regions, by region
}

// readOrbit reads the orbit's manifest and checks it against its definition. It returns nil if the file was refused as a whole.
func (l *loader) readOrbit(path string, c *language.Checker) (*document, error) {
	own := &report.Report{}
	t, err := l.readerFor(c, language.Orbit).ReadOne(path, own)
	if t == nil || err != nil {
		l.report.Add(own.Problems()...)
		return nil, err
	}
	return l.check(t, own, c, language.Orbit)
}

// readerFor returns a reader whose messages do not show the secrets of a manifest of a kind.
func (l *loader) readerFor(c *language.Checker, d language.Definition) manifest.Reader {
	reader := l.reader
	reader.Definition, reader.Accepts = string(d), func(t *manifest.Tree) bool { return c.Accepts(t, d) }
	reader.Secret = func(keys []string) bool { return c.Secret(d, keys) }
	return reader
}

// check checks a manifest against its definition. own holds the problems that were found when it was read. A manifest of the
// other kind has one message and no other: each of its fields would be unknown.
func (l *loader) check(t *manifest.Tree, own *report.Report, c *language.Checker, d language.Definition) (*document, error) {
	if apps := t.Lookup("apps"); d == language.App && apps != nil && apps.Kind == manifest.Object && t.Lookup("name") == nil {
		l.report.Errorf(report.Pos{File: t.At.File}, "has no name, and apps in it may be several: name them as %s#apps", t.At.File)
		return nil, nil
	}
	if c.OtherKind(t, d) {
		l.wrongOrbit = l.wrongOrbit || d == language.Orbit
		l.report.Errorf(report.Pos{File: t.At.File}, "%s", wrongKind(d))
		return nil, nil
	}
	l.report.Add(own.Problems()...)
	found := &report.Report{}
	if err := c.Check(t, d, found, l.facts.RegionNames()); err != nil {
		return nil, err
	}
	c.Texts(t, d, found)
	// CUE's own words are used only if the check found nothing, since they are harder to read.
	if !found.Failed(false) {
		found.Add(t.Refused...)
	}
	l.report.Add(found.Problems()...)
	l.report.Add(newPaths(t.Unknown, slices.Concat(own.Problems(), found.Problems()))...)
	// Fields such as x-base hold YAML anchors. The reader has written their values out where an alias stands.
	t.Fields = slices.DeleteFunc(t.Fields, func(f manifest.Field) bool { return strings.HasPrefix(f.Key, "x-") })
	return &document{
		facts: l.facts, report: l.report, root: sections.Value{Tree: t, At: t.At}, shared: l.shared, resolves: l.resolve,
	}, nil
}

// newPaths returns the problems at paths that no other problem has.
func newPaths(problems, others []report.Problem) []report.Problem {
	return slices.DeleteFunc(slices.Clone(problems), func(p report.Problem) bool {
		return slices.ContainsFunc(others, func(o report.Problem) bool { return o.Pos.Path == p.Pos.Path })
	})
}

// wrongKind is the message for a manifest that was given as d and is of the other kind.
func wrongKind(d language.Definition) string {
	if d == language.Orbit {
		return "this is an app's manifest: give it as an argument, and the orbit's with --orbit"
	}
	return "this is an orbit's manifest: give it with --orbit"
}

// withoutOrbit returns the apps' paths. The orbit's own file among them is reported: with --orbit orbit.yaml *.yaml it is both.
func (l *loader) withoutOrbit(in Inputs) []string {
	isOrbit := func(path string) bool { return path != "-" && filepath.Clean(path) == filepath.Clean(in.Orbit) }
	if i := slices.IndexFunc(in.Apps, isOrbit); i >= 0 {
		l.report.Errorf(report.Pos{File: in.Apps[i]}, "this is the orbit's manifest, given with --orbit already: leave it out of the apps")
	}
	return slices.DeleteFunc(slices.Clone(in.Apps), isOrbit)
}

// loadOrbit loads the orbit before the apps, because checks of apps depend on it.
func (l *loader) loadOrbit(path string, c *language.Checker) (*Orbit, error) {
	m, err := l.readOrbit(path, c)
	if m == nil || err != nil {
		return nil, err
	}
	var orbit *Orbit
	orbit, l.orbitSections = m.orbit(l.narrow)
	orbit.Digest = fingerprint(m.root.Tree)
	l.shared = m.part("apps")
	for _, region := range orbit.Regions {
		if region.Resolved != nil {
			region.Resolved.Secrets = c.Secrets(region.Resolved.Tree, language.Orbit)
		}
	}
	return orbit, nil
}

// loadApps loads apps in parallel. Each worker takes a checker from the channel, and compiles one if it gets nil:
// compiling takes longer than checking many apps, so there are no more checkers than workers.
func (l *loader) loadApps(ctx context.Context, paths []string, orbit *Orbit, first *language.Checker) ([]*App, error) {
	workers := min(runtime.GOMAXPROCS(0), len(paths))
	loaded := make([][]*App, len(paths))
	checkers := make(chan *language.Checker, max(workers, 1))
	checkers <- first
	for range workers - 1 {
		checkers <- nil
	}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(max(workers, 1))
	for i, path := range paths {
		work.Go(func() (err error) {
			if err := ctx.Err(); err != nil {
				return err
			}
			checker := <-checkers
			defer func() { checkers <- checker }()
			if checker == nil {
				if checker, err = borrow(); err != nil {
					return err
				}
			}
			loaded[i], err = l.loadArgument(path, orbit, checker)
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	for range max(workers, 1) {
		if c := <-checkers; c != nil && c != first {
			giveBack(c)
		}
	}
	// nil stands for an app with mistakes. They are in the report, so Load returns no model.
	apps := slices.DeleteFunc(slices.Concat(loaded...), func(a *App) bool { return a == nil })
	slices.SortFunc(apps, func(a, b *App) int { return cmp.Compare(a.Name, b.Name) })
	return apps, nil
}

// loadArgument loads the apps that an argument names: mostly one. Without a valid orbit they are checked against the
// definitions only.
func (l *loader) loadArgument(argument string, orbit *Orbit, c *language.Checker) ([]*App, error) {
	own := &report.Report{}
	selected, err := l.readerFor(c, language.App).ReadApps(argument, own)
	if len(selected) == 0 || err != nil {
		l.report.Add(own.Problems()...)
		return nil, err
	}
	var apps []*App
	for _, s := range selected {
		if name := s.Tree.Lookup("name"); name != nil {
			l.report.NameApp(s.In, name.Text)
		}
		app, err := l.app(s.Tree, own, orbit, c)
		if err != nil {
			return nil, err
		}
		own = &report.Report{} // its problems are of the argument as a whole
		apps = append(apps, app)
	}
	return apps, nil
}

// app checks an app and makes its model. It returns nil for an app with mistakes and without a valid orbit.
func (l *loader) app(t *manifest.Tree, own *report.Report, orbit *Orbit, c *language.Checker) (*App, error) {
	m, err := l.check(t, own, c, language.App)
	if m == nil || err != nil || orbit == nil {
		return nil, err
	}
	own = &report.Report{}
	m.report = own
	app := m.app(orbit, l.orbitSections)
	l.found.take(own, app.Name, l.shared, l.report)
	for _, region := range app.Regions {
		if region.Resolved != nil {
			region.Resolved.Secrets = c.Secrets(region.Resolved.Tree, language.App)
		}
	}
	return app, nil
}

// reportDuplicateNames reports apps with equal names: they would share one stack. Names that differ only in case count as
// equal, because their templates would be one file on macOS and Windows.
func (l *loader) reportDuplicateNames(apps []*App) {
	seen := map[string]*App{}
	byFile := slices.SortedFunc(slices.Values(apps), func(a, b *App) int { return cmp.Compare(a.Pos.File, b.Pos.File) })
	for _, app := range byFile {
		name := strings.ToLower(app.Name)
		if first, ok := seen[name]; ok && name != "" {
			where := first.Pos.File
			if where == app.Pos.File {
				where = cmp.Or(first.Pos.In, first.At("name").String())
			}
			l.report.Errorf(app.At("name"), "is also the name of the app in %s", where)
			continue
		}
		seen[name] = app
	}
}
