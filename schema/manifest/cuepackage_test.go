package manifest

import (
	"os"
	"strings"
	"testing"

	"github.com/pebble/spacel/schema/report"
)

const shop = `
-- cue.mod/module.cue --
module: "acme.com/x@v0"
language: version: "v0.14.0"
-- ci.cue --
package ci

env: string @tag(env)
-- apps/policy.cue --
package shop

all: instance_max?: <=4
all: tags: team: "payments"
-- apps/shop/app.cue --
package shop

name: "shop"
all: instance_max: 3
-- apps/shop/limits.cue --
package shop

all: elb_availability: _level
_level: "private"
-- apps/shop/limits_test.cue --
package shop

all: elb_availability: "disabled"
-- apps/shop/cmd_tool.cue --
package shop

import "tool/exec"

command: x: exec.Run
-- apps/shop/_old.cue --
package shop

name: "old"
-- apps/shop/.hidden.cue --
package shop

name: "hidden"
-- apps/shop/off.cue --
// Switched off.

@ignore()

package shop

name: "ignored"
`

const wholeShop = `
apps/shop/app.cue:3:7 name "shop"
apps/shop/limits.cue:3:24 all.elb_availability "private"
apps/shop/app.cue:4:20 all.instance_max 3
apps/policy.cue:4:18 all.tags.team "payments"
`

// A directory is read as cue export reads it: the files of its package there and above, without tests, tools and hidden
// files. Every way to write its name is the same directory.
func TestCUEPackage(t *testing.T) {
	for _, argument := range []string{"apps/shop", "apps/shop/", "./apps/shop", "apps/../apps/shop", "apps/shop:shop", "apps/shop/:shop"} {
		project(t, shop)
		same(t, readAt(t, argument), wholeShop)
	}
	t.Chdir("apps/shop")
	same(t, readAt(t, "."), strings.NewReplacer("apps/shop/", "", "apps/policy", "../policy").Replace(wholeShop))
	same(t, readAt(t, ".:shop"), strings.NewReplacer("apps/shop/", "", "apps/policy", "../policy").Replace(wholeShop))
}

// The files that an overlay adds to: a directory for each environment.
func TestCUEOverlay(t *testing.T) {
	project(t, shop+"-- apps/shop/prod/prod.cue --\npackage shop\n\nall: instance_min: 2\n")
	same(t, readAt(t, "apps/shop/prod"), `
apps/shop/app.cue:3:7 name "shop"
apps/shop/limits.cue:3:24 all.elb_availability "private"
apps/shop/app.cue:4:20 all.instance_max 3
apps/shop/prod/prod.cue:3:20 all.instance_min 2
apps/policy.cue:4:18 all.tags.team "payments"
`)
}

func TestCUEPackageMistakes(t *testing.T) {
	project(t, shop+"-- apps/shop/more.cue --\npackage shop\n\nall: instance_max: 5\n")
	if got := readAt(t, "apps/shop"); !strings.Contains(got, "all.instance_max") {
		t.Error(got)
	}
	project(t, shop+"-- apps/policy.cue --\npackage shop\n\nx: _ @embed(file=x)\n")
	same(t, readAt(t, "apps/shop"),
		"apps/policy.cue:3:6: @embed is not supported; write the content here, or keep it as a file in .space")
	project(t, shop+"-- apps/broken.cue --\npackage shop\n\nx: {\n")
	same(t, readAt(t, "apps/shop"), "apps/broken.cue:3:6: expected '}', found 'EOF'")
}

// A named file stays alone, and the files of its package that are not read are named.
func TestCUEFileOfAPackage(t *testing.T) {
	project(t, shop)
	same(t, readAt(t, "apps/shop/app.cue"), `
apps/shop/app.cue:3:7 name "shop"
apps/shop/app.cue:4:20 all.instance_max 3
apps/shop/app.cue: note: apps/shop/limits.cue and apps/policy.cue are of package shop, too, and not read; name the directory, `+
		`apps/shop, to read the whole package
`)
	var r report.Report
	r.Strict()
	if _, err := readManifest("apps/shop/app.cue", nil, &r); err != nil || !r.Failed(true) || r.Problems()[0].Severity != report.Error {
		t.Error(err, r.Problems())
	}
	project(t, shop+"-- apps/shop/other.cue --\npackage other\n\nname: \"other\"\n")
	same(t, readAt(t, "apps/shop/other.cue"), `apps/shop/other.cue:3:7 name "other"`)
	if got := readAt(t, "apps/shop/app.cue"); !strings.Contains(got, "name the directory, apps/shop:shop, to") {
		t.Error(got)
	}
}

