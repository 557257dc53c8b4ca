package main

import (
	"bytes"
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pebble/spacel/internal/jsontext"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/resolved"
)

// The builder and the resolved value agree: the resolved value, given back as manifests, gives the same templates byte for
// byte.
func TestResolvedValueBuildsTheSame(t *testing.T) {
	compared := 0
	for _, dir := range someFolders(t, "../../testdata/golden") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Chdir(dir)
			orbit, apps := inputs(t)
			compared += buildsTheSame(t, orbit, apps)
		})
	}
	t.Run("everything", func(t *testing.T) {
		t.Chdir("../../testdata/everything")
		compared += buildsTheSame(t, "orbit.yaml", []string{"app.yaml"})
	})
	t.Run("samples", func(t *testing.T) {
		t.Chdir("../../testdata/samples")
		for _, orbit := range list(t, "orbit") {
			for _, app := range list(t, "app") {
				compared += buildsTheSame(t, "orbit/"+orbit, []string{"app/" + app})
			}
		}
	})
	if compared < 60 && !testing.Short() {
		t.Errorf("only %d builds were compared", compared)
	}
}

// buildsTheSame builds manifests, and their resolved value as manifests, and compares the templates and assets. It returns 0 when
// the manifests are refused, else 1.
func buildsTheSame(t *testing.T, orbit string, apps []string) int {
	t.Helper()
	var found report.Report
	model, err := schema.Load(context.Background(), schema.Inputs{Orbit: orbit, Apps: apps, Resolve: true}, &found)
	if err != nil {
		t.Fatal(err)
	}
	if model == nil {
		return 0
	}
	dir := t.TempDir()
	want, refused := buildResolved(t, filepath.Join(dir, "want"), orbit, apps)
	if refused {
		return 0
	}
	sections := map[string]*resolved.Section{}
	regions := model.Orbit.Listed
	for _, region := range model.Orbit.Regions {
		sections[region.Region] = region.Resolved
	}
	orbitFile := writeResolved(t, dir, "orbit.json", model.Orbit.Name, regions, sections)
	var appFiles []string
	for _, app := range model.Apps {
		sections := map[string]*resolved.Section{}
		for _, region := range app.Regions {
			sections[region.Region] = region.Resolved
		}
		appFiles = append(appFiles, writeResolved(t, dir, app.Name+".json", app.Name, inOrder(regions, sections), sections))
	}
	got, _ := buildResolved(t, filepath.Join(dir, "got"), orbitFile, appFiles)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s %v: the resolved value builds something else (-want +got):\n%s", orbit, apps, diff)
	}
	return 1
}

// inOrder returns the regions that have a section.
func inOrder(regions []string, sections map[string]*resolved.Section) []string {
	return slices.DeleteFunc(slices.Clone(regions), func(region string) bool { return sections[region] == nil })
}

// wavesOf removes the waves and the pause from a region's section, and returns them. They belong to all regions, so a manifest may
// have them in its section all only.
func wavesOf(section map[string]any) map[string]any {
	release, _ := section["release"].(map[string]any)
	moved := map[string]any{}
	for _, name := range []string{"waves", "pause"} {
		if value, ok := release[name]; ok {
			moved[name] = value
			delete(release, name)
		}
	}
	return moved
}

// writeResolved writes the resolved value as a manifest with a section for each region. The regions keep their order, since a
// release task runs in the first one.
func writeResolved(t *testing.T, dir, file, name string, regions []string, sections map[string]*resolved.Section) string {
	t.Helper()
	m := map[string]any{"name": name, "regions": regions}
	for region, section := range sections {
		data := section.Tree.Data().(map[string]any)
		for _, whole := range []string{"account", "role", "permissions_boundary"} {
			if value, ok := data[whole]; ok {
				m[whole] = value // the orbit's own, repeated in each region
				delete(data, whole)
			}
		}
		delete(data, "name")
		delete(data, "regions")
		m[region] = data
		all := map[string]any{}
		if _, ok := data["public_ports"]; ok {
			all["public_ports"] = map[string]any{} // so that no port is added to a region's
		}
		if release := wavesOf(data); len(release) > 0 {
			all["release"] = release
		}
		if len(all) > 0 {
			m["all"] = all
		}
	}
	text, err := jsontext.Indent(m)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, file)
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// buildResolved runs spacel build and returns templates and assets by path.
func buildResolved(t *testing.T, out, orbit string, apps []string) (files map[string]string, refused bool) {
	t.Helper()
	var said bytes.Buffer
	args := append([]string{"spacel", "build", "--with-orbit", "--out", out, "--orbit", orbit}, apps...)
	code := run(context.Background(), args, strings.NewReader(""), &said, &said)
	files = contents(t, out)
	maps.DeleteFunc(files, func(name, _ string) bool { return name == "sourcemap.json" || name == "manifest.json" })
	if code != 0 {
		files["report"] = said.String()
	}
	return files, code != 0
}
