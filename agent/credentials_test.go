package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/internal/cloudtest"
)

// helperEnv is an instance with a document, whose metadata service gives the credentials of a role.
type helperEnv struct {
	t       *testing.T
	machine Machine
	at      Endpoints
}

func newHelperEnv(t *testing.T, services string, registries map[string]document.Registry) *helperEnv {
	t.Helper()
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/latest/api/token":
			w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")
			fmt.Fprint(w, "token")
		case "/latest/meta-data/iam/security-credentials/":
			fmt.Fprint(w, "role")
		default:
			role, err := cloudtest.Config(t, services, "us-east-1").Credentials.Retrieve(r.Context())
			if err != nil {
				t.Error(err)
			}
			fmt.Fprintf(w, `{"Code":"Success","AccessKeyId":%q,"SecretAccessKey":%q,"Token":"t","Expiration":"2100-01-01T00:00:00Z"}`,
				role.AccessKeyID, role.SecretAccessKey)
		}
	}))
	t.Cleanup(metadata.Close)
	h := &helperEnv{t: t, machine: Machine{Root: t.TempDir()}, at: Endpoints{Services: services, Metadata: metadata.URL}}
	body, err := json.Marshal(document.Document[string]{
		Format: document.Format, Orbit: "production", App: "laika", Region: "us-east-1", Registries: registries,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.machine.writeFile(strings.TrimPrefix(document.Path, "/"), body, 0o600); err != nil {
		t.Fatal(err)
	}
	return h
}

// ask sends a request of the helper's protocol.
func (h *helperEnv) ask(verb, request string) (string, error) {
	h.t.Helper()
	var out bytes.Buffer
	err := Credentials(h.t.Context(), h.machine, h.at, verb, strings.NewReader(request), &out)
	return out.String(), err
}

// wantLogin wants an answer to get.
func (h *helperEnv) wantLogin(server, username, password string) {
	h.t.Helper()
	answer, err := h.ask("get", server+"\n")
	want := fmt.Sprintf("{\"ServerURL\":%q,\"Username\":%q,\"Secret\":%q}\n", server, username, password)
	if err != nil || answer != want {
		h.t.Errorf("%s: got %q, %v; want %q", server, answer, err, want)
	}
}

func TestCredentialHelper(t *testing.T) {
	moto := cloudtest.Moto(t)
	h := newHelperEnv(t, moto, map[string]document.Registry{
		"ghcr.io": {Username: &document.Variable{Value: "bot"}, Password: &document.Variable{From: "secret:ghcr#password"}},
		"docker.io": {
			Username: &document.Variable{From: "secret:hub#username"}, Password: &document.Variable{From: "secret:hub#token"},
		},
		"123456789012.dkr.ecr.eu-west-1.amazonaws.com": {ECR: true},
	})
	clients := NewClients(cloudtest.Config(t, moto, "us-east-1"))
	for name, value := range map[string]string{"ghcr": `{"password":"g"}`, "hub": `{"username":"u","token":"h"}`} {
		in := &secretsmanager.CreateSecretInput{Name: &name, SecretString: &value}
		if _, err := clients.Secrets.CreateSecret(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	h.wantLogin("ghcr.io", "bot", "g")
	h.wantLogin("https://ghcr.io/v2/", "bot", "g")
	h.wantLogin("https://index.docker.io/v1/", "u", "h")
	for _, host := range []string{
		"123456789012.dkr.ecr.eu-west-1.amazonaws.com", "210987654321.dkr-ecr.us-west-2.on.aws",
		"210987654321.dkr.ecr-fips.us-east-2.amazonaws.com",
	} {
		answer, err := h.ask("get", host)
		var found login
		if err != nil || json.Unmarshal([]byte(answer), &found) != nil || found.Username != "AWS" || found.Secret == "" ||
			found.ServerURL != host {
			t.Errorf("%s: got %q, %v", host, answer, err)
		}
	}
	for _, server := range []string{
		"quay.io", "public.ecr.aws", "localhost:5000", "https://gcr.io", "123456789012.dkr.ecr.eu-west-1.example.com",
	} {
		if answer, err := h.ask("get", server); !errors.Is(err, ErrNoCredentials) || answer != "" {
			t.Errorf("%s: got %q, %v", server, answer, err)
		}
	}
	list, err := h.ask("list", "unused")
	wantText(t, "list", list, `{"123456789012.dkr.ecr.eu-west-1.amazonaws.com":"AWS","ghcr.io":"bot",`+
		`"https://index.docker.io/v1/":"secret:hub#username"}`+"\n")
	if err != nil {
		t.Error(err)
	}
}

// docker login and docker logout work as without a helper, and the manifest's login wins.
func TestStoredLogins(t *testing.T) {
	h := newHelperEnv(t, "http://127.0.0.1:1", map[string]document.Registry{
		"ghcr.io": {Username: &document.Variable{Value: "bot"}, Password: &document.Variable{Value: "manifest's"}},
	})
	for _, l := range []string{
		`{"ServerURL":"quay.io","Username":"me","Secret":"q"}`, `{"ServerURL":"https://index.docker.io/v1/","Username":"me","Secret":"d"}`,
		`{"ServerURL":"ghcr.io","Username":"me","Secret":"g"}`,
	} {
		if answer, err := h.ask("store", l); err != nil || answer != "" {
			t.Errorf("%s: got %q, %v", l, answer, err)
		}
	}
	h.wantLogin("quay.io", "me", "q")
	h.wantLogin("https://index.docker.io/v1/", "me", "d")
	h.wantLogin("ghcr.io", "bot", "manifest's")
	info, err := os.Stat(filepath.Join(h.machine.Root, storedLogins))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the stored logins: %v, %v", info, err)
	}
	if _, err := h.ask("erase", "quay.io\n"); err != nil {
		t.Error(err)
	}
	if _, err := h.ask("get", "quay.io"); !errors.Is(err, ErrNoCredentials) {
		t.Errorf("after erase: %v", err)
	}
}

// A request or an answer that is not as the protocol or AWS has it is an error with its cause, and shows no secret.
func TestOddCredentials(t *testing.T) {
	answer := "{}"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer) }))
	t.Cleanup(server.Close)
	h := newHelperEnv(t, server.URL, map[string]document.Registry{
		"nobody.example.com": {Password: &document.Variable{Value: "hunter2"}},
		"secret.example.com": {Username: &document.Variable{Value: "u"}, Password: &document.Variable{From: "secret:a"}},
	})
	const host = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
	for _, test := range []struct{ verb, request, answer, want string }{
		{"get", "", "", "no credentials server URL"},
		{"erase", "\n", "", "no credentials server URL"},
		{"store", `{"Username":"u","Secret":"hunter2"}`, "", "no credentials server URL"},
		{"store", `{"ServerURL":"quay.io","Secret":"hunter2"}`, "", "no credentials username"},
		{"store", `{"ServerURL":"quay.io","Secret":"hunter2"`, "", "not JSON"},
		{"version", "", "", `unknown verb "version"`},
		{"get", host, `{}`, "holds no token"},
		{"get", host, `{"authorizationData": []}`, "holds no token"},
		{"get", host, `{"authorizationData": [{}]}`, "unknown form"},
		{"get", host, `{"authorizationData": [{"authorizationToken": "aHVudGVyMg=="}]}`, "unknown form"},
		{"get", host, `{"authorizationData": [{"authorizationToken": "?"}]}`, "unknown form"},
		{"get", host, `<html>`, "get a token for " + host},
		{"get", "nobody.example.com", "", "no user's name"},
		{"get", "secret.example.com", "{}", "the answer holds no value"},
	} {
		answer = test.answer
		out, err := h.ask(test.verb, test.request)
		wantError(t, err, test.want)
		if out != "" || err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%+v: got %q, %v", test, out, err)
		}
	}
}

