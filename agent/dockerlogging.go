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

// dockerLogging has Docker send what containers write to the app's log group, a stream for each unit of the instance. Docker is
// restarted when its settings are new, which is before any of the app's containers run.
func dockerLogging(ctx context.Context, b *Boot) error {
	if b.Document.Logging == nil || b.Document.Logging.Docker == "" {
		return nil
	}
	before, err := b.Machine.readFile(dockerSettings)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read %s: %w", dockerSettings, err)
	}
	after, err := withLogDriver(before, b.logOptions())
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
func withLogDriver(settings []byte, options map[string]string) ([]byte, error) {
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
	if raw, ok := all["log-opts"]; ok && driver == logDriver {
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
	load, err := b.Machine.Run(ctx, "systemctl", "show", "--property=LoadState", "--value", "docker.service")
	if err != nil {
		return fmt.Errorf("ask systemd for Docker: %w", err)
	}
	if strings.TrimSpace(load) != "loaded" {
		b.Log.Warn("there is no Docker whose containers' log could be sent", "group", b.Document.Logging.Docker)
		return nil
	}
	if _, err := b.Machine.Run(ctx, "systemctl", "restart", "docker.service"); err != nil {
		return b.journal().because(ctx, "docker.service", fmt.Errorf("does not start with the log driver %s: %w", logDriver, err))
	}
	b.Log.Info("containers log to a log group", "group", b.Document.Logging.Docker)
	return b.Machine.writeFile(dockerApplied, digest, 0o644)
}