// Arguments that name no package, each with the ones that would do.
func TestCUEPackageArguments(t *testing.T) {
	project(t, shop+`
-- several/a.cue --
package a
-- several/b.cue --
package b
-- several/c.cue --
package _
-- loose/one.cue --
name: "x"
-- empty/readme.txt --
`)
	for argument, want := range map[string]string{
		"several":       "several: has several CUE packages; name one of several:a, several:b",
		"several:c":     "several:c: no .cue file in several is of package c",
		"apps/shop:shp": "apps/shop:shp: no .cue file in apps/shop is of package shp; did you mean shop?",
		"loose":         "loose: no .cue file in it has a package clause; name a file, such as loose/one.cue",
		"empty":         "empty: there is no .space directory and no CUE package in it; name a manifest file",
		"apps/shop:":    `apps/shop:: "" is not the name of a CUE package`,
		"apps/shop:a-b": `apps/shop:a-b: "a-b" is not the name of a CUE package`,
		"apps/shop:_":   `apps/shop:_: "_" is not the name of a CUE package`,
		"apps/shop/app.cue:one": "apps/shop/app.cue:one: apps/shop/app.cue is a file; a CUE package is named by its directory, as " +
			"apps/shop:one",
		"nowhere:shop": "nowhere:shop: no such file or directory",
	} {
		var r report.Report
		_, err := readManifest(argument, nil, &r)
		if err == nil || !strings.Contains(err.Error(), want) || len(r.Problems()) > 0 {
			t.Errorf("got %v %v, want %s", err, r.Problems(), want)
		}
	}
}

// A name that exists as a file is that file, although it could name a package.
func TestCUEFileWithAColon(t *testing.T) {
	project(t, "-- x/a.cue --\npackage a\n-- x:a --\nname: \"file\"\n-- y:z/a.cue --\npackage a\n\nname: \"directory\"\n")
	same(t, readAt(t, "x:a"), `x:a:1:7 name "file"`)
	same(t, readAt(t, "y:z"), `y:z/a.cue:3:7 name "directory"`)
	same(t, readAt(t, "y:z:a"), `y:z/a.cue:3:7 name "directory"`)
}

// Without cue.mod only the directory itself is read.
func TestCUEPackageWithoutModule(t *testing.T) {
	project(t, "-- a/up.cue --\npackage p\n\nup: 1\n-- a/b/one.cue --\npackage p\n\nname: \"x\"\n-- a/b/two.cue --\npackage p\n\ntwo: 2\n"+
		"-- a/b/loose.cue --\nname: 7\n-- a/b/other_test.cue --\npackage q\n")
	same(t, readAt(t, "a/b"), `
a/b/one.cue:3:7 name "x"
a/b/two.cue:3:6 two 2
a/b/loose.cue: note: has no package clause, so it is not part of package p and is not read
`)
}

// Links inside the module are followed. One that leads out of it, or nowhere, could hide a rule, so it is an error.
func TestCUEPackageLinks(t *testing.T) {
	project(t, shop)
	if err := os.Symlink("../policy.cue", "apps/shop/inside.cue"); err != nil {
		t.Fatal(err)
	}
	same(t, readAt(t, "apps/shop"), strings.Replace(wholeShop, "apps/policy", "apps/shop/inside", 1))
	if err := os.Symlink("/etc/passwd", "apps/shop/outside.cue"); err != nil {
		t.Fatal(err)
	}
	same(t, readAt(t, "apps/shop:shop"),
		"apps/shop/outside.cue: cannot be read: it is a link to a file that is missing or outside of the module; put the file itself here")
}

// Files of other packages are not read beyond their package clause, wherever they are.
func TestCUEUnrelatedFiles(t *testing.T) {
	unrelated := `
-- huge.cue --
package data

` + strings.Repeat("// xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n", 8000) + `
-- apps/broken.cue --
// A file that does not parse.
@if(never)

package broken

{{{
-- apps/shop/template.cue --
package {{ .Name }}
-- apps/shop/cmd.cue --
@extern(embed)

package ci

x: _ @embed(file=x) @tag(x)
-- apps/shop/field.cue --
package: "x"
`
	project(t, shop+unrelated)
	same(t, readAt(t, "apps/shop:shop"), wholeShop)
	project(t, module+unrelated+"-- lib/ci.cue --\npackage ci\n\nx: string @tag(x)\n")
	if got := readAt(t, "apps/laika/app.cue"); !strings.Contains(got, "lib/defaults/defaults.cue:5:71 all.instance_min 1\n") {
		t.Error(got)
	}
}

