package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/internal/stride"
	"github.com/pebble/spacel/schema"
)

const goldens = "../../testdata/golden"

// elsewhere are golden cases whose parameters come from what the tests' account does not have. deploy/values tests those.
var elsewhere = map[string]string{
	"alarms-endpoints":       "webhooks of Secrets Manager, KMS and PagerDuty",
	"app-certificate-lookup": "a certificate of ACM",
	"app-images":             "images of one's own",
	"orbit-images":           "images of one's own",
}

// Every golden case, with its orbit, becomes stacks, a second deployment of it finds nothing to do, and nothing drifted.
func TestGoldenCases(t *testing.T) {
	t.Parallel()
	cases, err := os.ReadDir(goldens)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(cases); i += stride.Short(4) {
		c := cases[i]
		if _, err := os.Stat(filepath.Join(goldens, c.Name(), "want/manifest.json")); err != nil || elsewhere[c.Name()] != "" {
			continue // it is to be refused
		}
		t.Run(c.Name(), func(t *testing.T) {
			t.Parallel()
			dir := buildInputs(t, goldenInputs(t, filepath.Join(goldens, c.Name())))
			w, cf := newFakeEnv(t)
			a, err := assembly.Read(dir)
			w.fatal(err)
			defer a.Close()
			cf.Zone("example.org")
			cf.Zone("example.co.uk")
			for _, s := range a.Manifest.Stacks {
				cf.Debian(s.Region)
				cf.Bucket(t, s.Region)
			}
			w.wantOutcome(w.mustDeploy(dir), activity.WasCreated, len(a.Manifest.Stacks))
			w.wantOutcome(w.mustDeploy(dir), activity.WasUnchanged, len(a.Manifest.Stacks))
			w.wantNoDrift(dir)
		})
	}
}

// goldenInputs are a case's manifests: orbit.*, and all else but want.
func goldenInputs(t *testing.T, dir string) schema.Inputs {
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var in schema.Inputs
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case e.Name() == "want", filepath.Ext(path) == ".env":
		case strings.HasPrefix(e.Name(), "orbit."):
			in.Orbit = path
		default:
			in.Apps = append(in.Apps, path)
		}
	}
	return in
}
