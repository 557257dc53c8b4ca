// Package assemblytest makes artifact directories in memory, for tests.
package assemblytest

import (
	"encoding/json"
	"testing"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/internal/hexdigest"
)

// Side is an artifact directory under construction, one side of a comparison.
type Side struct {
	t      *testing.T
	memory *assembly.InMemory
}

// New starts a directory of the orbit "test" without stacks.
func New(t *testing.T) Side { return Orbit(t, "test") }

// Orbit starts a directory of another orbit.
func Orbit(t *testing.T, orbit string) Side { return Side{t, assembly.NewInMemory(nil, orbit)} }

// Stack adds a stack of us-east-1 with the template's sections as JSON. The changes are applied to its entry in the manifest,
// before the template's path is set. The resource "A" has the place NAME.json:1:2 in the manifests.
func (s Side) Stack(name, sections string, change ...func(*assembly.Stack)) Side {
	s.t.Helper()
	body := []byte(`{"AWSTemplateFormatVersion": "2010-09-09", ` + sections + `}`)
	if !json.Valid(body) {
		s.t.Fatalf("not JSON: %s", body)
	}
	entry := assembly.Stack{Name: name, Region: "us-east-1", Digest: hexdigest.SHA256(body), Tags: map[string]string{}}
	for _, f := range change {
		f(&entry)
	}
	entry.Template = assembly.TemplatePath(entry.Ref())
	if err := s.memory.Stack(entry, body, map[string]string{"A": name + ".json:1:2"}); err != nil {
		s.t.Fatal(err)
	}
	return s
}

// Asset adds an asset and returns its digest.
func (s Side) Asset(body string) string {
	s.t.Helper()
	asset, err := s.memory.Asset([]byte(body))
	if err != nil {
		s.t.Fatal(err)
	}
	return asset.Digest
}

// Assembly returns the finished directory.
func (s Side) Assembly() *assembly.Assembly {
	s.t.Helper()
	a, err := s.memory.Assembly()
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}
