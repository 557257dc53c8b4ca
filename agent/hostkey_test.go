package agent

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/crypto/ssh"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/internal/cloudtest"
)

// publicKey is a new public key, as a line of known_hosts has it.
func publicKey(t *testing.T, private any, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
}

// The key goes to a tag of this instance, without the comment, and a second boot changes nothing.
func TestHostKeyIsRecorded(t *testing.T) {
	h := newBootEnv(t, document.Document[string]{})
	h.AWS = NewClients(cloudtest.Config(t, cloudtest.Moto(t), "us-east-1"))
	run, err := h.AWS.EC2.RunInstances(t.Context(), &ec2.RunInstancesInput{ImageId: aws.String("ami-12c6146b"), MinCount: aws.Int32(1),
		MaxCount: aws.Int32(1)})
	if err != nil {
		t.Fatal(err)
	}
	h.Instance.ID = aws.ToString(run.Instances[0].InstanceId)
	recorded := func() string {
		out, err := h.AWS.EC2.DescribeTags(t.Context(), &ec2.DescribeTagsInput{Filters: []types.Filter{
			{Name: aws.String("resource-id"), Values: []string{h.Instance.ID}}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, tag := range out.Tags {
			if aws.ToString(tag.Key) == document.TagHostKey {
				return aws.ToString(tag.Value)
			}
		}
		return ""
	}
	nist, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ecdsaKey := publicKey(t, nist, err)
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	ed25519Key := publicKey(t, edwards, err)
	h.put(t, "etc/ssh/ssh_host_ecdsa_key.pub", ecdsaKey+" root@ip-10-0-0-1\n")
	for _, want := range []string{ecdsaKey, ed25519Key, ed25519Key} {
		if err := recordHostKey(t.Context(), h.Boot); err != nil {
			t.Fatal(err)
		}
		if got := recorded(); got != want {
			t.Errorf("recorded %q, want %q", got, want)
		}
		h.put(t, "etc/ssh/ssh_host_ed25519_key.pub", ed25519Key+" root@ip-10-0-0-1\n")
	}
	if len(ecdsaKey) > 256 {
		t.Error("a tag has no room for the key") // EC2 API, Tag
	}
}

// A machine without sshd, a broken key and a refused call fail no boot.
func TestHostKeyThatCannotBeRecorded(t *testing.T) {
	h := newBootEnv(t, document.Document[string]{})
	h.AWS = NewClients(cloudtest.Config(t, "http://127.0.0.1:1", "us-east-1"))
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	for _, c := range []struct{ key, want string }{
		{"", "the image has none of etc/ssh/ssh_host_ed25519_key.pub, "},
		{"ssh-ed25519 nonsense", "read etc/ssh/ssh_host_ed25519_key.pub"},
		{publicKey(t, edwards, err), "tag the instance"},
	} {
		if c.key != "" {
			h.put(t, "etc/ssh/ssh_host_ed25519_key.pub", c.key)
		}
		if err := recordHostKey(t.Context(), h.Boot); err != nil {
			t.Error(err)
		}
		if !strings.Contains(h.log.String(), c.want) {
			t.Errorf("the log has no %q:\n%s", c.want, h.log)
		}
		h.log.text.Reset()
	}
}

func (h *bootEnv) put(t *testing.T, name, text string) {
	t.Helper()
	if err := h.Machine.writeFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
