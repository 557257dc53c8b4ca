//go:build docker

package agent

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/internal/cloudtest"
	"github.com/pebble/spacel/internal/imageregistry"
)

// The registries of the test's images.
const (
	privateHost = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
	publicHost  = "registry.example.com"
)

// dockerEnv is a machine with Docker and an app's units.
type dockerEnv struct {
	*bootEnv
	daemon *dockerDaemon
	env    []string // of the units' programs
	units  map[string]*dockerUnit
}

// TestDockerRunsUnits runs the lines of generated units, as systemd reads them, by a real Docker. The boot test does the same with a real
// systemd.
func TestDockerRunsUnits(t *testing.T) {
	if !onDockerMachine(t) {
		return
	}
	h := newDockerEnv(t)
	defer h.daemon.stop()
	for _, name := range slices.Sorted(maps.Keys(h.units)) {
		h.start(name)
	}
	t.Run("values", h.valuesArrive)
	t.Run("words", h.wordsAreDockers)
	t.Run("health check", h.becomesHealthy)
	t.Run("names", h.findsByName)
	t.Run("logins", h.logsIn)
	t.Run("end", h.drains)
	t.Run("log", h.logIsLimited)
}

// newDockerEnv builds the app, starts the registries and Docker, and runs the agent's stages up to the units.
func newDockerEnv(t *testing.T) *dockerEnv {
	h := &dockerEnv{bootEnv: newBootEnv(t, builtDocument(t)), units: map[string]*dockerUnit{}}
	moto := cloudtest.Moto(t)
	helper := newHelperEnv(t, moto, h.Document.Registries) // for its metadata service
	h.env = append(os.Environ(), "PATH=/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin", "HOME=/root",
		"AWS_ENDPOINT_URL="+moto, "AWS_EC2_METADATA_SERVICE_ENDPOINT="+helper.at.Metadata)
	h.startRegistries(moto)
	h.installAgent()

	log, err := os.Create(filepath.Join(t.TempDir(), "dockerd.log"))
	if err != nil {
		t.Fatal(err)
	}
	h.daemon = &dockerDaemon{t: t, log: log}
	h.Machine = Machine{Root: "/", Run: h.daemon.program}
	for _, s := range stages() {
		if slices.Contains([]string{"docker logging", "registries", "files", "environments"}, s.name) {
			if err := h.runStage(t.Context(), s); err != nil {
				t.Fatalf("stage %s: %v", s.name, err)
			}
		}
	}
	for name := range h.Document.Units {
		h.units[name] = readUnit(t, name)
	}
	return h
}

