package schema

import (
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/policy"
	"github.com/pebble/spacel/schema/report"
)

// Policies reads the CUE package policy of a directory. It returns nil when the policies have a mistake, and reports it at its
// place. It returns an error if the directory is missing or has no policies.
func Policies(dir string, r *report.Report) (*policy.Set, error) {
	return policy.Read(manifest.NewReader(nil, Definitions, nil), dir, r)
}

// Cases reads the cases of a *_test.cue file. Mistakes in the file are reported.
func Cases(file string, r *report.Report) ([]policy.Case, error) {
	return policy.ReadCases(manifest.NewReader(nil, Definitions, nil), file, r)
}
