// Package needs finds the programs that tests run, such as sshd and shellcheck. A test whose program is missing is skipped,
// but not in silence: .ci/missing, which `make test` calls, names the program in its last line. In CI the test fails.
package needs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Environment variables that say how a missing program is reported.
const (
	// MissingVariable is the path of the file to which the names of missing programs are appended, one on a line. The
	// processes of several packages append to it at the same time.
	MissingVariable = "SPACEL_MISSING"
	// CIVariable is set to true by GitHub Actions and most other CI services.
	CIVariable = "CI"
)

// systemDirs hold daemons such as sshd. They are not in the PATH of an ordinary user.
var systemDirs = []string{"/usr/local/sbin", "/usr/sbin", "/sbin"}

// Program returns the path of a program. Without it, the test is skipped and the name recorded, or the test fails in CI.
func Program(t testing.TB, name string) string {
	t.Helper()
	if path, found := look(name); found {
		return path
	}
	if os.Getenv(CIVariable) == "true" {
		t.Fatalf("the program %s is missing: as root, .ci/programs installs it", name)
	}
	if err := record(name); err != nil {
		t.Fatal(err)
	}
	t.Skipf("the program %s is missing", name)
	return ""
}

// look searches for a program by name, on the PATH and then in systemDirs.
func look(name string) (path string, found bool) {
	if path, err := exec.LookPath(name); err == nil {
		return path, true
	}
	for _, dir := range systemDirs {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, true
		}
	}
	return "", false
}

// record appends a name in a single write, so that lines of several processes do not mix.
func record(name string) error {
	path := os.Getenv(MissingVariable)
	if path == "" {
		return nil
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("record the missing program %s: %w", name, err)
	}
	_, err = file.WriteString(name + "\n")
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}
