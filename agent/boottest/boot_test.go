//go:build boot

package boottest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// patience is how long a machine may take to boot. Emulated, it takes some minutes; Docker's packages take some more.
const patience = 12 * time.Minute

func TestBoot(t *testing.T) {
	for _, c := range []bootCase{
		{name: "web", docker: true, sealed: "TOKEN", signal: "SUCCESS", within: patience, check: lives},
		{name: "unit-mistake", docker: true, signal: "FAILURE", within: patience, log: []string{"web.service"}},
		{name: "unit-exits", docker: true, signal: "FAILURE", within: patience, log: []string{"web.service", "status 1"}},
		{name: bastion, docker: true, signal: "SUCCESS", within: patience, check: isWayThrough},
		// A stack waits for 15 minutes, and the agent ends a minute before.
		{name: "unhealthy", docker: true, age: 13*time.Minute + allowance()/2, signal: "FAILURE", within: patience,
			log: []string{"TCP:8080"}},
		{name: "wrong-digest", docker: true, alter: map[string]string{"AgentDigestAmd64": strings.Repeat("0", 64)},
			signal: "FAILURE", within: patience, log: []string{"has the sha256", "refused"}, check: nothingInstalled},
		{name: "unreadable-secret", docker: true, sealed: "ANOTHER", signal: "FAILURE", within: patience, log: []string{"TOKEN"}},
		// A stock image: Docker is installed from Debian's mirrors.
		{name: "container", registries: true, signal: "SUCCESS", within: 2 * patience, check: runsContainers},
		{name: "tasks", docker: true, registries: true, two: true, signal: "SUCCESS", within: patience, check: taskRanOnce},
		{name: "task-fails", docker: true, registries: true, signal: "FAILURE", within: patience,
			log: []string{"release tasks", "no such table: users", "exit status 3"}},
		{name: "stock", registries: true, signal: "SUCCESS", within: 2 * patience, check: serves},
		// The same app on an image with Docker and the agent.
		{name: "ready", like: "stock", docker: true, agent: true, registries: true, signal: "SUCCESS", within: patience,
			check: fetchedNothing},
	} {
		t.Run(c.name, c.run)
	}
}

// serves holds that the app is reached, in the version deployed.
func serves(t *testing.T, w *awsEnv) {
	t.Helper()
	want := "this is " + version + ": hello\n"
	if got := w.get(); got != want {
		t.Errorf("the app answers %q, want %q", got, want)
	}
}

// get asks the app, or says why it gave no answer.
func (w *awsEnv) get() string { return w.page("/") }

// page asks the app for a page.
func (w *awsEnv) page(path string) string {
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return w.machine.dial(ctx, 8080)
	}}}
	defer client.CloseIdleConnections()
	response, err := client.Get("http://instance:8080" + path)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

// lives follows an instance that booted: its app, its people, and a second boot.
func lives(t *testing.T, w *awsEnv) {
	serves(t, w)
	w.seen += "; the app answers"
	w.peopleLogIn()
	w.rebooted()
}

// peopleLogIn holds that an admin logs in, that nobody else does, and that a right taken away counts at once.
func (w *awsEnv) peopleLogIn() {
	t := w.t
	t.Helper()
	environment, err := w.ada.run(w.machine, "sudo cat /files/web.env")
	if err != nil {
		t.Fatalf("an admin cannot log in: %v: %s", err, environment)
	}
	if !strings.Contains(environment, "TOKEN="+secretText) {
		t.Error("the environment does not hold the secret")
	}
	if said, err := w.eve.run(w.machine, "true"); err == nil {
		t.Errorf("another app's admin logs in: %s", said)
	}
	w.grant("eve")
	if said, err := w.ada.run(w.machine, "true"); err == nil {
		t.Errorf("an admin whose right was taken away logs in: %s", said)
	}
	w.becomes("the new admin logs in", func() error {
		_, err := w.eve.run(w.machine, "! id ada")
		return err
	})
	w.grant("ada")
	w.becomes("the old admin logs in again", func() error {
		_, err := w.ada.run(w.machine, "true")
		return err
	})
	w.seen += "; ssh, revoked, granted"
}