// In an app directory the CUE files of the manifest's package, there and above, are part of the manifest and are not for
// instances. Any other file is.
func TestCUESpace(t *testing.T) {
	project(t, `
-- cue.mod/module.cue --
module: "acme.com/x@v0"
language: version: "v0.14.0"
-- base.cue --
package shop

all: tags: team: "payments"
-- .space/app.cue --
package shop

name: "shop"
all: services: web: image: "ex/web:1"
-- .space/common.cue --
package shop

all: elb_availability: "private"
-- .space/common_test.cue --
package shop

tests: {}
-- .space/config.cue --
level: "info"
-- .space/other.cue --
package other
-- .space/us-east-1/app.cue --
package shop

instance_max: _most
-- .space/us-east-1/most.cue --
package shop

_most: 7
`)
	same(t, readAt(t, "."), `
.space/app.cue:3:7 name "shop"
.space/common.cue:3:24 all.elb_availability "private"
.space/app.cue:4:28 all.services.web.image "ex/web:1"
base.cue:3:18 all.tags.team "payments"
.space/config.cue all.files."config.cue" "level: \"info\"\n"
.space/other.cue all.files."other.cue" "package other\n"
.space/us-east-1/app.cue:3:15 us-east-1.instance_max 7
`)
	var r report.Report
	if _, err := readManifest(".space:shop", nil, &r); err == nil || !strings.Contains(err.Error(), "is named without a package") {
		t.Error(err)
	}
}

// The module's language version decides on what its files may use, as in CUE.
func TestCUELanguageVersion(t *testing.T) {
	for _, c := range []struct{ version, want string }{
		{`language: version: "v0.16.0"`, `a.cue:5:7 name "x"`},
		{`language: {version: "v0.16.0"}`, `a.cue:5:7 name "x"`},
		{`language: version: "v0.14.0"`,
			`a.cue:3:1: parsing experiments for version "v0.14.0": cannot set experiment "try" before version v0.16.0`},
		{`language: version: "v0.99.0"`,
			`cue.mod/module.cue: language.version is v0.99.0, and this spacel knows CUE up to v0.17.1; install a newer spacel`},
		{`language: version: "0.14"`, `cue.mod/module.cue: language.version: must be a version such as v0.17.1, got "0.14"`},
		{``, `cue.mod/module.cue: language.version is missing; cue mod fix adds it`},
		{`language: version: "v0.7.0"`,
			`cue.mod/module.cue: language.version is v0.7.0, and CUE reads modules of v0.8.0 and later; cue mod fix raises it`},
		{"language: version: \"v0.14.0\"\nfoo: 1", `cue.mod/module.cue: foo: field not allowed`},
		{"language: version: \"v0.14.0\"\ndeps: \"a.com@v0\": v: \"v1.0.0\"", `cue.mod/module.cue: cannot make version from module ` +
			`"a.com@v0", version "v1.0.0": mismatched major version suffix in "a.com@v0" (version v1.0.0)`},
	} {
		project(t,
			"-- cue.mod/module.cue --\nmodule: \"x.com/m@v0\"\n"+c.version+"\n-- a.cue --\n@experiment(try)\n\npackage a\n\nname: \"x\"\n")
		same(t, readAt(t, "a.cue"), c.want)
	}
}

// Content without a file name is CUE, too, when it is not YAML but CUE.
func TestCUEOnStdin(t *testing.T) {
	for content, want := range map[string]string{
		"name: \"x\"\nall: services: web: image: \"n:1\"\n": "-:1:7 name \"x\"\n-:2:28 all.services.web.image \"n:1\"",
		"name: \"x\"\nall: {instance_max: 3}\n":             "-:1:7 name \"x\"\n-:2:21 all.instance_max 3",
		"let n = \"x\"\nname: n + \"y\" // comment\n":       `-:2:7 name "xy"`,
		"name: x\n  y: z\n": "-: if it is CUE, begin it with a package clause, such as package app" +
			"-:2:1: invalid YAML: mapping values are not allowed in this context",
	} {
		var r report.Report
		tree, err := readManifest("-", strings.NewReader(content), &r)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if tree != nil {
			got = dump(tree)
		}
		for _, p := range r.Problems() {
			got += p.String()
		}
		same(t, got, want)
	}
}
