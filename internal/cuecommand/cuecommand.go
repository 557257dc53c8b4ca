// Package cuecommand runs the cue command in tests: its answers are what spacel's are compared with. The command is built from
// the same version of cuelang.org/go as spacel itself.
package cuecommand

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/pebble/spacel/internal/needs"
)

const module = "cuelang.org/go"

// Path returns the path of the cue command. It is built once for each version, in the user's cache directory. If it cannot be
// built, because there is neither a cache nor a network, the test is skipped and the name recorded, or the test fails in CI.
func Path(t testing.TB) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Logf("build the cue command: %v", err)
		return needs.Program(t, "cue")
	}
	return path
}

// built returns the path of the command and builds it if it is missing. The version is part of the name, so an upgrade of the
// library builds a new one.
var built = sync.OnceValues(func() (string, error) {
	version, err := output("go", "list", "-m", "-f", "{{.Version}}", module)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "spacel-tests")
	path := filepath.Join(dir, "cue-"+version)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	return path, install(dir, version, path)
})

// install builds the command in a directory of its own and moves it to its place, so that several test processes can do this
// at the same time.
func install(dir, version, path string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	own, err := os.MkdirTemp(dir, "build-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(own)
	if _, err := output("env", "GOBIN="+own, "GOFLAGS=", "go", "install", module+"/cmd/cue@"+version); err != nil {
		return err
	}
	return os.Rename(filepath.Join(own, "cue"), path)
}

// output runs a program and returns its standard output without the last line's end. The error has its standard error.
// The program runs in this package's directory: the go command finds the module's version there, and a test may have changed
// its own directory.
func output(name string, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	_, file, _, _ := runtime.Caller(0)
	cmd := exec.Command(name, args...)
	cmd.Dir = filepath.Dir(file)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", errors.Join(err, errors.New(stderr.String()))
	}
	return strings.TrimSpace(stdout.String()), nil
}

// Run runs the command in a directory, with variables added to the environment. The user's own settings of CUE do not count:
// without CUE_REGISTRY in env there is no registry. It returns standard output, standard error, and the error of the exit code.
func Run(t testing.TB, dir string, env []string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), Path(t), args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CUE_REGISTRY=none", "CUE_DEBUG=", "CUE_EXPERIMENT=")
	cmd.Env = append(cmd.Env, env...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}
