package sshkey

import (
	"crypto/dsa"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"math/big"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func line(t *testing.T, public any, comment string) string {
	t.Helper()
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) + " " + comment
}

func ed(t *testing.T) ed25519.PublicKey {
	t.Helper()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return public
}

func TestParseTakesWhatMayLogIn(t *testing.T) {
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, public := range []any{ed(t), &curve.PublicKey, &rsaKey.PublicKey} {
		want := line(t, public, "ada@example.com")
		got, err := Parse("  " + want + "\n")
		if err != nil {
			t.Errorf("%T: %v", public, err)
			continue
		}
		if got.String() != want || got.Comment != "ada@example.com" || !strings.HasPrefix(got.Fingerprint, "SHA256:") {
			t.Errorf("got %+v, want %s", got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	small := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 1023, 1), E: 65537}
	old := &dsa.PublicKey{Parameters: dsa.Parameters{
		P: new(big.Int).SetBit(big.NewInt(1), 1023, 1), Q: new(big.Int).SetBit(big.NewInt(1), 159, 1), G: big.NewInt(2),
	}, Y: big.NewInt(3)}
	good := line(t, ed(t), "ada")
	for name, test := range map[string]struct{ line, want string }{
		"nothing":   {"", "expected one public key"},
		"garbage":   {"ssh-ed25519 AAAA", "expected one public key"},
		"two keys":  {good + "\n" + good, "expected one public key"},
		"options":   {`command="/bin/sh" ` + good, "without options"},
		"small RSA": {line(t, small, ""), "1024 bits"},
		"DSA":       {line(t, old, ""), "ssh-dss may not log in"},
		"private":   {"-----BEGIN OPENSSH PRIVATE KEY-----", "private key"},
	} {
		if _, err := Parse(test.line); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}

func TestCommentsCannotDisturb(t *testing.T) {
	key, err := Parse(line(t, ed(t), "ada\x1b[2J\x07"))
	if err != nil {
		t.Fatal(err)
	}
	if key.Comment != "ada[2J" {
		t.Errorf("got %q", key.Comment)
	}
}

func TestEqualIgnoresComments(t *testing.T) {
	public := ed(t)
	if !Equal(line(t, public, "a"), line(t, public, "b")) || Equal(line(t, public, "a"), line(t, ed(t), "a")) || Equal("x", "x") {
		t.Error("keys are equal by their key")
	}
}