// The settings of root's Docker client name the helper, whatever the machine image has there, and its own logins keep working.
func TestRegistries(t *testing.T) {
	const helpers = `"credHelpers": {"ghcr.io": "spacel", "https://index.docker.io/v1/": "spacel"}`
	for name, test := range map[string]struct{ before, want string }{
		"none":              {"", `{"credsStore": "spacel"}`},
		"empty":             {"\n", `{"credsStore": "spacel"}`},
		"other settings":    {`{"psFormat": "x", "auths": {}}`, `{"auths": {}, "credsStore": "spacel", "psFormat": "x"}`},
		"again":             {`{"credsStore": "spacel", "auths": {"a": {}}}`, `{"credsStore": "spacel", "auths": {"a": {}}}`},
		"logins":            {`{"auths": {"a": {"auth": "x"}}}`, `{"auths": {"a": {"auth": "x"}}, ` + helpers + `}`},
		"another helper":    {`{"credsStore": "pass"}`, `{"credsStore": "pass", ` + helpers + `}`},
		"a helper of ECR's": {`{"credHelpers": {"x": "ecr-login"}}`, `{"credHelpers": {"x": "ecr-login"}, "credsStore": "spacel"}`},
	} {
		h := newBootEnv(t, document.Document[string]{
			Units:      map[string]document.Content{"web.service": {}},
			Registries: map[string]document.Registry{"ghcr.io": {}, "docker.io": {}},
		})
		if test.before != "" {
			if err := h.Machine.writeFile(dockerConfig, []byte(test.before), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if err := registries(t.Context(), h.Boot); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		var got, want any
		if json.Unmarshal([]byte(h.text(dockerConfig)), &got) != nil || json.Unmarshal([]byte(test.want), &want) != nil ||
			fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %s, want %s", name, h.text(dockerConfig), test.want)
		}
		h.wantMode(dockerConfig, 0o600)
		if target, err := os.Readlink(h.path(helperPath)); err != nil || target != agentName {
			t.Errorf("the helper leads to %s (%v)", target, err)
		}
	}
	for _, broken := range []string{"{", `{"auths": 5}`, `{"credHelpers": []}`} {
		h := newBootEnv(t, document.Document[string]{Units: map[string]document.Content{"web.service": {}}})
		if err := h.Machine.writeFile(dockerConfig, []byte(broken), 0o600); err != nil {
			t.Fatal(err)
		}
		wantError(t, registries(t.Context(), h.Boot), dockerConfig, "that Docker reads")
	}
}
