package cuevendor

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cuelang.org/go/mod/modregistrytest"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/pebble/spacel/internal/cuecommand"
	"github.com/pebble/spacel/schema/cuemodules"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// registryModules are the modules of a team. platform's package imports one of net, and two of its files are one package.
const registryModules = `
-- acme.com_net_v0.1.0/cue.mod/module.cue --
module: "acme.com/net@v0"
language: version: "v0.14.0"
-- acme.com_net_v0.1.0/lib/lib.cue --
package lib
Sources: ["10.0.0.0/8"]
-- acme.com_net_v1.0.0/cue.mod/module.cue --
module: "acme.com/net@v1"
language: version: "v0.14.0"
-- acme.com_net_v1.0.0/lib/lib.cue --
package lib
Sources: ["172.16.0.0/12"]
-- acme.com_platform_v0.2.0/cue.mod/module.cue --
module: "acme.com/platform@v0"
language: version: "v0.14.0"
deps: "acme.com/net@v0": v: "v0.1.0"
-- acme.com_platform_v0.2.0/README.md --
A file that is no CUE counts for the digest.
-- acme.com_platform_v0.2.0/web.cue --
package platform
import "acme.com/net/lib"
#Web: {
	name: string
	all: {instance_max: *4 | int, public_ports: "80": sources: lib.Sources, services: (name): image: "ex/\(name):1"}
}
-- acme.com_platform_v0.2.0/big/big.cue --
package platform
#Web: all: instance_max: >=2
-- acme.com_platform_v0.2.0/web_test.cue --
package platform
#Web: name: "read although it is a test's file"
`

// appModule is the main module of the app that uses them.
const appModule = `
-- cue.mod/module.cue --
module: "acme.com/app@v0"
language: version: "v0.14.0"
deps: {
	"acme.com/net@v0": v: "v0.1.0"
	"acme.com/platform@v0": v: "v0.2.0"
}
-- shop.cue --
package shop
import "acme.com/platform/big:platform"
platform.#Web & {name: "shop", all: instance_max: 6}
`

const shopData = `{"all":{"instance_max":6,"public_ports":{"80":{"sources":["10.0.0.0/8"]}},` +
	`"services":{"shop":{"image":"ex/shop:1"}}},"name":"shop"}`

