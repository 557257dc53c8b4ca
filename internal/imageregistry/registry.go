//go:build boot || docker

// Package imageregistry gives tests a real registry of images, Debian's docker-registry, and an image to pull from it. The image holds
// busybox and the programs of the tests. No Docker is needed to make it.
//
//	registry.go  starts a registry, with or without a password
//	image.go     makes an image and pushes it by the registry's HTTP API
//	values.go    values that programs on the way to a container have changed or lost
package imageregistry

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// Registry is a running registry. It ends with its test.
type Registry struct {
	Address string // on loopback
	scheme  string
	client  *http.Client
	login   Login
	root    string // of the repository
	program string // directory of the unpacked packages
}

// Login is a user's name and password. A registry without one serves everybody.
type Login struct{ User, Password string }

// TLS names the files of a registry's certificate and key, and the client that trusts them. The address is the registry's.
type TLS struct {
	Address          string
	Certificate, Key string
	Client           *http.Client
}

// Start starts a registry on loopback, with Basic authentication if there is a login, and with TLS if there is a certificate. root is
// the top of the repository.
func Start(t *testing.T, root string, login Login, secured *TLS) *Registry {
	t.Helper()
	r := &Registry{scheme: "http", client: http.DefaultClient, login: login, root: root,
		program: programs(t, root)}
	dir := t.TempDir()
	if secured != nil {
		r.Address, r.scheme, r.client = secured.Address, "https", secured.Client
	} else {
		r.Address = freeAddress(t)
	}
	config := fmt.Sprintf("version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: %s}}\n"+
		"http:\n  addr: %s\n", filepath.Join(dir, "data"), r.Address)
	if secured != nil {
		config += fmt.Sprintf("  tls: {certificate: %s, key: %s}\n", secured.Certificate, secured.Key)
	}
	if login.User != "" {
		hash, err := bcrypt.GenerateFromPassword([]byte(login.Password), bcrypt.MinCost)
		write(t, err, filepath.Join(dir, "htpasswd"), login.User+":"+string(hash)+"\n")
		config += "auth: {htpasswd: {realm: test, path: " + filepath.Join(dir, "htpasswd") + "}}\n"
	}
	write(t, nil, filepath.Join(dir, "config.yml"), config)
	var said strings.Builder
	cmd := exec.Command(r.program+"/usr/bin/docker-registry", "serve", filepath.Join(dir, "config.yml"))
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatalf("start the registry: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the registry said: %s", &said)
		}
	})
	r.wait(t)
	return r
}

// URL is the registry's own, without its host name in the test.
func (r *Registry) URL() string { return r.scheme + "://" + r.Address }

// wait waits until the registry answers.
func (r *Registry) wait(t *testing.T) {
	t.Helper()
	for range 300 {
		response, err := r.client.Get(r.URL() + "/v2/")
		if err == nil {
			response.Body.Close()
			if want := map[bool]int{true: http.StatusUnauthorized, false: http.StatusOK}[r.login.User != ""]; response.StatusCode != want {
				t.Fatalf("a registry answers %s to a client without a login, want %d", response.Status, want)
			}
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("the registry does not answer")
}

// programs returns the directory with the registry and busybox. root is the top of the repository.
func programs(t *testing.T, root string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(root, ".ci/docker/install"), "registry")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("unpack the registry: %v", err)
	}
	return strings.TrimSpace(string(out))
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// write writes a file, unless its content could not be made.
func write(t *testing.T, err error, path, text string) {
	t.Helper()
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
