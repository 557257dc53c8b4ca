package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pebble/spacel/agent/document"
)

// Docker's client asks a credential helper for the login to a registry (Docker CLI reference, "Credential helpers"). The agent's
// own program is that helper, under the name that Docker looks for in PATH.
const (
	helperPath = "usr/local/bin/" + document.CredentialHelper
	agentName  = "spacel-agent" // beside helperPath

	// dockerConfig is where root's Docker client reads its settings. A unit has no HOME, and the client then takes root's home directory
	// from the user database, as for a shell of root's.
	dockerConfig = "root/.docker/config.json"
)

// helperName is what Docker's settings call the helper. Docker runs the program docker-credential-NAME.
var helperName = strings.TrimPrefix(document.CredentialHelper, "docker-credential-")

// registries has root's Docker client ask the agent for logins. The login is fetched when an image is pulled, since a token of
// Amazon ECR is valid for 12 hours only.
func registries(_ context.Context, b *Boot) error {
	if len(b.Document.Units) == 0 { // there may be no Docker
		return nil
	}
	if err := b.Machine.link(agentName, helperPath); err != nil {
		return fmt.Errorf("make %s: %w", helperPath, err)
	}
	before, err := b.Machine.readFile(dockerConfig)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read %s: %w", dockerConfig, err)
	}
	after, err := withHelper(before, slices.Sorted(maps.Keys(b.Document.Registries)))
	if err != nil {
		return fmt.Errorf("%s: %w", dockerConfig, err)
	}
	if bytes.Equal(before, after) {
		return nil
	}
	return b.Machine.writeFile(dockerConfig, after, 0o600)
}

// link makes a symbolic link beside its target, or replaces one.
func (m Machine) link(target, name string) error {
	at := filepath.Join(m.Root, name)
	if now, err := os.Readlink(at); err == nil && now == target {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	fresh := at + ".new"
	if err := m.removeFile(name + ".new"); err != nil {
		return err
	}
	return errors.Join(os.Symlink(target, fresh), os.Rename(fresh, at))
}

// withHelper names the helper in the settings of Docker's client and leaves the rest unchanged. The helper is for all registries,
// unless the machine image has logins or a helper of its own: credsStore would hide these. It then is for the app's registries.
func withHelper(settings []byte, hosts []string) ([]byte, error) {
	all, helpers, logins := map[string]json.RawMessage{}, map[string]string{}, map[string]json.RawMessage{}
	if len(bytes.TrimSpace(settings)) > 0 {
		if err := json.Unmarshal(settings, &all); err != nil {
			return nil, fmt.Errorf("is not the JSON that Docker reads: %w", err)
		}
	}
	for key, into := range map[string]any{"credHelpers": &helpers, "auths": &logins} {
		if raw, ok := all[key]; ok && json.Unmarshal(raw, into) != nil {
			return nil, errors.New(key + " is not an object that Docker reads")
		}
	}
	var store string
	_ = json.Unmarshal(all["credsStore"], &store) // absent, or text
	if store == helperName || store == "" && len(logins) == 0 {
		all["credsStore"] = json.RawMessage(`"` + helperName + `"`)
	} else {
		for _, host := range hosts {
			helpers[serverName(host)] = helperName
		}
	}
	if len(helpers) > 0 {
		all["credHelpers"], _ = json.Marshal(helpers) // text always has JSON
	}
	text, err := json.MarshalIndent(all, "", "  ")
	return append(text, '\n'), err
}

// dockerHubServer is Docker's name for the registry of images without a host (Docker CLI, "IndexServer").
const dockerHubServer = "https://index.docker.io/v1/"

// serverName returns the name under which Docker asks for the login to a host.
func serverName(host string) string {
	if host == dockerHub {
		return dockerHubServer
	}
	return host
}

// storedLogins is the file with the logins that docker login has given to the helper.
var storedLogins = path.Join("var/lib/spacel", "registries.json")