// unpack writes an archive into a new directory, which becomes the current one.
func unpack(t *testing.T, archive string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, f := range txtar.Parse([]byte(archive)).Files {
		write(t, f.Name, string(f.Data))
	}
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// start starts a registry on loopback, and makes the cache an empty directory.
func start(t *testing.T) (cache string) {
	t.Helper()
	files, err := txtar.FS(txtar.Parse([]byte(registryModules)))
	if err != nil {
		t.Fatal(err)
	}
	registry, err := modregistrytest.New(files, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(registry.Close)
	cache = t.TempDir()
	t.Cleanup(func() { makeWritable(t, cache) })
	t.Setenv("CUE_REGISTRY", registry.Host()+"+insecure")
	t.Setenv("CUE_CACHE_DIR", cache)
	return cache
}

// makeWritable lets a test change or remove the cache, whose directories CUE makes read-only.
func makeWritable(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			err = os.Chmod(path, 0o755)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// vendor runs Vendor in the current directory.
func vendor(t *testing.T, copies bool) error {
	t.Helper()
	_, err := Vendor(context.Background(), ".", cuemodules.OwnPath, copies)
	return err
}

// unplug makes every use of the network an error.
func unplug(t *testing.T) {
	t.Helper()
	t.Setenv("CUE_REGISTRY", "127.0.0.1:1+insecure")
}

// read returns the data of a manifest, or its mistakes.
func read(t *testing.T, path string) string {
	t.Helper()
	var r report.Report
	tree, err := manifest.Reader{Definitions: os.DirFS(t.TempDir())}.Read(path, &r)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, p := range r.Problems() {
		lines = append(lines, p.String())
	}
	if lines != nil {
		return strings.Join(lines, "\n")
	}
	return tree.JSON()
}

func want(t *testing.T, got string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(got, part) {
			t.Errorf("got %s\nwithout %s", got, part)
		}
	}
}

// The manifest that the cue command reads from the registry is the one that a build reads without a network.
func TestOneModuleForBothPrograms(t *testing.T) {
	start(t)
	unpack(t, appModule)
	if err := vendor(t, false); err != nil {
		t.Fatal(err)
	}
	out, errs, err := cuecommand.Run(t, ".", []string{"CUE_REGISTRY=" + os.Getenv("CUE_REGISTRY")}, "export", ".")
	if err != nil {
		t.Fatal(err, errs)
	}
	var exported, own any
	if err := json.Unmarshal([]byte(out), &exported); err != nil {
		t.Fatal(err)
	}
	unplug(t)
	if err := json.Unmarshal([]byte(read(t, "shop.cue")), &own); err != nil {
		t.Fatal(err, read(t, "shop.cue"))
	}
	if diff := cmp.Diff(exported, own); diff != "" {
		t.Error(diff)
	}
	want(t, read(t, "shop.cue"), shopData)
}

func TestCopiesNeedNoCache(t *testing.T) {
	start(t)
	unpack(t, appModule)
	if err := vendor(t, true); err != nil {
		t.Fatal(err)
	}
	unplug(t)
	t.Setenv("CUE_CACHE_DIR", filepath.Join(t.TempDir(), "none"))
	want(t, read(t, "shop.cue"), shopData)
	write(t, "cue.mod/spacel/acme.com/net@v0.1.0/lib/lib.cue", "package lib\nSources: []\n")
	want(t, read(t, "shop.cue"), "acme.com/platform@v0.2.0/web.cue:2:8: acme.com/net@v0.1.0 differs from its digest in cue.mod/spacel.sum",
		"cue.mod/spacel/acme.com/net@v0.1.0", "run spacel vendor")
}

func TestNothingVendored(t *testing.T) {
	start(t)
	unpack(t, appModule)
	unplug(t)
	want(t, read(t, "shop.cue"),
		"shop.cue:2:8: cue.mod/spacel.sum has no digest of acme.com/platform@v0.2.0; run spacel vendor and commit the file")
}

func TestCacheIsMissing(t *testing.T) {
	start(t)
	unpack(t, appModule)
	if err := vendor(t, false); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CUE_CACHE_DIR", t.TempDir())
	want(t, read(t, "shop.cue"),
		"shop.cue:2:8: acme.com/platform@v0.2.0 is neither in cue.mod/spacel nor in the cache", "run spacel vendor")
}

// A file that is no CUE counts, too, and so does a link in place of a file.
func TestCacheWasChanged(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, dir string){
		"differs from its digest": func(t *testing.T, dir string) { write(t, dir+"/README.md", "changed") },
		"is a link": func(t *testing.T, dir string) {
			if err := os.Symlink("/etc/passwd", dir+"/link.cue"); err != nil {
				t.Fatal(err)
			}
		},
		"larger than 64 MiB": func(t *testing.T, dir string) { write(t, dir+"/large", strings.Repeat("x", 64<<20)) },
	} {
		t.Run(name, func(t *testing.T) {
			cache := start(t)
			unpack(t, appModule)
			if err := vendor(t, false); err != nil {
				t.Fatal(err)
			}
			makeWritable(t, cache)
			os.Chmod(cache+"/mod/extract/acme.com/platform@v0.2.0/README.md", 0o644)
			change(t, cache+"/mod/extract/acme.com/platform@v0.2.0")
			want(t, read(t, "shop.cue"), name, "acme.com/platform@v0.2.0")
			before, _ := os.ReadFile(cuemodules.SumFile)
			if err := vendor(t, false); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("vendor accepts the changed cache: %v", err)
			}
			if after, _ := os.ReadFile(cuemodules.SumFile); string(after) != string(before) {
				t.Errorf("spacel.sum was changed to\n%s", after)
			}
		})
	}
}

