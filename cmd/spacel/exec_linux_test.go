package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// spacel runs the program on the orbit.
func (o *sshOrbit) spacel(stdin string, args ...string) session {
	o.Helper()
	var stdout, stderr bytes.Buffer
	args = append([]string{"spacel", args[0], "--orbit", "test", "--region", east, "--user", o.user}, args[1:]...)
	code := run(o.Context(), args, strings.NewReader(stdin), &stdout, &stderr)
	return session{code, stdout.String(), stderr.String()}
}

// oddWords are arguments that a shell, ssh or sudo could change.
var oddWords = []string{"", " ", "two words", "it's", `"`, `\`, "$HOME", "`id`", "$(id)", "a;b", "*", "~", "-n", "--", "--all",
	"new\nline", "\t", "ü", "\xff\xfe", "a=b", "#", "!", "{a,b}", "%h", "&&", ">x"}

// Arguments, standard input, output and the exit code pass in both directions unchanged: on the host, and through the agent.
func TestExec(t *testing.T) {
	o := newSSHOrbit(t)
	want := strings.Join(oddWords, "\x00") + "\x00"
	got := o.spacel("", slices.Concat([]string{"exec", "web", "--", "printf", `%s\0`}, oddWords)...)
	if got.code != 0 || got.stdout != want {
		t.Errorf("on the host: %d %s\n%s", got.code, got.stderr, cmp.Diff(want, got.stdout))
	}
	got = o.spacel("", slices.Concat([]string{"exec", "web", "app", "--one-off", "--", "/usr/bin/printf", `%s\0`}, oddWords)...)
	words, _ := os.ReadFile(filepath.Join(o.dir, "sudo"))
	wantSudo := strings.Join(slices.Concat([]string{"-n", "/usr/local/bin/spacel-agent", "exec", "--one-off", "app", "/usr/bin/printf",
		`%s\0`}, oddWords), "\x00") + "\x00"
	if string(words) != wantSudo {
		t.Errorf("in a unit: %d %s\n%s", got.code, got.stderr, cmp.Diff(wantSudo, string(words)))
	}
	if got = o.spacel("in\x00put\n", "exec", "web", "app", "--", "cat"); got.code != 0 || got.stdout != "in\x00put\n" {
		t.Errorf("standard input: %+v", got)
	}
	for _, code := range []string{"0", "1", "2", "7", "126", "254"} {
		if got = o.spacel("", "exec", "web", "--", "sh", "-c", "echo out; echo err >&2; exit "+code); strconv.Itoa(got.code) != code ||
			got.stdout != "out\n" || got.stderr != "err\n" {
			t.Errorf("exit code %s: %+v", code, got)
		}
	}
	for _, first := range []string{"if", "A=b"} { // which a shell would not take for a program
		if got = o.spacel("", "exec", "web", "--", first); got.code != 127 || !strings.Contains(got.stderr, first) {
			t.Errorf("the program %s: %+v", first, got)
		}
	}
}

// Every instance runs the command, and its lines begin with its id.
func TestExecOnAll(t *testing.T) {
	o := newSSHOrbit(t)
	got := o.spacel("ignored", "exec", "web", "--all", "--", "sh", "-c", "cat; echo one; printf two")
	lines := strings.Split(strings.TrimSpace(got.stdout), "\n")
	slices.Sort(lines)
	var want []string
	for _, id := range o.instances {
		want = append(want, id+": one", id+": two")
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, lines); diff != "" || got.code != 0 || got.stderr != "" {
		t.Errorf("%d %s %s", got.code, got.stderr, diff)
	}
	got = o.spacel("", "exec", "web", "--all", "--", "sh", "-c", "exit 3")
	if got.code != 1 || strings.Count(got.stderr, ": exit code 3\n") != 2 {
		t.Errorf("a command that fails: %+v", got)
	}
	o.record(o.instances[1], "ssh-ed25519 AAAA")
	got = o.spacel("", "exec", "web", "--all", "--", "true")
	if got.code != 2 || !strings.Contains(got.stderr, o.instances[1]+" in us-east-1: the tag") {
		t.Errorf("a tag that is no key: %+v", got)
	}
}

// A machine whose key is not the recorded one gets nothing: neither an instance nor the bastion.
func TestHostKeysAreChecked(t *testing.T) {
	o := newSSHOrbit(t)
	o.keygen("other")
	touched := filepath.Join(o.dir, "touched")
	try := func(flags ...string) session {
		_ = os.Remove(touched)
		return o.spacel("", slices.Concat([]string{"exec", "web", "--instance", o.instances[0]}, flags,
			[]string{"--", "touch", touched})...)
	}
	refused := func(name, want string) {
		t.Helper()
		got := try()
		if _, err := os.Stat(touched); got.code != 2 || !strings.Contains(got.stderr, want) || err == nil {
			t.Errorf("%s: %d\n%s", name, got.code, got.stderr)
		}
	}
	for what, id := range map[string]string{"instance " + o.instances[0]: o.instances[0], "the bastion " + o.bastion: o.bastion} {
		server := map[bool]string{true: "bastion", false: "instance"}[id == o.bastion]
		if got := try(); got.code != 0 {
			t.Fatalf("the recorded key: %+v", got)
		}
		o.record(id, o.keys["other"])
		refused("a new record", "spacel: the SSH host key of "+what+" in us-east-1 changed: it was SHA256:")
		o.forget()
		refused("another key", "spacel: the machine that answered has another SSH host key than the one that the instance recorded")
		o.record(id, "")
		o.forget()
		refused("no record", "spacel: "+what+" in us-east-1 has recorded no SSH host key, so nobody can tell it from an impostor: ")
		if got := try("--accept-host-key"); got.code != 0 {
			t.Errorf("accepted: %+v", got)
		}
		if got := try(); got.code != 0 {
			t.Errorf("accepted before: %+v", got)
		}
		o.record(id, o.keys["other"])
		refused("a record unlike the accepted key", "changed: it was SHA256:")
		o.record(id, o.keys[server])
		if got := try(); got.code != 0 {
			t.Errorf("the accepted key is the recorded one: %+v", got)
		}
	}
}

func TestExecRefuses(t *testing.T) {
	o := newSSHOrbit(t)
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no command":       {[]string{"web", "uptime"}, "write the command after --"},
		"nothing after --": {[]string{"web", "--"}, "write the command after --"},
		"too many words": {[]string{"web", "app", "more", "--", "id"},
			"takes an app's name and perhaps a unit's before --, got 3 arguments"},
		"one-off of no unit": {[]string{"web", "--one-off", "--", "id"}, "--one-off needs the unit whose image to run"},
		"no terminal":        {[]string{"web", "-i", "--", "id"}, "--interactive needs a terminal"},
		"two choices":        {[]string{"web", "--all", "--instance", "i-1", "--", "id"}, "give --instance or --all, not both"},
		"an unknown app":     {[]string{"wbe", "--", "id"}, "orbit test has no app wbe in us-east-1; did you mean web?"},
		"an unknown instance": {[]string{"web", "--instance", "i-0123", "--", "id"},
			"app web has no instance i-0123; see spacel instances web"},
	} {
		got := o.spacel("", append([]string{"exec"}, c.args...)...)
		if got.code != 2 || !strings.Contains(got.stderr, c.want) || got.stdout != "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// With --interactive both sides have a terminal, and the agent is told.
func TestExecOnATerminal(t *testing.T) {
	o := newSSHOrbit(t)
	for unit, command := range map[string]string{
		"":    "tty && echo size $(stty size)",
		"app": "tty && echo words $(tr '\\0' ' ' < " + o.dir + "/sudo | cut -c1-60)",
	} {
		term := newTerminal(t)
		args := []string{"spacel", "exec", "--orbit", "test", "--region", east, "--user", o.user, "-i", "web"}
		if unit != "" {
			args = append(args, unit)
		}
		code := run(t.Context(), append(args, "--", "sh", "-c", command), term.slave, term.slave, term.slave)
		time.Sleep(100 * time.Millisecond) // until the screen is read
		want := "size "
		if unit != "" {
			want = "words -n /usr/local/bin/spacel-agent exec --terminal app"
		}
		if code != 0 || !strings.Contains(term.text(), "/dev/pts/") || !strings.Contains(term.text(), want) {
			t.Errorf("unit %q: %d %s", unit, code, term.text())
		}
	}
}

// stores gives the app a database and a cache, both on a port of loopback.
func (o *sshOrbit) stores(port int) {
	o.stack("web", "web", `{"AutoScalingGroup": {"Value": "web"},
		"DatabaseMainEndpoint": {"Description": "The host name of the database main.", "Value": "127.0.0.1"},
		"DatabaseMainSecret": {"Value": "arn:aws:secretsmanager:us-east-1:123456789012:secret:main"},
		"CacheHotEndpoint": {"Description": "The host name of the cache hot.", "Value": "127.0.0.1"},
		"CacheHotSecret": {"Value": "hot"}}`,
		`{, "DatabaseMain": {"Type": "AWS::SNS::Topic", "Properties": {"Engine": "postgres", "Port": "`+strconv.Itoa(port)+`",
		"DBName": "main", "MasterUsername": "web"}},
		"CacheHot": {"Type": "AWS::SNS::Topic", "Properties": {"Engine": "valkey", "Port": `+strconv.Itoa(port)+`}}}`)
}

// A tunnel passes bytes to the store and back, until an interrupt ends it without an error.
func TestTunnel(t *testing.T) {
	o := newSSHOrbit(t)
	server := echo(t)
	o.stores(server)
	for name, want := range map[string]string{
		"main": `^postgresql://web@127\.0\.0\.1:(\d+)/main\?sslmode=require\n$`,
		"hot":  `^rediss://default@127\.0\.0\.1:(\d+)\n$`,
	} {
		ctx, interrupt := context.WithCancel(t.Context())
		var stdout, stderr lockedBuffer
		ended := make(chan int)
		go func() {
			args := []string{"spacel", "tunnel", "--orbit", "test", "--region", east, "--user", o.user, "--port", "0", "web", name}
			ended <- run(ctx, args, strings.NewReader(""), &stdout, &stderr)
		}()
		url := regexp.MustCompile(want)
		for range 500 {
			if url.MatchString(stdout.String()) {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		port := url.FindStringSubmatch(stdout.String())
		if port == nil {
			t.Fatalf("%s: printed %q and %q", name, stdout.String(), stderr.String())
		}
		conn, err := net.Dial("tcp4", "127.0.0.1:"+port[1])
		o.check(err)
		_, err = conn.Write([]byte("hello"))
		o.check(err)
		o.check(conn.(*net.TCPConn).CloseWrite())
		if back, err := io.ReadAll(conn); string(back) != "hello" || err != nil {
			t.Errorf("got %q back: %v", back, err)
		}
		interrupt()
		if code := <-ended; code != 0 || !strings.Contains(stderr.String(), "the tunnel is closed") {
			t.Errorf("%s: %d %s", name, code, stderr.String())
		}
		if _, err := net.Dial("tcp4", "127.0.0.1:"+port[1]); err == nil {
			t.Error("the port is still open")
		}
	}
	busy := o.spacel("", "tunnel", "web", "main")
	taken := "port " + strconv.Itoa(server) + " of this machine cannot be used: address already in use; choose another one with --port"
	if busy.code != 2 || !strings.Contains(busy.stderr, taken) {
		t.Errorf("a port in use: %+v", busy)
	}
	if got := o.spacel("", "tunnel", "web", "mian"); got.code != 2 || !strings.Contains(got.stderr,
		"app web has no database or cache mian; did you mean main?; there is hot, main") {
		t.Errorf("an unknown store: %+v", got)
	}
}

// echo is a server that sends back what it gets. It returns its port.
func echo(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port
}
