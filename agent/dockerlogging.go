package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/pebble/spacel/internal/hexdigest"
)

const (
	dockerSettings = "/etc/docker/daemon.json"
	dockerApplied  = "/var/lib/spacel/docker.sha256" // of the settings that Docker was last restarted for
	logDriver      = "awslogs"
)

// dockerLogging has Docker send what containers write to the app's log group, a stream for each unit of the instance. Without
// a log group, Docker keeps the logs on the root volume, where they get a limit of size. Docker is restarted when its settings
// are new, which is before any of the app's containers run.
func dockerLogging(ctx context.Context, b *Boot) error {
	toGroup := b.Document.Logging != nil && b.Document.Logging.Docker != ""
	if !toGroup && len(b.Document.Units) == 0 {
		return nil
	}
	before, err := b.Machine.readFile(dockerSettings)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read %s: %w", dockerSettings, err)
	}
	if !toGroup {
		return limitLogs(ctx, b, before)
	}
	after, err := withLogDriver(before, logDriver, b.logOptions())
	if err != nil {
		return fmt.Errorf("%s: %w", dockerSettings, err)
	}
	if !bytes.Equal(before, after) {
		if err := b.Machine.writeFile(dockerSettings, after, 0o644); err != nil {
			return fmt.Errorf("write %s: %w", dockerSettings, err)
		}
	}
	return b.applyDocker(ctx, after)
}

// limitLogs limits the logs of containers that Docker keeps in files. Docker's default has no limit, and a talkative container fills
// the root volume within hours (Docker documentation, "JSON File logging driver"). A limit in the machine image, or another
// driver, stays as it is.
func limitLogs(ctx context.Context, b *Boot, before []byte) error {
	driver, own, err := logSettings(before)
	if err != nil {
		return fmt.Errorf("%s: %w", dockerSettings, err)
	}
	if driver == "" {
		driver = "json-file" // Docker's default
	}
	if _, limited := own["max-size"]; limited || driver != "json-file" && driver != "local" {
		return nil
	}
	if loaded, err := b.Machine.hasDocker(ctx); err != nil || !loaded {
		return err
	}
	after, err := withLogDriver(before, driver, map[string]string{"max-size": "10m", "max-file": "3"})
	if err != nil {
		return fmt.Errorf("%s: %w", dockerSettings, err)
	}
	if err := b.Machine.writeFile(dockerSettings, after, 0o644); err != nil {
		return fmt.Errorf("write %s: %w", dockerSettings, err)
	}
	return b.applyDocker(ctx, after)
}

// logSettings returns the log driver of Docker's settings, "" when there is none, and the driver's options.
func logSettings(settings []byte) (driver string, options map[string]json.RawMessage, err error) {
	var all struct {
		Driver  string                     `json:"log-driver"`
		Options map[string]json.RawMessage `json:"log-opts"`
	}
	if len(bytes.TrimSpace(settings)) > 0 {
		if err := json.Unmarshal(settings, &all); err != nil {
			return "", nil, fmt.Errorf("is not the JSON that Docker reads: %w", err)
		}
	}
	return all.Driver, all.Options, nil
}

// logOptions are options of the awslogs driver (Docker documentation, "Amazon CloudWatch Logs logging driver"). The tag is
// the stream's name; units name their container after themselves. A container does not wait for CloudWatch: it loses the
// oldest lines instead, should 10 MB of them wait to be sent.
func (b *Boot) logOptions() map[string]string {
	return map[string]string{
		"awslogs-region":  b.Document.Region,
		"awslogs-group":   b.Document.Logging.Docker,
		"tag":             b.Instance.ID + "/{{.Name}}",
		"mode":            "non-blocking",
		"max-buffer-size": "10m",
	}
}

// withLogDriver sets the log driver in Docker's settings and leaves the rest unchanged. It drops the options of any
// other driver: Docker refuses to start with an option unknown to its driver.
func withLogDriver(settings []byte, logDriver string, options map[string]string) ([]byte, error) {
	all, own := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if len(bytes.TrimSpace(settings)) > 0 {
		if err := json.Unmarshal(settings, &all); err != nil {
			return nil, fmt.Errorf("is not the JSON that Docker reads: %w", err)
		}
	}
	var driver string
	if raw, ok := all["log-driver"]; ok {
		_ = json.Unmarshal(raw, &driver) // a value other than text counts as no driver
	}
	if raw, ok := all["log-opts"]; ok && (driver == logDriver || driver == "" && logDriver == "json-file") {
		if err := json.Unmarshal(raw, &own); err != nil {
			return nil, fmt.Errorf("log-opts is not an object: %w", err)
		}
	}
	for name, value := range options {
		own[name], _ = json.Marshal(value) // a string always has JSON
	}
	all["log-driver"], _ = json.Marshal(logDriver)
	var err error
	if all["log-opts"], err = json.Marshal(own); err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(all, "", "  ")
	return append(text, '\n'), err
}

// applyDocker restarts Docker unless it was restarted for these settings before. Where Docker is not installed, it reads them
// when it is.
func (b *Boot) applyDocker(ctx context.Context, settings []byte) error {
	digest := []byte(hexdigest.SHA256(settings))
	// A digest on disk instead of a flag: a boot that crashed between writing and restarting restarts the next time.
	if applied, err := b.Machine.readFile(dockerApplied); err == nil && bytes.Equal(applied, digest) {
		return nil
	}
	loaded, err := b.Machine.hasDocker(ctx)
	if err != nil {
		return err
	}
	if !loaded {
		b.Log.Warn("there is no Docker whose containers' log could be sent", "group", b.Document.Logging.Docker)
		return nil
	}
	if _, err := b.Machine.Run(ctx, "systemctl", "restart", "docker.service"); err != nil {
		return b.journal().because(ctx, "docker.service", fmt.Errorf("does not start with the log settings of %s: %w", dockerSettings, err))
	}
	if b.Document.Logging != nil && b.Document.Logging.Docker != "" {
		b.Log.Info("containers log to a log group", "group", b.Document.Logging.Docker)
	}
	return b.Machine.writeFile(dockerApplied, digest, 0o644)
}

// hasDocker reports whether Docker is installed.
func (m Machine) hasDocker(ctx context.Context) (bool, error) {
	load, err := m.Run(ctx, "systemctl", "show", "--property=LoadState", "--value", "docker.service")
	if err != nil {
		return false, fmt.Errorf("ask systemd for Docker: %w", err)
	}
	return strings.TrimSpace(load) == "loaded", nil
}