// Two major versions of a module are two modules. An import says which, unless module.cue has a default.
func TestMajorVersions(t *testing.T) {
	start(t)
	deps := `"acme.com/net@v0": v: "v0.1.0", "acme.com/net@v1": v: "v1.0.0"`
	archive := func(deps, imported string) string {
		return "-- cue.mod/module.cue --\nmodule: \"acme.com/app@v0\"\nlanguage: version: \"v0.14.0\"\ndeps: {" + deps + "}\n" +
			"-- a.cue --\nimport \"" + imported + "\"\nsources: lib.Sources\n"
	}
	for _, c := range []struct{ deps, imported, want string }{
		{deps, "acme.com/net/lib@v1", `{"sources":["172.16.0.0/12"]}`},
		{deps, "acme.com/net/lib@v0:lib", `{"sources":["10.0.0.0/8"]}`},
		{deps, "acme.com/net/lib", "acme.com/net is a dependency in the versions v0 and v1; write the version into the import"},
		{deps + `, "acme.com/net@v1": default: true`, "acme.com/net/lib", `{"sources":["172.16.0.0/12"]}`},
		{deps, "acme.com/net/nothing@v0", "there is no package acme.com/net/nothing@v0 here"},
		{deps, "acme.com/net/lib@v2", "there is no package acme.com/net/lib@v2 here"},
	} {
		unpack(t, archive(c.deps, c.imported))
		if err := vendor(t, false); err != nil {
			t.Fatal(err)
		}
		want(t, read(t, "a.cue"), c.want)
	}
}

func TestModuleFileMistakes(t *testing.T) {
	start(t)
	for deps, message := range map[string]string{
		`"acme.com/nothing@v0": v: "v0.1.0"`: "acme.com/nothing@v0.1.0",
		`"acme.com/net@v0": v: "v0.9.0"`:     "acme.com/net@v0.9.0",
	} {
		unpack(t, "-- cue.mod/module.cue --\nmodule: \"a.com/a@v0\"\nlanguage: version: \"v0.14.0\"\ndeps: {"+deps+"}\n")
		if err := vendor(t, false); err == nil || !strings.Contains(err.Error(), "load "+message) {
			t.Errorf("%s: %v", deps, err)
		}
		if _, err := os.Stat(cuemodules.SumFile); err == nil {
			t.Errorf("%s: a sum was written", deps)
		}
	}
	unpack(t, appModule+"-- cue.mod/spacel.sum --\nacme.com/platform@v0.2.0 md5:abc\n")
	want(t, read(t, "shop.cue"), "cue.mod/spacel.sum:1: must be NAME@VERSION h1:DIGEST; delete the file and run spacel vendor")
	replaced := strings.Replace(appModule, `v: "v0.2.0"`, `{v: "v0.2.0", replaceWith: "./x"}`, 1)
	unpack(t, replaced)
	want(t, read(t, "shop.cue"), "cue.mod/module.cue: invalid module file: module replace is not allowed at this language version")
	unpack(t, strings.Replace(replaced, "v0.14.0", "v0.17.0", 1))
	want(t, read(t, "shop.cue"), "acme.com/platform@v0.2.0 is replaced by replaceWith in cue.mod/module.cue, which spacel does not support")
}

// A package in the module itself and in a dependency is ambiguous, as for the cue command.
func TestPackageInTwoPlaces(t *testing.T) {
	start(t)
	unpack(t, appModule+"-- cue.mod/pkg/acme.com/platform/big/big.cue --\npackage platform\n#Web: {}\n")
	if err := vendor(t, false); err != nil {
		t.Fatal(err)
	}
	want(t, read(t, "shop.cue"),
		"shop.cue:2:8: the package acme.com/platform/big is here and in acme.com/platform@v0.2.0; keep one of them")
	_, errs, err := cuecommand.Run(t, ".", []string{"CUE_REGISTRY=" + os.Getenv("CUE_REGISTRY")}, "export", ".")
	if err == nil || !strings.Contains(errs, "ambiguous import") {
		t.Errorf("the cue command: %v %s", err, errs)
	}
}

func TestRoot(t *testing.T) {
	unpack(t, appModule+"-- apps/a/a.cue --\npackage a\n")
	for dir, want := range map[string]string{".": ".", "apps/a": "."} {
		if got, err := Root(dir); err != nil || got != want {
			t.Errorf("%s: got %s, %v", dir, got, err)
		}
	}
	if _, err := Root("shop.cue"); err == nil || !strings.Contains(err.Error(), "must be the directory") {
		t.Error(err)
	}
	if _, err := Root("nowhere"); err == nil {
		t.Error("a missing directory has a root")
	}
	t.Chdir(t.TempDir())
	if _, err := Root("."); err == nil || !strings.Contains(err.Error(), "cue mod init") {
		t.Error(err)
	}
}
