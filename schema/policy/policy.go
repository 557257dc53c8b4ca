// Package policy holds the resolved value against rules in CUE: the policies of an organisation, and the expectations of tests.
//
//	policy.go       packages of policies
//	constraint.go   one resolved value against one CUE value
//	violation.go    the message and the place of a violation
//	testcase.go     the cases of *_test.cue files
package policy

import (
	"fmt"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/cuecontext"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/resolved"
)

// Package is the name of the CUE package in a directory of policies.
const Package = "policy"

// constrained lists the fields under which a policy has its rules: the orbit's and the app's merged section, and the region's
// name.
var constrained = []string{"orbit", "app", "region"}

// Set is the policies of one directory.
type Set struct {
	dir      string
	instance *manifest.Instance
	hidden   bool // there are hidden fields, which hold rules, too
}

// Read reads the policies of a directory. It returns nil when they have a mistake, and reports it at its place. An error means
// that no policies were found: the directory is missing, or none of its files belongs to package policy.
func Read(in manifest.Reader, dir string, r *report.Report) (*Set, error) {
	instance, err := in.LoadPackage(dir, Package, r)
	if instance == nil {
		return nil, err
	}
	if !declaresOnly(instance, r) {
		return nil, nil
	}
	// Policies alone must be free of conflicts. Else each value would be refused, at a place in the manifest.
	mistakes, err := manifest.Within(dir, func() error { return build(instance).Validate() })
	if err != nil {
		return nil, err
	}
	if mistakes != nil {
		instance.ReportErrors(mistakes, r)
		return nil, nil
	}
	return &Set{dir, instance, hasHidden(instance)}, nil
}

// hasHidden reports whether the policies have hidden fields at their top. It reads the syntax once. Without hidden fields the
// check of each value can leave out the pass over them.
func hasHidden(instance *manifest.Instance) bool {
	for _, file := range instance.Files {
		for _, d := range file.Decls {
			f, ok := d.(*ast.Field)
			if !ok {
				switch d.(type) {
				// These declare no field.
				case *ast.Package, *ast.ImportDecl, *ast.CommentGroup:
					continue
				}
				return true // an embedded value may have any
			}
			if name, _, err := ast.LabelName(f.Label); err != nil || strings.HasPrefix(name, "_") {
				return true
			}
		}
	}
	return false
}

// declaresOnly reports a top-level field under any other name than orbit, app and region. No value is compared with it. It is
// most likely misspelt, and its rules would never refuse anything. A name that begins with _ or # is free to choose.
func declaresOnly(instance *manifest.Instance, r *report.Report) bool {
	valid := true
	for _, file := range instance.Files {
		for _, d := range file.Decls {
			f, ok := d.(*ast.Field)
			if !ok {
				continue
			}
			name, _, err := ast.LabelName(f.Label)
			if err != nil || slices.Contains(constrained, name) || strings.HasPrefix(name, "_") || strings.HasPrefix(name, "#") {
				continue
			}
			valid = false
			at := manifest.PlaceOf(f.Label.Pos())
			r.Errorf(at.Pos(name), "%s", unknownField(name))
		}
	}
	return valid
}

// unknownField is the message for a field at the top of a policy that no value is compared with.
func unknownField(name string) string {
	return fmt.Sprintf("unknown field: a policy constrains orbit, app and region%s; begin the name of any other field with _ or #",
		report.Suggest(name, constrained))
}

// build evaluates an instance in a new context.
func build(instance *manifest.Instance) cue.Value {
	return cuecontext.New(cuecontext.CUE_DEBUG("")).BuildInstance(instance.Instance)
}

// perContext is the number of values checked in one context of CUE. A context keeps everything ever evaluated in it. A new one
// from time to time keeps memory flat, and costs one evaluation of the policies.
const perContext = 200

// Check compares values with the policies, and reports each violation at its line in the manifest. A value without an app is
// checked against the rules for orbit and region only. An error means that the evaluation takes too much time or memory.
func (s *Set) Check(values []resolved.Value, r *report.Report) error {
	for group := range slices.Chunk(values, perContext) {
		_, err := manifest.Within(s.dir, func() any { s.check(group, r); return nil })
		if err != nil {
			return err
		}
	}
	return nil
}

// check checks values in one context.
func (s *Set) check(values []resolved.Value, r *report.Report) {
	policies := rules{build(s.instance), s.hidden}
	for _, v := range values {
		for _, found := range policies.against(v) {
			r.Errorf(found.Pos, "%s", found.Message)
		}
	}
}
