package compiler

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/encoding/yaml"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/internal/needs"
)

// resolved is what the references of these tests stand for.
var resolved = map[string]string{
	"AWS::StackId":     "arn:aws:cloudformation:us-east-1:123456789012:stack/production-laika/6f1c8a30-0000-11f0-8000-0e1234567890",
	"AgentBucket":      "assets.example.com",
	"AgentKeyAmd64":    "agent/amd64/4d2f",
	"AgentDigestAmd64": strings.Repeat("4d2f", 16),
	"Version":          "v1.2.3",
	"Token":            "t0",
	"Address":          "eipalloc-0123456789abcdef0",
}

// resolve is what CloudFormation makes of a text.
func resolve(t *testing.T, text *cfn.Text) string {
	t.Helper()
	body, err := json.Marshal(text.Value())
	if err != nil {
		t.Fatal(err)
	}
	var joined struct {
		Join []any `json:"Fn::Join"`
	}
	if err := json.Unmarshal(body, &joined); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, piece := range joined.Join[1].([]any) {
		if s, ok := piece.(string); ok {
			out.WriteString(s)
			continue
		}
		value, known := resolved[refOf(piece)]
		if !known {
			t.Fatalf("nothing stands for %v", piece)
		}
		out.WriteString(value)
	}
	return out.String()
}

// fullDocument fills every field there is, with texts that are hard to embed. Of its references, make gives the values.
func fullDocument[T any](literal, reference func(string) T) document.Document[T] {
	payload := document.Payload{Version: 1, IV: "aXY=", Key: "a2V5", Ciphertext: "Y2lwaGVy", KeyRegion: "us-east-1", Encoding: "utf-8"}
	return document.Document[T]{
		Format: 1, Orbit: "production", App: "laika", Region: "us-east-1", Bastion: true,
		Version: reference("Version"), Token: reference("Token"),
		Signal:       document.Signal[T]{Stack: reference("AWS::StackId"), Resource: "Asg", Timeout: 900},
		BootLog:      "production-boot",
		TargetGroups: []T{literal("arn:aws:elasticloadbalancing:a"), reference("AWS::StackId")},
		Addresses:    []T{reference("Address")},
		LocalHealth:  &document.LocalHealth{Protocol: "HTTP", Port: 80, Path: "/health?a=1&b=\"2\""},
		Units: map[string]document.Content{"laika.service": {Lines: []string{
			"[Service]", `ExecStart=/bin/sh -c 'echo "$HOME" ${X} %n \\'`, "\ttab: - # { [ ' | > @ ` !", "", " trailing ",
			"\u0085\u2028\x7f\ufeff é 😀", "",
		}}},
		Files: map[string]document.Content{
			"a: b":  {Base64: "AAECAw==", Mode: "0600"},
			"empty": {Lines: []string{""}},
			"crypt": {Payload: &payload},
		},
		Environments: map[string][]document.Variable{"laika.env": {{Name: "A", Value: "x=\"y\""}, {Name: "B", Payload: &payload}}},
		Asset: &document.Asset[T]{Bucket: reference("AgentBucket"), Key: reference("AgentKeyAmd64"),
			Digest: strings.Repeat("0f", 32)},
	}
}

func valueDocument() document.Document[cfn.Value] {
	literal := func(s string) cfn.Value { return cfn.String(s) }
	p := &cfn.Template{}
	return fullDocument(literal, func(name string) cfn.Value {
		if name == "AWS::StackId" {
			return cfn.StackID
		}
		return p.Parameter(name, cfn.Parameter{Type: "String"}).Ref()
	})
}

func textDocument() document.Document[string] {
	return fullDocument(func(s string) string { return s }, func(name string) string { return resolved[name] })
}

func sampleBoot(docker bool) boot {
	return boot{document: valueDocument(), agent: agentParameters(&part{}, "amd64"), docker: docker}
}

// cloudConfig is user data as cloud-init reads it.
type cloudConfig struct {
	WriteFiles []struct {
		Path        string `json:"path"`
		Permissions string `json:"permissions"`
		Content     string `json:"content"`
	} `json:"write_files"`
	RunCmd [][]string `json:"runcmd"`
}

func (c cloudConfig) file(path string) (content, mode string) {
	for _, f := range c.WriteFiles {
		if f.Path == path {
			return f.Content, f.Permissions
		}
	}
	return "", ""
}