// builtDocument is the large part of the document that spacel build writes, which holds the units. A large file moves it to an asset.
func builtDocument(t *testing.T) document.Document[string] {
	t.Helper()
	dir := t.TempDir()
	text, err := os.ReadFile("testdata/docker/app.yaml")
	if err != nil {
		t.Fatal(err)
	}
	large := make([]byte, 24<<10)
	_, _ = rand.Read(large)
	words := strings.NewReplacer("ODD_WORDS", asJSON(oddWords()), "ODD_VARIABLES", asJSON(imageregistry.OddValues),
		"ODD_LABELS", asJSON(imageregistry.OddLabels()),
		"HEALTH_TEST", asJSON(append([]string{"CMD", "/bin/check"}, imageregistry.HealthWords...)),
		"LONG_LINE", strings.Repeat("flood", 500), "LARGE", base64.StdEncoding.EncodeToString(large))
	manifest := filepath.Join(dir, "app.yaml")
	if err := os.WriteFile(manifest, []byte(words.Replace(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "build")
	said, err := exec.CommandContext(t.Context(), "go", "run", "../cmd/spacel", "build", "--orbit", "testdata/docker/orbit.yaml", manifest,
		"--out", out).CombinedOutput()
	if err != nil {
		t.Fatalf("spacel build: %v\n%s", err, said)
	}
	assets, err := filepath.Glob(filepath.Join(out, "assets", "*"))
	if err != nil || len(assets) != 1 {
		t.Fatalf("the build has the assets %v, want one: %v", assets, err)
	}
	data, err := os.ReadFile(assets[0])
	if err != nil {
		t.Fatal(err)
	}
	d, err := parse(data)
	if err != nil {
		t.Fatal(err)
	}
	d.Version = "v7"
	return *d
}

func oddWords() []string { return append([]string{"__VERSION__"}, imageregistry.OddWords()...) }

func asJSON(v any) string {
	text, _ := json.Marshal(v) // values of texts always have JSON
	return string(text)
}

// startRegistries starts both registries behind their own names, with TLS by an authority that Docker trusts for them.
func (h *dockerEnv) startRegistries(moto string) {
	t := h.t.(*testing.T)
	client := ecr.NewFromConfig(cloudtest.Config(t, moto, "us-east-1"))
	out, err := client.GetAuthorizationToken(t.Context(), &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	token, err := base64.StdEncoding.DecodeString(aws.ToString(out.AuthorizationData[0].AuthorizationToken))
	user, password, ok := strings.Cut(string(token), ":")
	if err != nil || !ok {
		t.Fatalf("the emulator's token is %q: %v", token, err)
	}
	hosts := "127.0.0.1 localhost\n127.0.0.2 " + privateHost + "\n127.0.0.3 " + publicHost + "\n"
	if err := os.WriteFile("/etc/hosts", []byte(hosts), 0o644); err != nil {
		t.Fatal(err)
	}
	private := imageregistry.Start(t, "..", imageregistry.Login{User: user, Password: password}, h.secured("127.0.0.2:443", privateHost))
	private.Push(t, "example/web", "v7")
	imageregistry.Start(t, "..", imageregistry.Login{}, h.secured("127.0.0.3:443", publicHost)).Push(t, "example/tools", "1")
}

// secured makes a certificate for a registry, and has Docker trust it.
func (h *dockerEnv) secured(address, host string) *imageregistry.TLS {
	h.t.Helper()
	dir := "/etc/docker/certs.d/" + host
	if err := os.MkdirAll(dir, 0o755); err != nil {
		h.t.Fatal(err)
	}
	key := filepath.Join(h.t.TempDir(), "key.pem")
	out, err := exec.Command("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
		"-subj", "/CN="+host, "-addext", "subjectAltName=DNS:"+host, "-keyout", key, "-out", dir+"/ca.crt").CombinedOutput()
	if err != nil {
		h.t.Fatalf("make a certificate: %v: %s", err, out)
	}
	pool, text := x509.NewCertPool(), h.text(dir+"/ca.crt")
	pool.AppendCertsFromPEM([]byte(text))
	return &imageregistry.TLS{
		Address: address, Certificate: dir + "/ca.crt", Key: key,
		Client: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: host}}},
	}
}

// text reads a file of the machine.
func (h *dockerEnv) text(path string) string {
	h.t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(data)
}

