//go:build boot || docker

package imageregistry

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"testing"
)

// applets lists the programs of busybox in the image.
var applets = []string{"cat", "date", "echo", "grep", "head", "httpd", "mkdir", "sh", "sleep", "test", "touch", "yes"}

// serveScript is the image's program /bin/serve. It keeps its words and variables as the kernel has them, asks the containers
// in the variable ASK, and serves all this on port 80.
const serveScript = `#!/bin/sh
mkdir -p /www
cat /proc/1/cmdline >/www/words
cat /proc/1/environ >/www/environment
echo "this is $1: hello" >/www/index.html
[ ! -d /order ] || echo "serve begins" >>/order/log
for name in $ASK; do
	fetch "http://$name/" >"/www/of-$name"
done
exec httpd -f -p 80 -h /www
`

// checkScript is the image's program /bin/check, a health check: it is healthy when the file /healthy is there, and its words
// are as the manifest has them.
const checkScript = `#!/bin/sh
[ "$#" = 3 ] && [ "$1" = "two words" ] && [ "$2" = "it's \"\$HOME\" 100%" ] && [ "$3" = "" ] || { echo "wrong words: $*"; exit 1; }
test -e /healthy
`

// HealthWords are the words that /bin/check wants.
var HealthWords = []string{"two words", `it's "$HOME" 100%`, ""}

// Push makes an image and pushes it as name:tag. The image's own user is root, and its command is a shell.
func (r *Registry) Push(t *testing.T, name, tag string) {
	t.Helper()
	layer, diff := r.layer(t)
	architecture := runtime.GOARCH
	config, _ := json.Marshal(map[string]any{
		"architecture": architecture, "os": "linux",
		"config": map[string]any{"Cmd": []string{"/bin/sh"}, "Env": []string{"PATH=/bin"}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{diff}},
	})
	const docker = "application/vnd.docker."
	manifest, _ := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": docker + "distribution.manifest.v2+json",
		"config": r.upload(t, name, docker+"container.image.v1+json", config),
		"layers": []any{r.upload(t, name, docker+"image.rootfs.diff.tar.gzip", layer)},
	})
	r.do(t, http.MethodPut, r.URL()+"/v2/"+name+"/manifests/"+tag, docker+"distribution.manifest.v2+json", manifest)
}

// layer returns the image's only layer, packed, and the digest of the unpacked archive.
func (r *Registry) layer(t *testing.T) (packed []byte, diff string) {
	t.Helper()
	busybox, err := os.ReadFile(r.program + "/usr/bin/busybox")
	if os.IsNotExist(err) { // Debian 12 has it in /bin
		busybox, err = os.ReadFile(r.program + "/bin/busybox")
	}
	if err != nil {
		t.Fatal(err)
	}
	var files, out bytes.Buffer
	archive := tar.NewWriter(&files)
	add := func(h tar.Header, body []byte) {
		h.Size, h.Mode = int64(len(body)), 0o755
		if err := archive.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		_, _ = archive.Write(body)
	}
	add(tar.Header{Name: "tmp/", Typeflag: tar.TypeDir}, nil)
	add(tar.Header{Name: "bin/busybox"}, busybox)
	add(tar.Header{Name: "bin/serve"}, []byte(serveScript))
	add(tar.Header{Name: "bin/fetch"}, r.fetch(t))
	add(tar.Header{Name: "bin/check"}, []byte(checkScript))
	for _, applet := range applets {
		add(tar.Header{Name: path.Join("bin", applet), Typeflag: tar.TypeSymlink, Linkname: "busybox"}, nil)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	diff = digest(files.Bytes())
	zip := gzip.NewWriter(&out)
	_, _ = zip.Write(files.Bytes())
	_ = zip.Close()
	return out.Bytes(), diff
}

// fetch builds the program of this name.
func (r *Registry) fetch(t *testing.T) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "fetch")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-tags", "docker", "-ldflags", "-s -w", "-o", out,
		filepath.Join(r.root, "internal/imageregistry/fetch"))
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build fetch: %v: %s", err, said)
	}
	body, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func digest(data []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(data)) }

// upload stores a blob and returns its descriptor (Docker Registry HTTP API V2, "Monolithic Upload").
func (r *Registry) upload(t *testing.T, name, kind string, data []byte) map[string]any {
	t.Helper()
	begun := r.do(t, http.MethodPost, r.URL()+"/v2/"+name+"/blobs/uploads/", "", nil)
	to, err := url.Parse(begun.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	query := to.Query()
	query.Set("digest", digest(data))
	to.RawQuery = query.Encode()
	r.do(t, http.MethodPut, to.String(), "application/octet-stream", data)
	return map[string]any{"mediaType": kind, "size": len(data), "digest": digest(data)}
}

// do makes a request as the registry's user. An answer other than success fails the test.
func (r *Registry) do(t *testing.T, method, to, kind string, body []byte) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, to, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	if r.login.User != "" {
		request.SetBasicAuth(r.login.User, r.login.Password)
	}
	response, err := r.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode >= http.StatusBadRequest {
		t.Fatalf("%s %s: %s", method, to, response.Status)
	}
	return response
}
