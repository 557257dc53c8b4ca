package agent

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/pebble/spacel/agent/document"
)

// dockerHost is a machine with these settings of Docker's, and with Docker or without.
func dockerHost(t *testing.T, settings, load string) (b *Boot, restarts *int) {
	restarts = new(int)
	b = &Boot{
		Document: &document.Document[string]{Region: "us-east-1", Logging: &document.Logging[string]{Docker: "web-docker"}},
		Instance: Instance{ID: "i-1"},
		Log:      NewLog(os.Stderr),
		Machine: Machine{Root: t.TempDir(), Run: func(_ context.Context, name string, args ...string) (string, error) {
			switch command := name + " " + strings.Join(args, " "); command {
			case "systemctl show --property=LoadState --value docker.service":
				return load + "\n", nil
			case "systemctl restart docker.service":
				*restarts++
				return "", nil
			default:
				t.Errorf("runs %s", command)
				return "", nil
			}
		}},
	}
	if settings != "" {
		if err := b.Machine.writeFile(dockerSettings, []byte(settings), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return b, restarts
}

// The driver is set beside what else is set; options go with the driver that they are of.
func TestDockerLogging(t *testing.T) {
	const bip = `"bip":"10.9.0.1/24","mtu":1400`
	for before, want := range map[string]string{
		``: `{"log-driver":"awslogs","log-opts":{OWN}}`,
		`{"log-driver":"json-file","log-opts":{"a":"b"},` + bip + `}`:            `{"log-driver":"awslogs","log-opts":{OWN},` + bip + `}`,
		`{"log-driver":"awslogs","log-opts":{"labels":"a","awslogs-group":"o"}}`: `{"log-driver":"awslogs","log-opts":{OWN,"labels":"a"}}`,
	} {
		b, restarts := dockerHost(t, before, "loaded")
		for range 2 { // the second boot has nothing to do
			if err := dockerLogging(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		const own = `"awslogs-region":"us-east-1","awslogs-group":"web-docker","tag":"i-1/{{.Name}}",` +
			`"mode":"non-blocking","max-buffer-size":"10m"`
		got, _ := b.Machine.readFile(dockerSettings)
		var a, w map[string]any
		if err := json.Unmarshal(got, &a); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(strings.ReplaceAll(want, "OWN", own)), &w); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(a, w) || *restarts != 1 {
			t.Errorf("%s became %s, with %d restarts", before, got, *restarts)
		}
	}
}

// A restart that a breakdown kept from happening happens at the next boot; broken settings are not overwritten.
func TestDockerRestart(t *testing.T) {
	b, restarts := dockerHost(t, "", "loaded")
	settings, err := withLogDriver(nil, logDriver, b.logOptions())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Machine.writeFile(dockerSettings, settings, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := dockerLogging(t.Context(), b); err != nil || *restarts != 1 {
		t.Errorf("%v, %d restarts", err, *restarts)
	}

	b, restarts = dockerHost(t, "{", "loaded")
	if err := dockerLogging(t.Context(), b); err == nil || *restarts != 0 {
		t.Errorf("%v, %d restarts", err, *restarts)
	}
	if text, _ := b.Machine.readFile(dockerSettings); string(text) != "{" {
		t.Errorf("overwritten with %s", text)
	}

	b, restarts = dockerHost(t, "", "not-found")
	if err := dockerLogging(t.Context(), b); err != nil || *restarts != 0 {
		t.Errorf("%v, %d restarts", err, *restarts)
	}
	b.Document.Logging.Docker = ""
	b.Machine.Root = t.TempDir()
	if err := dockerLogging(t.Context(), b); err != nil {
		t.Error(err)
	}
	if _, err := b.Machine.readFile(dockerSettings); err == nil {
		t.Error("settings nobody asked for")
	}
}

// Without a log group, Docker's logs get a limit. The limit or another driver of a machine image stays.
func TestDockerLogsHaveALimit(t *testing.T) {
	const limit = `"log-opts":{"max-file":"3","max-size":"10m"`
	for before, want := range map[string]string{
		``:                                    `{"log-driver":"json-file",` + limit + `}}`,
		`{"mtu":1400}`:                        `{"log-driver":"json-file",` + limit + `},"mtu":1400}`,
		`{"log-opts":{"labels":"a"}}`:         `{"log-driver":"json-file",` + limit + `,"labels":"a"}}`,
		`{"log-driver":"local"}`:              `{"log-driver":"local",` + limit + `}}`,
		`{"log-driver":"journald"}`:           `{"log-driver":"journald"}`,
		`{"log-opts":{"max-size":"1g"}}`:      `{"log-opts":{"max-size":"1g"}}`,
		`{"log-driver":"awslogs","mtu":1400}`: `{"log-driver":"awslogs","mtu":1400}`,
	} {
		b, restarts := dockerHost(t, before, "loaded")
		b.Document.Logging, b.Document.Units = nil, map[string]document.Content{"web.service": {}}
		for range 2 { // the second boot has nothing to do
			if err := dockerLogging(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		got, _ := b.Machine.readFile(dockerSettings)
		var a, w any
		if err := errors.Join(json.Unmarshal(got, &a), json.Unmarshal([]byte(want), &w)); err != nil {
			t.Fatal(err)
		}
		changed := 0
		if before != want {
			changed = 1
		}
		if !reflect.DeepEqual(a, w) || *restarts != changed {
			t.Errorf("%s became %s, with %d restarts", before, got, *restarts)
		}
	}
	b, restarts := dockerHost(t, "", "not-found")
	b.Document.Logging, b.Document.Units = nil, map[string]document.Content{"web.service": {}}
	if err := dockerLogging(t.Context(), b); err != nil || *restarts != 0 {
		t.Errorf("%v, %d restarts", err, *restarts)
	}
	if _, err := b.Machine.readFile(dockerSettings); err == nil {
		t.Error("settings for a machine without Docker")
	}
}
