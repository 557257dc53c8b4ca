package agent

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/pebble/spacel/agent/document"
)

// ErrNoCredentials is the helper's answer for a registry without a login. Docker knows the words, and pulls without a login then
// (docker-credential-helpers, credentials/error.go).
var ErrNoCredentials = errors.New("credentials not found in native keychain")

const (
	dockerHub          = "docker.io"
	credentialDeadline = time.Minute
	longestRequest     = 64 << 10
)

// login is a user's name and password for a registry, in the form of the helper's protocol (docker-credential-helpers, README).
type login struct {
	ServerURL string
	Username  string
	Secret    string
}

// credentialHelper answers requests of Docker's client on an instance.
type credentialHelper struct {
	*Boot
	stored map[string]login // by host
}

// Credentials is Docker's credential helper: it carries out a verb of the protocol with the request from in, and writes the answer to
// out. An error is part of the protocol and must be written to out, too.
//
// get finds the login in this order: the manifest's, a token of Amazon ECR, a login by docker login. store and erase are what docker
// login and docker logout call.
func Credentials(ctx context.Context, m Machine, at Endpoints, verb string, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, credentialDeadline)
	defer cancel()
	request, err := io.ReadAll(io.LimitReader(in, longestRequest))
	if err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	h, err := openHelper(ctx, m, at)
	if err != nil {
		return err
	}
	switch verb {
	case "get":
		found, err := h.get(ctx, strings.TrimSpace(string(request)))
		if err != nil {
			return err
		}
		return json.NewEncoder(out).Encode(found)
	case "store":
		return h.store(request)
	case "erase":
		return h.erase(strings.TrimSpace(string(request)))
	case "list":
		return json.NewEncoder(out).Encode(h.list())
	}
	return fmt.Errorf("unknown verb %q: Docker knows get, store, erase and list", verb)
}

// openHelper reads the instance document and the stored logins. It calls nothing, unless the document's large part is not on disk.
func openHelper(ctx context.Context, m Machine, at Endpoints) (*credentialHelper, error) {
	metadata := newMetadata(at.Metadata)
	d, err := load(ctx, m.Root, metadata)
	if err != nil {
		return nil, err
	}
	b := &Boot{
		Document: d, AWS: NewClients(roleConfig(d.Region, metadata, at.Services)), Machine: m, Log: slog.New(slog.DiscardHandler),
	}
	if err := fetchAsset(ctx, b); err != nil {
		return nil, err
	}
	h := &credentialHelper{Boot: b, stored: map[string]login{}}
	body, err := m.readFile(storedLogins)
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil
	}
	if err == nil {
		err = json.Unmarshal(body, &h.stored)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", storedLogins, err)
	}
	return h, nil
}

// get returns the login for a registry.
func (h *credentialHelper) get(ctx context.Context, server string) (login, error) {
	if server == "" {
		return login{}, errors.New("no credentials server URL") // the protocol's words
	}
	host := hostOf(server)
	registry, known := h.Document.Registries[host]
	private, isECR := document.ParseECR(host)
	stored, isStored := h.stored[host]
	switch {
	case known && registry.Password != nil:
		found, err := h.written(ctx, registry)
		if err != nil {
			return login{}, fmt.Errorf("find the login for %s: %w", host, err)
		}
		found.ServerURL = server
		return found, nil
	case isECR:
		token, err := h.token(ctx, private)
		if err != nil {
			return login{}, fmt.Errorf("get a token for %s: %w", host, err)
		}
		token.ServerURL = server
		return token, nil
	case isStored:
		return login{server, stored.Username, stored.Secret}, nil
	}
	return login{}, ErrNoCredentials
}

// hostOf returns a registry's host from the forms that Docker and people use: ghcr.io, https://ghcr.io/, https://index.docker.io/v1/.
func hostOf(server string) string {
	_, rest, scheme := strings.Cut(server, "://")
	if !scheme {
		rest = server
	}
	host, _, _ := strings.Cut(rest, "/")
	switch host = strings.ToLower(host); host {
	case "index.docker.io", "registry-1.docker.io":
		return dockerHub
	}
	return host
}

// written finds the login of the manifest.
func (h *credentialHelper) written(ctx context.Context, registry document.Registry) (login, error) {
	if registry.Username == nil {
		return login{}, errors.New("the instance document has no user's name")
	}
	username, err := h.variable(ctx, *registry.Username)
	if err != nil {
		return login{}, err
	}
	password, err := h.variable(ctx, *registry.Password)
	return login{Username: username, Secret: password}, err
}

// token fetches a token of Amazon ECR from the image's own region. It is valid for every registry that the role may read (Amazon ECR
// API Reference, GetAuthorizationToken).
func (h *credentialHelper) token(ctx context.Context, r document.ECR) (login, error) {
	out, err := h.AWS.ECR.GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{}, func(o *ecr.Options) {
		o.Region = r.Region
		if r.FIPS && o.BaseEndpoint == nil { // the SDK refuses both
			o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
		}
	})
	if err != nil {
		return login{}, err
	}
	if len(out.AuthorizationData) == 0 {
		return login{}, errors.New("the answer of Amazon ECR holds no token")
	}
	text, err := base64.StdEncoding.DecodeString(aws.ToString(out.AuthorizationData[0].AuthorizationToken))
	username, password, ok := strings.Cut(string(text), ":")
	if err != nil || !ok || password == "" {
		return login{}, errors.New("the answer of Amazon ECR holds a token of an unknown form")
	}
	return login{Username: username, Secret: password}, nil
}

// store keeps a login from docker login.
func (h *credentialHelper) store(request []byte) error {
	var l login
	switch err := json.Unmarshal(request, &l); {
	case err != nil:
		return errors.New("the request is not JSON with ServerURL, Username and Secret") // the cause could quote the password
	case l.ServerURL == "":
		return errors.New("no credentials server URL")
	case l.Username == "":
		return errors.New("no credentials username")
	}
	h.stored[hostOf(l.ServerURL)] = l
	return h.save()
}

// erase forgets a login. That of the manifest stays.
func (h *credentialHelper) erase(server string) error {
	if server == "" {
		return errors.New("no credentials server URL")
	}
	delete(h.stored, hostOf(server))
	return h.save()
}

// save writes the stored logins for root only.
func (h *credentialHelper) save() error {
	body, err := json.Marshal(h.stored)
	if err != nil {
		return err
	}
	return h.Machine.writeFile(storedLogins, body, 0o600)
}

// list returns the user's name for each known registry. It looks up nothing: a name by reference is given as the reference.
func (h *credentialHelper) list() map[string]string {
	all := map[string]string{}
	for _, l := range h.stored {
		all[l.ServerURL] = l.Username
	}
	for host, registry := range h.Document.Registries {
		if registry.ECR {
			all[serverName(host)] = "AWS"
		} else if registry.Username != nil {
			all[serverName(host)] = cmp.Or(registry.Username.Value, registry.Username.From)
		}
	}
	return all
}
