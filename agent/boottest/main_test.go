//go:build boot

// Package boottest boots a real Debian, in qemu, with the user data that spacel build writes, as EC2 would: cloud-init reads
// it from a metadata service, and systemd runs what it starts. AWS is moto, behind the names of AWS's own endpoints.
//
//	main_test.go      the image, the programs under test, and the summary
//	boot_test.go      the cases
//	case_test.go      one case: build, what AWS holds beforehand, boot
//	userdata_test.go  user data out of a template, as CloudFormation makes it
//	metadata_test.go  the instance metadata service, version 2
//	cloud_test.go     AWS's endpoints: TLS, a record of the calls, signals
//	containers_test.go containers: registries, order, values, jobs, logs
//	operate_test.go   commands in containers, tunnels, host keys
//	tasks_test.go     release tasks on two machines
//	machine_test.go   a machine and what is around it
//	qemu_test.go      with a kernel of its own
//	nspawn_test.go    on this kernel
//	ssh_test.go       people who log in
//	timeline_test.go  how long each part of a boot took
//
// make boot-test runs it.
package boottest

import (
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/tabwriter"
)

var (
	release = flag.String("release", "13", "the release of Debian: 12 or 13")
	engine  = flag.String("engine", "", "qemu or nspawn; without it qemu where the processor can run guests, and else nspawn")
	keep    = flag.String("keep", "", "a `DIR` for the consoles of all machines")
)

// programs are what is under test: spacel, and the agent for instances.
var programs struct{ spacel, agent string }

// row is a case's line of the summary.
type row struct {
	name, expected, seen, verdict string
	seconds                       int
}

var summary []row

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "forward" {
		os.Exit(forward(os.Args[2]))
	}
	flag.Parse()
	if *engine == "" {
		*engine = "nspawn"
		if virtualized() {
			*engine = "qemu"
		}
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "spacel-boot-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	programs.spacel, programs.agent = filepath.Join(dir, "spacel"), filepath.Join(dir, "spacel-agent")
	if err := build(programs.spacel, "../../cmd/spacel"); err != nil {
		return 0, err
	}
	if err := build(programs.agent, "../../cmd/spacel-agent", "GOOS=linux", "GOARCH=amd64"); err != nil {
		return 0, err
	}
	code := m.Run()
	summarize(os.Stdout)
	return code, nil
}

func build(out, what string, environment ...string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", out, what)
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), environment...)
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w: %s", what, err, said)
	}
	return nil
}

// makeImage makes a Debian of the release, unless it is there.
func makeImage(t *testing.T, docker bool) string {
	t.Helper()
	args, name := []string{*release}, "debian-"+*release
	if docker {
		args, name = append(args, "docker"), name+"-docker"
	}
	if said, err := exec.CommandContext(t.Context(), imageDir+"/image", args...).CombinedOutput(); err != nil {
		t.Fatalf("make the image: %v\n%s", err, said)
	}
	return filepath.Join(imageDir, ".cache", name)
}

// imageDir is where the image is made.
const imageDir = "../../.ci/boot"

// forward joins standard input and output with an address of this machine's. qemu runs it for each of the guest's connections.
func forward(address string) int {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	go func() {
		_, _ = io.Copy(conn, os.Stdin)
		_ = conn.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(os.Stdout, conn)
	return 0
}

// form is what the machines were.
func form() string {
	if *engine == "nspawn" {
		return "systemd-nspawn"
	}
	return "qemu (" + acceleration() + ")"
}

func summarize(out io.Writer) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "\nDebian %s in %s\n\ncase\texpected\tseen\tseconds\t\n", *release, form())
	for _, r := range summary {
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\n", r.name, r.expected, strings.ReplaceAll(r.seen, "\n", " "), r.seconds, r.verdict)
	}
	_ = table.Flush()
	fmt.Fprint(out, timelines())
}
