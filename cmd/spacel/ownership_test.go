package main

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/internal/cloudtest"
)

// signer is a call as AWS sees it: the service and the session that signed it, "" for the user's own keys.
type signer struct{ service, session string }

// owned is an account whose orbit says where it belongs.
type owned struct {
	*account
	mu    sync.Mutex
	calls []signer
}

var signedFor = regexp.MustCompile(`Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request`)

// newOwned writes build/ and manifests for an account and a role.
func newOwned(t *testing.T, of, role string) *owned {
	t.Helper()
	o := &owned{account: newAccount(t)}
	o.must("deploy", "build", "--yes")
	target, err := url.Parse(o.cf.URL)
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m := signedFor.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
			o.mu.Lock()
			o.calls = append(o.calls, signer{m[1], r.Header.Get("X-Amz-Security-Token")})
			o.mu.Unlock()
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	o.rewrite(of, role)
	return o
}

// rewrite writes the artifact directory and the manifests once more, with an owner.
func (o *owned) rewrite(of, role string) {
	o.Helper()
	read, err := assembly.Read("build")
	if err != nil {
		o.Fatal(err)
	}
	defer read.Close()
	places, err := read.SourceMap()
	if err != nil {
		o.Fatal(err)
	}
	w, err := assembly.NewWriter(filepath.Join(o.dir, "build"), "test")
	if err != nil {
		o.Fatal(err)
	}
	w.Of(assembly.Owner{Account: of, Role: role})
	for _, s := range read.Manifest.Stacks {
		template, err := read.Template(s.Ref())
		if err != nil {
			o.Fatal(err)
		}
		if err := w.Stack(s, template, places[s.Ref().String()]); err != nil {
			o.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		o.Fatal(err)
	}
	orbit := "name: test\nregions: [" + east + "]\naccount: \"" + of + "\"\n"
	if role != "" {
		orbit += "role: " + role + "\n"
	}
	for name, text := range map[string]string{"orbit.yaml": orbit, "test.yaml": orbit,
		"ada.pub":  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBEAzkLV2zmhuMCRtmh3YYCiqFUYuzNb8MnXZbAFRv3w ada\n",
		"app.yaml": "name: web\nall: {services: {web: {image: nginx}}}\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			o.Fatal(err)
		}
	}
}

// called returns the calls since the last time.
func (o *owned) called() []signer {
	o.mu.Lock()
	defer o.mu.Unlock()
	calls := o.calls
	o.calls = nil
	return calls
}

// callingCommands has an example of every command that calls AWS, and whether it changes something.
var callingCommands = []struct {
	args    string
	changes bool
}{
	{"deploy build --yes --force", true},
	{"deploy build --dry-run", true},
	{"destroy build --confirm test-web --app web", true},
	{"destroy build --dry-run", false},
	{"destroy --orbit test --dry-run", false},
	{"redeploy web --yes --orbit ./build", true},
	{"redeploy web --yes", true},
	{"status build", false},
	{"outputs build", false},
	{"diff --live build", false},
	{"instances web --orbit ./build", false},
	{"instances web --orbit test", false},
	{"logs web --orbit orbit.yaml", false},
	{"events web --orbit ./build", false},
	{"ssh web --orbit ./build", false},
	{"exec web --orbit ./build -- true", false},
	{"releases web --orbit ./build", false},
	{"scale web 2 --orbit ./build", true},
	{"maintenance web on --orbit ./build", true},
	{"rollback web --yes --orbit ./build", true},
	{"tunnel web main --orbit ./build", false},
	{"tasks web --orbit ./build", false},
	{"tasks web --orbit ./build --mark migrate=done", true},
	{"access list web --orbit ./build", false},
	{"access sync --orbit ./build", false},
	{"access sync --orbit ./build --from us-east-1", true},
	{"access grant ada web --orbit ./build", true},
	{"access revoke ada web --orbit ./build", true},
	{"access user list --orbit ./build", false},
	{"access user add ada --key ada.pub --orbit ./build", true},
	{"access user remove ada --orbit ./build", true},
	{"secret encrypt app.yaml --orbit orbit.yaml --key KEY --value x", true},
	{"secret decrypt app.yaml --orbit orbit.yaml --key KEY", false},
	{"secret rotate app.yaml --orbit orbit.yaml", true},
	{"doctor", true}, // it checks the role that a deployment would assume
}

// Every command that has --role-arn is in the table.
func TestEveryCallingCommandIsKnown(t *testing.T) {
	var walk func(prefix string, commands []*cli.Command)
	walk = func(prefix string, commands []*cli.Command) {
		for _, c := range commands {
			name := strings.TrimSpace(prefix + " " + c.Name)
			walk(name, c.Subcommands)
			if !slices.ContainsFunc(c.Flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), "role-arn") }) {
				continue
			}
			known := slices.ContainsFunc(callingCommands, func(k struct {
				args    string
				changes bool
			}) bool {
				return strings.HasPrefix(k.args+" ", name+" ")
			})
			if !known {
				t.Errorf("spacel %s calls AWS and is not in callingCommands", name)
			}
		}
	}
	walk("", newApp(newConsole(strings.NewReader(""), os.Stdout, os.Stderr)).Commands)
}

