// Package cloudtest gives tests an AWS to talk to. There are moto and ministack, two emulators by others, with an account for
// each test. There is a CloudFormation whose stacks pass through their states as the test says. A proxy between the SDK
// and either of them breaks calls.
//
// Everything listens on loopback only.
//
//	account.go         the account and credentials of a test
//	emulators.go       starts moto and ministack
//	proxy.go           the proxy
//	bend.go            answers that AWS would not give
//	programs.go        programs in place of those of a release
//	cloudformation.go  CloudFormation, for tests: its settings
//	faults.go          for tests: failures, and stacks whose time stands still
//	state.go           for tests: puts stacks into any state
//	seen.go            for tests: the account as text, to compare
//	protocol.go        calls and answers, and the list of operations; query.go is their encoding
//	requests.go        operations on stacks; changeset.go, deletion.go, update.go, events.go the others
//	validation.go      the checks of a change set; inputs.go checks template, parameters and tags
//	difference.go      the changes which a change set lists
//	engine.go          the state machine: stacks, and the steps of their operations
//	change.go          the steps of a creation or update; rollback.go undoes them
//	stack.go           a stack; resource.go a resource; template.go and scope.go the values in a template
//	s3.go, services.go the calls of S3, SSM and Route 53
package cloudtest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// emulator is an emulator of AWS that others wrote, in a directory of .ci. Its serve.py prints the server's address and
// ends with its standard input, so the server never outlives the test process.
type emulator struct {
	name     string // of the directory
	variable string // an environment variable: the address of a server that another process started by serve.py

	once  sync.Once
	url   string
	err   error
	input io.WriteCloser // kept: the garbage collector would close it, and the server ends when it is closed
}

// The emulators. moto is the older one. ministack knows balancers, databases and caches, which moto refuses.
var (
	moto      = &emulator{name: "moto", variable: "SPACEL_MOTO_URL"}
	ministack = &emulator{name: "ministack", variable: "SPACEL_MINISTACK_URL"}
)

// startLimit limits the start of an emulator, which takes about 2 s on an idle machine.
const startLimit = 2 * time.Minute

// Moto returns the address of moto's server. The first test that asks starts it, and it ends with the test process.
// The test fails when moto is not installed.
func Moto(t testing.TB) string {
	t.Helper()
	return moto.address(t)
}

// Ministack returns the address of ministack's server, as Moto does of moto's.
func Ministack(t testing.TB) string {
	t.Helper()
	return ministack.address(t)
}

// address starts the server once, and fails the test when there is none.
func (e *emulator) address(t testing.TB) string {
	t.Helper()
	if testing.Short() {
		t.Skip("needs " + e.name)
	}
	e.once.Do(func() { e.url, e.err = e.find() })
	if e.err != nil {
		t.Fatalf("start %s: %v", e.name, e.err)
	}
	return e.url
}

// find returns the URL of the server. A URL in the environment is another process's, which the tests then share. Else the
// server starts here.
func (e *emulator) find() (string, error) {
	if url := os.Getenv(e.variable); url != "" {
		return url, nil
	}
	_, file, _, _ := runtime.Caller(0)
	dir := filepath.Join(filepath.Dir(file), "../../.ci", e.name)
	if err := installed(dir, e.name); err != nil {
		return "", err
	}
	return e.start(filepath.Join(dir, ".tools/python/bin/python"), filepath.Join(dir, "serve.py"))
}

// installed checks that an emulator is installed. It reads every file that decides about the emulator's behaviour, so that
// go test does not use cached results after one of them changed.
func installed(dir, name string) error {
	want, err := os.ReadFile(filepath.Join(dir, "requirements.txt"))
	if err != nil {
		return err
	}
	have, err := os.ReadFile(filepath.Join(dir, ".tools/python/made-from"))
	if err != nil || !bytes.Equal(want, have) {
		return fmt.Errorf("it is not installed; run make test, or .ci/%s/install, which installs it into the checkout", name)
	}
	sources, err := filepath.Glob(filepath.Join(dir, "*.py"))
	for _, source := range sources {
		_, readErr := os.ReadFile(source)
		err = errors.Join(err, readErr)
	}
	return err
}

// start starts the server and waits for its first line. The server ends when this process does, which holds the
// other end of its standard input.
func (e *emulator) start(python, script string) (string, error) {
	log := &tail{}
	cmd := exec.Command(python, "-B", script)
	cmd.Stderr = log
	input, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	e.input = input
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	address := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(out).ReadString('\n')
		address <- strings.TrimSpace(line)
		_, _ = io.Copy(io.Discard, out)
	}()
	select {
	case url := <-address:
		if url != "" {
			return url, nil
		}
		err = errors.New("it ended at once")
	case <-time.After(startLimit):
		err = fmt.Errorf("it gave no address within %s", startLimit)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	return "", fmt.Errorf("%w: %s", err, log)
}

// tail keeps the last bytes that are written to it: the end of an emulator's log, for an error message.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailSize = 4096

// Write implements io.Writer. It never fails, so the emulator never blocks on its log.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if len(t.text) > tailSize {
		t.text = t.text[len(t.text)-tailSize:]
	}
	return len(p), nil
}

// String returns the kept bytes.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
