package release

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"testing/fstest"
)

func zipped(t *testing.T, body string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(body)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestRead(t *testing.T) {
	b := Binaries{fstest.MapFS{
		"agent-arm64.gz":  {Data: zipped(t, "agent for arm64")},
		"agent-amd64.gz":  {Data: zipped(t, "agent for amd64")},
		"slack-arm64.zip": {Data: []byte("a zip")},
	}}
	for _, c := range []struct{ name, architecture, want string }{
		{"agent", "arm64", "agent for arm64"}, {"agent", "amd64", "agent for amd64"}, {"slack", "arm64", "a zip"},
	} {
		sum := sha256.Sum256([]byte(c.want))
		body, digest, err := b.Read(c.name, c.architecture)
		if err != nil || string(body) != c.want || digest != hex.EncodeToString(sum[:]) {
			t.Errorf("%s: %q, %s, %v", c.name, body, digest, err)
		}
	}
}

func TestReadWhatIsNotThere(t *testing.T) {
	cut := zipped(t, "agent for arm64")
	b := Binaries{fstest.MapFS{"agent-arm64.gz": {Data: cut[:len(cut)-3]}}}
	for name, want := range map[string]string{
		"agent amd64": "this spacel carries no agent for amd64: build it with make build",
		"slack arm64": "this spacel carries no function that posts to Slack for arm64",
		"agent arm64": "read agent for arm64 out of this spacel: unexpected EOF; build or download spacel again",
	} {
		program, architecture, _ := strings.Cut(name, " ")
		if _, _, err := b.Read(program, architecture); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What a checkout embeds depends on whether make build was run in it; it must be all or nothing, and sound.
func TestEmbedded(t *testing.T) {
	var have, lack []string
	for _, program := range []string{"agent amd64", "agent arm64", "slack arm64"} {
		name, architecture, _ := strings.Cut(program, " ")
		body, _, err := Embedded().Read(name, architecture)
		switch {
		case err == nil && len(body) > 0:
			have = append(have, program)
		case err != nil && strings.Contains(err.Error(), "carries no"):
			lack = append(lack, program)
		default:
			t.Errorf("%s: %d bytes, %v", program, len(body), err)
		}
	}
	if len(have) > 0 && len(lack) > 0 {
		t.Errorf("it has %v, and not %v: run make build", have, lack)
	}
}
