package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// asFunction has the test binary be the function.
const asFunction = "SPACEL_SLACK_TEST_FUNCTION"

func TestMain(m *testing.M) {
	if os.Getenv(asFunction) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// runtime plays Lambda's side of the runtime API: it has one event, and gives what the function answers.
func runtime(t *testing.T, event string) (host string, answers <-chan string) {
	said, given := make(chan string, 1), make(chan bool, 1)
	given <- true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/invocation/next") {
			body, _ := io.ReadAll(r.Body)
			said <- r.URL.Path + " " + string(body)
			w.WriteHeader(http.StatusAccepted)
			return
		}
		select {
		case <-given:
		case <-r.Context().Done():
			return
		}
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", "99999999999999")
		_, _ = io.WriteString(w, event)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://"), said
}

func function(t *testing.T, env ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append([]string{asFunction + "=1", "AWS_REGION=us-east-1"}, env...)
	return cmd
}

// The function as Lambda starts it takes an event and answers.
func TestFunction(t *testing.T) {
	host, answers := runtime(t, `{"Records":[]}`)
	cmd := function(t, "AWS_LAMBDA_RUNTIME_API="+host, "SPACEL_WEBHOOK_SSM=/production/slack")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	}()
	select {
	case answer := <-answers:
		if !strings.Contains(answer, "/invocation/1/error") || !strings.Contains(answer, "no records") {
			t.Errorf("it answers %s", answer)
		}
	case <-time.After(20 * time.Second):
		t.Error("no answer")
	}
}

func TestFunctionWithoutASource(t *testing.T) {
	var log bytes.Buffer
	cmd := function(t)
	cmd.Stderr = &log
	if err := cmd.Run(); err == nil || !strings.Contains(log.String(), "exactly one of SPACEL_WEBHOOK_SSM") {
		t.Errorf("%v: %s", err, log.String())
	}
}