// rebooted holds that a second boot goes on: the same agent, the same app, no second signal.
func (w *awsEnv) rebooted() {
	t := w.t
	t.Helper()
	fetched := w.cloud.count("s3:GET /agent")
	if fetched != 1 {
		t.Errorf("the agent was fetched %d times", fetched)
	}
	w.machine.stop(t)
	w.machine.start(t)
	w.becomes("the agent has booted again", func() error {
		said, err := w.ada.run(w.machine, "test $(cut -d. -f1 /proc/uptime) -gt 0 && systemctl is-active spacel-agent web && "+
			"sudo journalctl -b -u spacel-agent -o cat | grep -q 'stage local health check: done' && spacel-agent status")
		if err != nil {
			return fmt.Errorf("%w: %s", err, said)
		}
		return nil
	})
	serves(t, w)
	if n := w.cloud.count("s3:GET /agent"); n != fetched {
		t.Errorf("the second boot fetched the agent again")
	}
	if n := len(w.cloud.signalled()); n != 1 {
		t.Errorf("CloudFormation was signalled %d times", n)
	}
	w.seen += "; rebooted"
}

// becomes waits until something is so.
func (w *awsEnv) becomes(what string, so func() error) {
	w.t.Helper()
	end := time.Now().Add(patience)
	for {
		err := so()
		if err == nil {
			return
		}
		if running := w.machine.running(); running != nil {
			err = running
		}
		if time.Now().After(end) || w.machine.running() != nil {
			w.t.Fatalf("in vain was it awaited that %s: %v", what, err)
		}
		time.Sleep(2 * time.Second)
	}
}

// isWayThrough holds what a bastion is: who administers any app passes on to port 22, and nothing else goes. It has its
// elastic address.
func isWayThrough(t *testing.T, w *awsEnv) {
	client, err := w.eve.connect(w.machine)
	if err != nil {
		t.Fatalf("an admin cannot log in: %v", err)
	}
	defer client.Close()
	if onward, err := client.Dial("tcp", "127.0.0.1:22"); err != nil {
		t.Errorf("an admin cannot pass on to port 22: %v", err)
	} else {
		onward.Close()
	}
	if onward, err := client.Dial("tcp", metadataAddress); err == nil {
		onward.Close()
		t.Error("an admin reaches the bastion's metadata service, and with it the bastion's rights")
	}
	if said, err := w.eve.run(w.machine, "id"); err == nil || !strings.Contains(said, "This is a bastion") {
		t.Errorf("a command on a bastion gives %q, %v", said, err)
	}
	if _, err := w.mallory.connect(w.machine); err == nil {
		t.Error("who administers nothing logs in")
	}
	out := must[*ec2.DescribeAddressesOutput](t, "read the addresses")(ec2.NewFromConfig(w.config).DescribeAddresses(t.Context(), nil))
	if len(out.Addresses) != 1 || aws.ToString(out.Addresses[0].InstanceId) != w.instance.id {
		t.Errorf("the elastic address is not the instance's: %+v", out.Addresses)
	}
	w.seen += "; a way through to port 22 alone; has its address"
}

// nothingInstalled holds that a refused agent is not there.
func nothingInstalled(t *testing.T, w *awsEnv) {
	if strings.Contains(w.machine.screen(), "spacel-agent boot") {
		t.Error("a refused agent was started")
	}
}

// fetchedNothing holds that an image with Docker and the agent needs neither S3 nor Debian's mirrors for them.
func fetchedNothing(t *testing.T, w *awsEnv) {
	serves(t, w)
	if n := w.cloud.count("s3:GET /agent"); n != 0 {
		t.Errorf("the agent was fetched %d times", n)
	}
	if said := w.sudo("cat /var/log/apt/history.log 2>/dev/null || true"); said != "" {
		t.Errorf("apt installed packages: %s", said)
	}
	w.seen += "; nothing installed"
}
