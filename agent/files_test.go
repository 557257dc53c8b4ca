package agent

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/agent/secrets"
	"github.com/pebble/spacel/agent/secrets/kmstest"
)

func sealed(t testing.TB, server *kmstest.Server, key, plaintext string) *document.Payload {
	t.Helper()
	p, err := secrets.Seal(t.Context(), server.Client("us-east-1"), []byte(plaintext),
		secrets.Context{Orbit: "production", App: "laika", Key: key}, []string{"us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	return &p
}

func TestFiles(t *testing.T) {
	server := kmstest.New(t)
	h := newBootEnv(t, document.Document[string]{
		Version: "v7",
		Files: map[string]document.Content{
			"motd":           {Lines: []string{"hello", "__VERSION__", ""}},
			"etc/app/binary": {Base64: "AP8=", Mode: "0640"},
			"key.pem":        {Payload: sealed(t, server, "key.pem", "very secret\n"), Mode: "0600"},
			"empty":          {},
			"user.pem":       {Lines: []string{"mine"}, Mode: "0600", User: strconv.Itoa(os.Getuid())},
		},
		Units: map[string]document.Content{
			"laika.service": {Lines: []string{"[Service]", "ExecStart=/usr/bin/docker run laika:__VERSION__ --name __VERSION__", ""}},
			"other.service": {Payload: sealed(t, server, "other.service", "[Service]\nExecStart=/bin/sleep __VERSION__\n")},
		},
	})
	h.AWS.KMS = server.Client("us-east-1")
	for range 2 { // a later boot writes them again
		if err := files(t.Context(), h.Boot); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"files/motd":                       "hello\n__VERSION__\n",
		"files/etc/app/binary":             "\x00\xff",
		"files/key.pem":                    "very secret\n",
		"files/empty":                      "",
		"etc/systemd/system/laika.service": "[Service]\nExecStart=/usr/bin/docker run laika:v7 --name v7\n",
		"etc/systemd/system/other.service": "[Service]\nExecStart=/bin/sleep v7\n",
	} {
		wantText(t, name, h.text(name), want)
	}
	h.wantMode("files/motd", 0o644)
	h.wantMode("files/etc/app/binary", 0o640)
	h.wantMode("files/key.pem", 0o600)
	h.wantMode("etc/systemd/system/laika.service", 0o644)
	entries, err := os.ReadDir(h.path("files"))
	if err != nil || len(entries) != 5 {
		t.Errorf("/files holds %v (%v), want 5 entries", entries, err)
	}
	h.wantMode("files/user.pem", 0o600)
	h.Document.Files = map[string]document.Content{"a": {User: "laika"}}
	wantError(t, files(t.Context(), h.Boot), "the user laika is not a user's number")
	if os.Getuid() == 0 {
		h.Document.Files = map[string]document.Content{"of1000": {User: "1000"}}
		if err := files(t.Context(), h.Boot); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(h.path("files/of1000")); err != nil || info.Sys().(*syscall.Stat_t).Uid != 1000 {
			t.Errorf("got %+v, %v", info, err)
		}
	}
	h.Log.Info("the app wrote: very secret")
	if strings.Contains(h.log.String(), "very secret") {
		t.Errorf("the log shows a secret: %s", h.log)
	}
}

func TestSecretOfAnotherName(t *testing.T) {
	server := kmstest.New(t)
	h := newBootEnv(t, document.Document[string]{Files: map[string]document.Content{"b.pem": {Payload: sealed(t, server, "a.pem",
		"very secret")}}})
	h.AWS.KMS = server.Client("us-east-1")
	err := files(t.Context(), h.Boot)
	wantError(t, err, "b.pem", "encrypted for another")
	if strings.Contains(err.Error(), "very secret") {
		t.Errorf("the error shows the secret: %v", err)
	}
	if _, err := os.Lstat(h.path("files/b.pem")); err == nil {
		t.Error("the file was written")
	}
}

// Whatever a document says, it writes below its two directories only.
func TestNamesThatLeave(t *testing.T) {
	for _, name := range []string{"../evil", "/etc/passwd", "a/../../evil", "a/./b", "", ".", "a//b", "out/evil", "link"} {
		t.Run(name, func(t *testing.T) {
			h := newBootEnv(t, document.Document[string]{Files: map[string]document.Content{name: {Lines: []string{"evil"}}}})
			outside := t.TempDir()
			for _, err := range []error{
				os.Mkdir(h.path("files"), 0o755),
				os.Symlink(outside, h.path("files/out")),
				os.WriteFile(outside+"/target", []byte("good"), 0o644),
				os.Symlink(outside+"/target", h.path("files/link")),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
			err := files(t.Context(), h.Boot)
			if name == "link" { // is replaced, and not followed
				if err != nil || h.text("files/link") != "evil" {
					t.Errorf("files/link: %q, %v", h.text("files/link"), err)
				}
			} else if err == nil {
				t.Error("it was written")
			}
			got, err := os.ReadFile(outside + "/target")
			entries, _ := os.ReadDir(outside)
			if err != nil || string(got) != "good" || len(entries) != 1 {
				t.Errorf("outside: %q, %v, %v", got, entries, err)
			}
			if _, err := os.Lstat(h.path("evil")); err == nil {
				t.Error("a file was written beside /files")
			}
		})
	}
}

func TestUnitsThatAreRefused(t *testing.T) {
	for _, name := range []string{"spacel-agent.service", "../x.service", "a/b.service", "x.service.d/evil.conf", ""} {
		h := newBootEnv(t, document.Document[string]{Units: map[string]document.Content{name: {Lines: []string{"[Unit]"}}}})
		wantError(t, files(t.Context(), h.Boot), "unit "+name)
	}
}

func TestModesThatAreRefused(t *testing.T) {
	for _, mode := range []string{"4755", "rw", "0999", "-1"} {
		h := newBootEnv(t, document.Document[string]{Files: map[string]document.Content{"a": {Mode: mode}}})
		wantError(t, files(t.Context(), h.Boot), "the mode "+mode)
	}
}

// A file is there whole or not at all: what an interrupted boot left is no hindrance.
func TestLeftOfAnInterruptedBoot(t *testing.T) {
	h := newBootEnv(t, document.Document[string]{Files: map[string]document.Content{"a": {Lines: []string{"new"}}}})
	if err := os.MkdirAll(h.path("files/.a.new"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := files(t.Context(), h.Boot); err != nil {
		t.Fatal(err)
	}
	wantText(t, "files/a", h.text("files/a"), "new")
}
