package deploy

import (
	"fmt"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/internal/hexdigest"
)

// artifactTemplate is a stack's template in the artifact. A run over thousands of stacks changes few of them, and a parsed template
// takes three times the memory of its text. So a run holds the counts only, and reads the file again when it needs more. The
// file's digest is verified each time: a file with other bytes, exchanged during the run, is an error.
type artifactTemplate struct {
	assembly *assembly.Assembly
	stack    assembly.StackRef
	digest   string // sha256 in hex

	size, resources, parameters int // bytes and counts, for checkLimits
}

// newTemplate reads a template once, for its counts. A broken template is an error of the artifact, not of AWS.
func newTemplate(a *assembly.Assembly, spec assembly.Stack) (artifactTemplate, error) {
	t := artifactTemplate{assembly: a, stack: spec.Ref(), digest: spec.Digest}
	whole, err := t.whole()
	if err != nil {
		return t, err
	}
	t.size, t.resources, t.parameters = len(whole.Body), len(whole.Resources), len(whole.Parameters)
	return t, nil
}

// body reads the text.
func (t artifactTemplate) body() ([]byte, error) { return t.assembly.Template(t.stack) }

// whole reads and parses the template. The caller drops it when its question is answered.
func (t artifactTemplate) whole() (*live.Template, error) {
	body, err := t.body()
	if err != nil {
		return nil, err
	}
	whole, err := live.ParseTemplate(body)
	if err != nil {
		return nil, fmt.Errorf("%s: read its template: %w: run spacel build again", t.stack, err)
	}
	return whole, nil
}

// equals reports whether a deployed template is the same document. Equal bytes are told by the digest, so the file is read only when
// CloudFormation has another layout.
func (t artifactTemplate) equals(deployed []byte) (bool, error) {
	if hexdigest.SHA256(deployed) == t.digest {
		return true, nil
	}
	body, err := t.body()
	return live.SameTemplate(deployed, body), err
}