func readCloudConfig(t *testing.T, userData string) cloudConfig {
	t.Helper()
	if !strings.HasPrefix(userData, "#cloud-config\n") {
		t.Fatalf("cloud-init does not know what begins with %.20q", userData)
	}
	file, err := yaml.Extract("user-data", userData)
	if err != nil {
		t.Fatal(err)
	}
	var out cloudConfig
	if err := cuecontext.New(cuecontext.CUE_DEBUG("")).BuildFile(file).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestUserDataCarriesTheDocument resolves the references, reads the YAML and then, as strictly as the agent, the document.
func TestUserDataCarriesTheDocument(t *testing.T) {
	config := readCloudConfig(t, resolve(t, userData(sampleBoot(true))))
	content, mode := config.file(document.Path)
	if mode != "0600" {
		t.Errorf("the document's mode is %q", mode)
	}
	decoder := json.NewDecoder(strings.NewReader(content))
	decoder.DisallowUnknownFields()
	var got document.Document[string]
	if err := decoder.Decode(&got); err != nil {
		t.Fatalf("%v in\n%s", err, content)
	}
	if want := textDocument(); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

// TestUserDataIsPlain holds it to what PyYAML, which cloud-init reads it with, takes as it stands.
func TestUserDataIsPlain(t *testing.T) {
	for _, r := range resolve(t, userData(sampleBoot(true))) {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r <= 0x9f || r == 0xfeff || r == 0x2028 {
			t.Errorf("user data holds %U", r)
		}
	}
}

func TestUserDataStartsTheAgent(t *testing.T) {
	config := readCloudConfig(t, resolve(t, userData(sampleBoot(true))))
	want := [][]string{{"systemctl", "daemon-reload"}, {"systemctl", "enable", "--now", "--no-block", "spacel-agent.service"}}
	if !reflect.DeepEqual(config.RunCmd, want) {
		t.Errorf("runs %v, want %v", config.RunCmd, want)
	}
	unit, mode := config.file("/etc/systemd/system/spacel-agent.service")
	if unit != agentUnit || mode != "0644" {
		t.Errorf("the unit is, with mode %s:\n%s", mode, unit)
	}
	script, mode := config.file("/usr/local/sbin/spacel-install")
	if !strings.Contains(unit, "\nExecStartPre=/usr/local/sbin/spacel-install\n") || mode != "0700" ||
		!strings.HasPrefix(script, "#!/bin/sh\n") {
		t.Errorf("the unit runs %.20q of mode %s", script, mode)
	}
}

func TestUserDataSize(t *testing.T) {
	b := sampleBoot(true)
	if !fitsUserData(userData(b)) {
		t.Error("a small document does not fit")
	}
	b.document.Files["big"] = document.Content{Lines: []string{strings.Repeat("x", cfn.MaxUserDataSize)}}
	if fitsUserData(userData(b)) {
		t.Error("a document above EC2's limit fits")
	}
	bastion := boot{document: document.Document[cfn.Value]{Format: 1, Signal: document.Signal[cfn.Value]{Stack: cfn.StackID}},
		agent: b.agent}
	if size := userData(bastion).Size(referenceSize); size > 6*1024 {
		t.Errorf("an empty document already takes %d bytes", size)
	}
}

func installScriptOf(t *testing.T, docker bool) string {
	t.Helper()
	script, _ := readCloudConfig(t, resolve(t, userData(sampleBoot(docker)))).file("/usr/local/sbin/spacel-install")
	return script
}

// TestInstallScriptIsClean runs shellcheck on the script.
func TestInstallScriptIsClean(t *testing.T) {
	shellcheck := needs.Program(t, "shellcheck")
	path := filepath.Join(t.TempDir(), "install")
	if err := os.WriteFile(path, []byte(installScriptOf(t, true)), 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(shellcheck, path).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, bytes.TrimSpace(out))
	}
}

// TestCloudInitAcceptsUserData has cloud-init check user data against its own schema.
func TestCloudInitAcceptsUserData(t *testing.T) {
	cloudInit := needs.Program(t, "cloud-init")
	path := filepath.Join(t.TempDir(), "user-data")
	if err := os.WriteFile(path, []byte(resolve(t, userData(sampleBoot(true)))), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(cloudInit, "schema", "--config-file", path).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, bytes.TrimSpace(out))
	}
}

func BenchmarkUserData(b *testing.B) {
	boot := sampleBoot(true)
	for b.Loop() {
		userData(boot).Value()
	}
}
