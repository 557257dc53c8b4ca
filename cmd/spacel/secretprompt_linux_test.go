package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/pebble/spacel/internal/cloudtest"
)

// On a terminal the value is asked for, and is not shown.
func TestSecretIsTypedUnseen(t *testing.T) {
	for _, setting := range append(cloudtest.Environment(t, cloudtest.Moto(t)), "SPACEL_ORBIT=orbit.json", "AWS_PROFILE=") {
		name, value, _ := strings.Cut(setting, "=")
		t.Setenv(name, value)
	}
	t.Chdir(t.TempDir())
	for name, body := range map[string]string{
		"orbit.json": `{"name": "test", "regions": ["us-east-1"]}`,
		"app.json":   `{"name": "laika", "all": {"elb_availability": "disabled", "services": {"laika": {"image": "example/laika"}}}}`,
	} {
		if err := os.WriteFile(name, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	term := newTerminal(t)
	a := &account{T: t}
	code := a.at(t.Context(), term, "secret", "encrypt", "app.json", "--key", "TOKEN", "--modify")
	term.expect("Value of TOKEN (not shown): ")
	term.enter("hunter2")
	term.expect("wrote app.json")
	a.ends(code, exitYes)
	if strings.Contains(term.text(), "hunter2") {
		t.Errorf("the screen shows it:\n%s", term.text())
	}
	if body, err := os.ReadFile("app.json"); err != nil || bytes.Contains(body, []byte("hunter2")) ||
		!bytes.Contains(body, []byte("ciphertext")) {
		t.Errorf("%v\n%s", err, body)
	}
	a.expect(a.must("secret", "decrypt", "app.json", "--key", "TOKEN"), exitYes, "hunter2\n")
	unasked := newTerminal(t)
	code = a.at(t.Context(), unasked, "secret", "encrypt", "app.json", "--key", "TOKEN", "--modify")
	unasked.expect("Value of TOKEN (not shown): ")
	unasked.enter("")
	unasked.expect("the value is empty")
	a.ends(code, exitError)
}