// Credentials of another account are refused before anything else is asked, by every command, and the line names both accounts and
// the place.
func TestAnotherAccountIsRefused(t *testing.T) {
	o := newOwned(t, "999999999999", "")
	for _, c := range callingCommands {
		o.called()
		s := o.spacel(strings.Fields(c.args)...)
		if s.code != 2 && !(s.code == 1 && c.args == "doctor") {
			t.Errorf("spacel %s: exit code %d\n%s%s", c.args, s.code, s.stdout, s.stderr)
		}
		text := s.stdout + s.stderr
		for _, want := range []string{"these AWS credentials are of account " + cloudtest.Account(t),
			"the orbit test is in account 999999999999 (", "choose a profile of that account"} {
			if !strings.Contains(text, want) {
				t.Errorf("spacel %s: %q is not in\n%s", c.args, want, text)
			}
		}
		if !strings.Contains(text, "build/manifest.json)") && !strings.Contains(text, ".yaml:3:1)") {
			t.Errorf("spacel %s does not say where the account is written:\n%s", c.args, text)
		}
		for _, call := range o.called() {
			if call.service != "sts" {
				t.Errorf("spacel %s called %s first", c.args, call.service)
			}
		}
	}
}

// Commands that change something call everything but sts with the role. Reading commands never assume it.
func TestChangingCommandsAssumeTheRole(t *testing.T) {
	of := cloudtest.Account(t)
	role := "arn:aws:iam::" + of + ":role/ci/deployer"
	o := newOwned(t, of, role)
	o.cf.Roles = []string{role}
	session := "arn:aws:sts::" + of + ":assumed-role/deployer/spacel-test-test"
	for _, c := range callingCommands {
		o.called()
		s := o.spacel(strings.Fields(c.args)...)
		want := ""
		if c.changes {
			want = session
		}
		others := 0
		for _, call := range o.called() {
			if call.service == "sts" {
				continue
			}
			others++
			if call.session != want {
				t.Errorf("spacel %s called %s as %q, want %q", c.args, call.service, call.session, want)
			}
		}
		// The app has no secret, so decrypt and rotate end before a call.
		if others == 0 && !strings.HasPrefix(c.args, "secret ") {
			t.Errorf("spacel %s called nothing: exit code %d\n%s%s", c.args, s.code, s.stdout, s.stderr)
		}
	}
}

// A role that does not trust the caller, and an explicit other one.
func TestRoleCannotBeAssumed(t *testing.T) {
	of := cloudtest.Account(t)
	role, other := "arn:aws:iam::"+of+":role/deployer", "arn:aws:iam::"+of+":role/other"
	o := newOwned(t, of, role)
	o.unchanged(func() {
		o.expect(o.spacel("deploy", "build", "--yes", "--force"), 2,
			"spacel deploy: assume the role "+role+" of the orbit test (build/manifest.json)",
			"as arn:aws:iam::"+of+":user/test", "is not authorized to perform: sts:AssumeRole", "the role's trust policy must allow it")
	})
	o.cf.Roles = []string{other}
	o.called()
	o.must("deploy", "build", "--yes", "--force", "--role-arn", other)
	for _, call := range o.called() {
		if call.service == "cloudformation" && !strings.Contains(call.session, ":assumed-role/other/") {
			t.Errorf("called as %q", call.session)
		}
	}
}

// Credentials that are the role already are used as they are, as in CI.
func TestRoleIsNotAssumedTwice(t *testing.T) {
	of := cloudtest.Account(t)
	o := newOwned(t, of, "arn:aws:iam::"+of+":role/ci/deployer")
	session := "arn:aws:sts::" + of + ":assumed-role/deployer/github"
	t.Setenv("AWS_SESSION_TOKEN", session)
	o.called()
	o.must("deploy", "build", "--yes", "--force")
	for _, call := range o.called() {
		if call.session != session {
			t.Errorf("called %s as %q", call.service, call.session)
		}
	}
	t.Setenv("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z")
	o.expect(o.spacel("deploy", "build", "--yes"), 0, "these AWS credentials are valid for 0s more")
}

// A role in the manifest that a directory does not have is a difference that leads the review.
func TestOwnerIsReviewed(t *testing.T) {
	of := cloudtest.Account(t)
	o := newOwned(t, of, "")
	if err := os.Rename("build", "before"); err != nil {
		t.Fatal(err)
	}
	o.build(web("small"))
	o.rewrite("999999999999", "arn:aws:iam::999999999999:role/x")
	for _, form := range []string{"text", "markdown"} {
		o.expect(o.spacel("diff", "before", "build", "--output", form), 0, `the orbit's account: "999999999999", before: "`+of+`"`,
			`the orbit's role: "arn:aws:iam::999999999999:role/x", before: none`)
	}
	o.expect(o.spacel("diff", "before", "build", "--output", "json", "--exit-code"), 1, `"owner":`, `"path": "account"`)
}
