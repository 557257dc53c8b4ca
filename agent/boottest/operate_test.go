//go:build boot

package boottest

import (
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/crypto/ssh"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/internal/imageregistry"
)

// operates holds what spacel exec, spacel tunnel and spacel ssh rely on, with the real sshd: commands in containers, a forwarded port and
// the recorded host key.
func (w *awsEnv) operates() {
	w.t.Helper()
	w.runsCommands()
	w.runsOneOff()
	w.forwards()
	w.recordsItsKey()
	w.seen += "; exec, one-off, tunnel, host key"
}

// quoted quotes words for the shell of a login, as spacel exec does.
func quoted(words []string) string {
	var all []string
	for _, word := range words {
		all = append(all, "'"+strings.ReplaceAll(word, "'", `'\''`)+"'")
	}
	return strings.Join(all, " ")
}

// exec runs a command by the agent's exec, as an admin who is logged in.
func (w *awsEnv) exec(words ...string) (string, error) {
	return w.ada.run(w.machine, quoted(append([]string{"sudo", "-n", document.AgentPath, "exec"}, words...)))
}

// runsCommands holds that a command runs in the unit's container with its words intact and its exit code.
func (w *awsEnv) runsCommands() {
	t := w.t
	t.Helper()
	words := imageregistry.OddWords()
	said, err := w.exec(append([]string{"web", "sh", "-c", `for word do echo "<$word>"; done`, "sh"}, words...)...)
	want := "<" + strings.Join(words, ">\n<") + ">\n"
	if err != nil || said != want {
		t.Errorf("exec gives the command the words\n%swant\n%s%v", said, want, err)
	}
	var ended *ssh.ExitError
	if _, err := w.exec("web", "sh", "-c", "exit 7"); !errors.As(err, &ended) || ended.ExitStatus() != 7 {
		t.Errorf("a command that exits with 7 gives %v", err)
	}
	if said, err := w.exec("nothing", "true"); err == nil || !strings.Contains(said, "the units are") {
		t.Errorf("exec in an unknown unit says %q, %v", said, err)
	}
	if said, err := w.eve.run(w.machine, quoted([]string{"sudo", "-n", document.AgentPath, "exec", "web", "true"})); err == nil {
		t.Errorf("another app's admin runs a command: %s", said)
	}
}

// runsOneOff holds that a one-off container has the unit's variables and volumes, and is gone afterwards.
func (w *awsEnv) runsOneOff() {
	t := w.t
	t.Helper()
	said, err := w.exec("--one-off", "drain", "sh", "-c", "cat /order/log /proc/1/environ; true")
	if err != nil || !strings.HasPrefix(said, "migrate begins\n") {
		t.Errorf("a one-off container sees of the volume %.100q, %v", said, err)
	}
	for name, value := range imageregistry.OddValues {
		if !strings.Contains(said, name+"="+value+"\x00") {
			t.Errorf("a one-off container lacks %s=%s", name, value)
		}
	}
	names := strings.Fields(w.sudo("docker ps --all --format {{.Names}}"))
	slices.Sort(names)
	// Jobs run now and then.
	names = slices.DeleteFunc(names, func(name string) bool { return name == "tick.service" || name == "once.service" })
	if want := []string{"drain.service", "flood.service", "search.service", "web.service"}; !slices.Equal(names, want) {
		t.Errorf("the containers after a one-off are %v, want %v", names, want)
	}
}

// forwards holds that an admin reaches a port through the instance.
func (w *awsEnv) forwards() {
	t := w.t
	t.Helper()
	client := must[*ssh.Client](t, "log in")(w.ada.connect(w.machine))
	defer client.Close()
	through := &http.Client{Transport: &http.Transport{Dial: func(network, _ string) (net.Conn, error) {
		return client.Dial(network, "127.0.0.1:8080")
	}}}
	response, err := through.Get("http://instance/")
	if err != nil {
		t.Errorf("the app is not reached through the instance: %v", err)
		return
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("the app answers %s through the instance", response.Status)
	}
}

// recordsItsKey holds that the tag of the instance has the key that its sshd shows.
func (w *awsEnv) recordsItsKey() {
	t := w.t
	t.Helper()
	shown := ""
	config := &ssh.ClientConfig{
		User: "nobody", HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			shown = strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
			return nil
		},
	}
	conn := must[net.Conn](t, "connect to sshd")(w.machine.dial(t.Context(), 22))
	defer conn.Close()
	_, _, _, _ = ssh.NewClientConn(conn, "instance", config) // it fails after the key was shown: nobody may log in
	out := must[*ec2.DescribeTagsOutput](t, "read the instance's tags")(ec2.NewFromConfig(w.config).DescribeTags(t.Context(),
		&ec2.DescribeTagsInput{Filters: []ec2types.Filter{
			{Name: aws.String("resource-id"), Values: []string{w.instance.id}},
			{Name: aws.String("key"), Values: []string{document.TagHostKey}},
		}}))
	if len(out.Tags) != 1 || aws.ToString(out.Tags[0].Value) != shown || shown == "" {
		t.Errorf("sshd shows the key %q, and the tags are %+v", shown, out.Tags)
	}
}
