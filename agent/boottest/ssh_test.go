//go:build boot

package boottest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// person has a key, and perhaps the right to log in.
type person struct {
	name   string
	signer ssh.Signer
}

func newPerson(t *testing.T, name string) person {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return person{name, signer}
}

// line is the person's public key as authorized_keys has it.
func (p person) line() string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(p.signer.PublicKey()))) + " " + p.name
}

// connect logs in to a machine, for a minute.
func (p person) connect(m machine) (*ssh.Client, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := m.dial(ctx, 22)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	connection, channels, requests, err := ssh.NewClientConn(conn, "instance", &ssh.ClientConfig{
		User:            p.name,
		Auth:            []ssh.AuthMethod{ssh.PublicKeys(p.signer)},
		HostKeyCallback: ssh.InsecureIgnoreHostKey(), // the machine is a minute old, and on loopback
	})
	if err != nil {
		conn.Close()
		return nil, err
	}
	return ssh.NewClient(connection, channels, requests), nil
}

// run logs in and runs a command.
func (p person) run(m machine, command string) (string, error) {
	client, err := p.connect(m)
	if err != nil {
		return "", err
	}
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		return "", err
	}
	defer session.Close()
	said, err := session.CombinedOutput(command)
	return string(said), err
}