// installAgent puts the agent where user data does, and the document that it reads as Docker's helper.
func (h *dockerEnv) installAgent() {
	h.t.Helper()
	said, err := exec.Command("go", "build", "-o", "/usr/local/bin/spacel-agent", "../cmd/spacel-agent").CombinedOutput()
	if err != nil {
		h.t.Fatalf("build the agent: %v: %s", err, said)
	}
	body, err := json.Marshal(h.Document)
	if err == nil {
		err = Machine{Root: "/"}.writeFile(document.Path, body, 0o600)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// start runs a unit's commands in systemd's order. The container runs on.
func (h *dockerEnv) start(name string) {
	h.t.Helper()
	u := h.units[name]
	for _, command := range u.before {
		if out, err := h.command(command).CombinedOutput(); err != nil && !command.mayFail {
			h.t.Fatalf("%s: %q: %v: %s", name, command.words, err, out)
		}
	}
	u.running = h.command(u.run)
	u.running.Stdout, u.running.Stderr = &u.said, &u.said
	if err := u.running.Start(); err != nil {
		h.t.Fatal(err)
	}
	for range 600 {
		if out, _ := h.docker("inspect", "--format", "{{.State.Running}}", name); out == "true\n" {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	h.t.Fatalf("%s does not run: %s", name, u.said.String())
}

// command is a unit's command with the environment of a unit.
func (h *dockerEnv) command(c unitCommand) *exec.Cmd {
	cmd := exec.Command(c.words[0], c.words[1:]...)
	cmd.Env = h.env
	return cmd
}

// docker runs Docker's client and returns its output.
func (h *dockerEnv) docker(words ...string) (string, error) {
	cmd := exec.CommandContext(context.Background(), "/usr/bin/docker", words...)
	cmd.Env = h.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// read waits for a file in a container and returns it.
func (h *dockerEnv) read(t *testing.T, name, path string) string {
	t.Helper()
	var out string
	var err error
	for range 600 {
		if out, err = h.docker("exec", name, "cat", path); err == nil {
			return out
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("read %s in %s: %v: %s", path, name, err, out)
	return ""
}

// valuesArrive holds that each word, variable and label is as the manifest has it, byte for byte.
func (h *dockerEnv) valuesArrive(t *testing.T) {
	h.read(t, "values.service", "/www/index.html") // written last
	words := strings.Split(strings.TrimSuffix(h.read(t, "values.service", "/www/words"), "\x00"), "\x00")
	if want := append([]string{"sh", "/bin/serve", "v7"}, imageregistry.OddWords()...); !slices.Equal(words, want) {
		t.Errorf("the container's words are %q, want %q", words, want)
	}
	variables := strings.Split(h.read(t, "values.service", "/www/environment"), "\x00")
	for name, value := range imageregistry.OddValues {
		if !slices.Contains(variables, name+"="+value) {
			t.Errorf("the container's variables are %q, want %q", variables, name+"="+value)
		}
	}
	labels := h.inspect(t, "values.service").Config.Labels
	for name, value := range imageregistry.OddLabels() {
		if got, ok := labels[name]; !ok || got != value {
			t.Errorf("the label %s is %q, want %q", name, got, value)
		}
	}
}

// becomesHealthy holds that the exec form of a health check reaches the image's shell with its words intact. /bin/check compares them.
func (h *dockerEnv) becomesHealthy(t *testing.T) {
	for range 300 {
		state := h.inspect(t, "search.service").State
		if state.Health.Status == "healthy" {
			return
		}
		if n := len(state.Health.Log); n > 0 && strings.Contains(state.Health.Log[n-1].Output, "wrong words") {
			t.Fatalf("the health check says %s", state.Health.Log[n-1].Output)
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("the container does not become healthy: %+v", h.inspect(t, "search.service").State.Health)
}

// findsByName holds that a container reaches another by its unit's name, with and without the ending.
func (h *dockerEnv) findsByName(t *testing.T) {
	// The first try may have been before the other one served.
	for _, name := range []string{"search", "search.service"} {
		if got, err := h.docker("exec", "asks.service", "fetch", "http://"+name+"/"); err != nil || got != "found\n" {
			t.Errorf("%s answers %q: %v", name, got, err)
		}
	}
}

// logsIn holds that the private image came by a login of the agent's, that a login is needed, and that no login is kept.
func (h *dockerEnv) logsIn(t *testing.T) {
	if text := h.text("/root/.docker/config.json"); strings.Contains(text, "auths") {
		t.Errorf("a login is kept in Docker's settings: %s", text)
	}
	const image = privateHost + "/example/web:v7"
	without := t.TempDir() // settings without a helper
	if out, err := h.docker("--config", without, "pull", image); err == nil {
		t.Errorf("the private image is pulled without a login: %s", out)
	}
	for _, image := range []string{image, publicHost + "/example/tools:1"} {
		if out, err := h.docker("pull", image); err != nil {
			t.Errorf("pull %s: %v: %s", image, err, out)
		}
	}
}

// drains holds that a container has the time to end that its manifest gives.
func (h *dockerEnv) drains(t *testing.T) {
	u := h.units["drain.service"]
	began := time.Now()
	for _, command := range u.stop {
		if out, err := h.command(command).CombinedOutput(); err != nil {
			t.Errorf("%q: %v: %s", command.words, err, out)
		}
	}
	err := u.running.Wait()
	if took := time.Since(began); err != nil || took < 6*time.Second || u.said.String() != "ready\ndrained\n" {
		t.Errorf("a container that drains for 6 s ended after %s with %v and said %q", took, err, u.said.String())
	}
}

// logIsLimited holds that 50 MB of output leave no more than three files of 10 MB.
func (h *dockerEnv) logIsLimited(t *testing.T) {
	h.read(t, "flood.service", "/flooded")
	const most = 3*10_000_000 + 10_000 // a line may pass the limit
	var kept int64
	parts, _ := filepath.Glob("/var/lib/docker/containers/" + h.inspect(t, "flood.service").ID + "/*-json.log*")
	for _, part := range parts {
		if info, err := os.Stat(part); err == nil {
			kept += info.Size()
		}
	}
	if kept > most || kept < most/3 {
		t.Errorf("Docker keeps %d bytes of 50 MB, want between %d and %d", kept, most/3, most)
	}
}

// wordsAreDockers holds that each word of a container is the setting of Docker's that Compose means by it.
func (h *dockerEnv) wordsAreDockers(t *testing.T) {
	c := h.inspect(t, "words.service")
	got := map[string]any{
		"user": c.Config.User, "working_dir": c.Config.WorkingDir, "hostname": c.Config.Hostname, "stop_signal": c.Config.StopSignal,
		"stop_grace_period": c.Config.StopTimeout, "command": c.Config.Cmd, "health": c.Config.Healthcheck,
		"a": c.Config.Labels["a"], "n": c.Config.Labels["n"],
		"cpus": c.HostConfig.NanoCpus, "shm_size": c.HostConfig.ShmSize,
		"ulimits": c.HostConfig.Ulimits, "cap_add": capabilities(c.HostConfig.CapAdd), "cap_drop": capabilities(c.HostConfig.CapDrop),
		"read_only": c.HostConfig.ReadonlyRootfs, "tmpfs": c.HostConfig.Tmpfs, "init": c.HostConfig.Init,
		"devices": c.HostConfig.Devices, "extra_hosts": c.HostConfig.ExtraHosts, "binds": c.HostConfig.Binds,
		"sysctl": c.HostConfig.Sysctls, "network": c.HostConfig.NetworkMode, "ports": c.HostConfig.PortBindings,
		"restart": c.HostConfig.RestartPolicy.Name, "auto remove": c.HostConfig.AutoRemove,
	}
	want := h.text("testdata/docker/words.json")
	text, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if string(text)+"\n" != want {
		t.Errorf("Docker has\n%s\nwant testdata/docker/words.json:\n%s", text, want)
	}
	// A kernel without the controller has Docker drop the limit, with a warning.
	if info, _ := h.docker("info"); !strings.Contains(info, "No memory limit") && c.HostConfig.Memory != 64<<20 {
		t.Errorf("mem_limit is %d", c.HostConfig.Memory)
	}
	if file := h.read(t, "words.service", "/x"); file != "in a file with a space" {
		t.Errorf("the mounted file has %q", file)
	}
}

// capabilities returns the names without their prefix, which some releases of Docker add.
func capabilities(names []string) []string {
	for i, name := range names {
		names[i] = strings.TrimPrefix(name, "CAP_")
	}
	return names
}

// inspected is what docker inspect says of a container.
type inspected struct {
	ID    string `json:"Id"`
	State struct {
		Health struct {
			Status string
			Log    []struct{ Output string }
		}
	}
	Config struct {
		User, WorkingDir, Hostname, StopSignal string
		StopTimeout                            int
		Cmd                                    []string
		Labels                                 map[string]string
		Healthcheck                            any
	}
	HostConfig struct {
		Memory, NanoCpus, ShmSize                     int64
		CapAdd, CapDrop, ExtraHosts, Binds            []string
		Ulimits, Init, Devices, Sysctls, PortBindings any
		Tmpfs                                         map[string]string
		ReadonlyRootfs, AutoRemove                    bool
		NetworkMode                                   string
		RestartPolicy                                 struct{ Name string }
	}
}

func (h *dockerEnv) inspect(t *testing.T, name string) inspected {
	t.Helper()
	out, err := h.docker("inspect", name)
	var all []inspected
	if err == nil {
		err = json.Unmarshal([]byte(out), &all)
	}
	if err != nil || len(all) != 1 {
		t.Fatalf("inspect %s: %v: %s", name, err, out)
	}
	return all[0]
}

// dockerUnit is the commands of a generated unit.
type dockerUnit struct {
	before, stop []unitCommand
	run          unitCommand
	running      *exec.Cmd
	said         lines
}

// unitCommand is a command line of a unit, as systemd runs it.
type unitCommand struct {
	words   []string
	mayFail bool
}

// readUnit reads the commands of a unit that the agent has written.
func readUnit(t *testing.T, name string) *dockerUnit {
	t.Helper()
	data, err := os.ReadFile("/etc/systemd/system/" + name)
	if err != nil {
		t.Fatal(err)
	}
	u := &dockerUnit{}
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		command := unitCommand{mayFail: strings.HasPrefix(value, "-")}
		if strings.HasPrefix(key, "Exec") {
			if command.words, err = systemdWords(strings.TrimPrefix(value, "-"), name); err != nil {
				t.Fatalf("%s: %q: %v", name, value, err)
			}
		}
		switch key {
		case "ExecStartPre":
			u.before = append(u.before, command)
		case "ExecStart":
			u.run = command
		case "ExecStop":
			u.stop = append(u.stop, command)
		}
	}
	return u
}

// systemdWords splits a command line as systemd does (systemd.service(5), "Command lines"; systemd.syntax(7), "Quoting"): quotes begin and
// end a word or are not quotes, a backslash begins an escape everywhere, %n is the unit's name, and $$ is a dollar sign. Any other % or $
// is an error here: no generated unit means one.
func systemdWords(line, unit string) ([]string, error) {
	var words []string
	var word strings.Builder
	in, begun := byte(0), false
	for i := 0; i < len(line); i++ {
		c := line[i]
		begins := c == '"' || c == '\''
		switch {
		case c == '\\' && i+1 < len(line):
			i++
			word.WriteString(map[byte]string{'t': "\t", 'n': "\n", 's': " ", '\\': `\`, '"': `"`, '\'': `'`}[line[i]])
			begun = true
		case in != 0 && c == in:
			in = 0
		case in == 0 && begins && !begun:
			in, begun = c, true
		case in == 0 && (c == ' ' || c == '\t'):
			if begun {
				words, begun = append(words, word.String()), false
				word.Reset()
			}
		default:
			word.WriteByte(c)
			begun = true
		}
	}
	if in != 0 {
		return nil, fmt.Errorf("an open quote %s", strconv.Quote(string(in)))
	}
	if begun {
		words = append(words, word.String())
	}
	for i, w := range words {
		replaced := strings.NewReplacer("%%", "\x01", "%n", unit, "$$", "\x02", "$MAINPID", "0").Replace(w)
		if strings.ContainsAny(replaced, "%$") {
			return nil, fmt.Errorf("systemd replaces a part of the word %q", w)
		}
		words[i] = strings.NewReplacer("\x01", "%", "\x02", "$").Replace(replaced)
	}
	return words, nil
}
