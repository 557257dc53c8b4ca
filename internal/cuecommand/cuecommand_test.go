package cuecommand

import (
	"strings"
	"testing"
)

func TestCommandIsOfOurVersion(t *testing.T) {
	out, _, err := Run(t, t.TempDir(), nil, "version")
	version, wrong := output("go", "list", "-m", "-f", "{{.Version}}", module)
	if err != nil || wrong != nil || !strings.Contains(out, "cue version "+version+"\n") {
		t.Errorf("want version %s: %v, %v\n%s", version, err, wrong, out)
	}
}
