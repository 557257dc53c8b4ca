// Package sshkey holds which public keys may log in: the command that stores a key and the instance that lets it in agree
// by using it.
package sshkey

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// minRSA is the least modulus, in bits: what OpenSSH itself calls safe today (NIST SP 800-131A asks for 2048).
const minRSA = 2048

// types are the kinds of keys that may log in, as they stand in a key's line.
var types = []string{
	ssh.KeyAlgoED25519, ssh.KeyAlgoSKED25519,
	ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoSKECDSA256,
	ssh.KeyAlgoRSA,
}

// Key is a public key that may log in.
type Key struct {
	Type        string // ssh-ed25519 …
	Fingerprint string // SHA256:…
	Comment     string // names the owner, but is not verified
	line        string
}

// String is the key's line of an authorized_keys file: type, key and comment.
func (k Key) String() string { return k.line }

// Parse reads one line of an authorized_keys or a .pub file. Options before the key are an error: the instances decide
// what a key may do. An error says how to fix the line and never quotes it, since it may be a private key by mistake.
func Parse(line string) (Key, error) {
	line = strings.TrimSpace(line)
	if strings.Contains(line, "PRIVATE KEY") {
		return Key{}, errors.New("this is a private key, which must not leave its machine: give the .pub file beside it")
	}
	public, comment, options, rest, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil || len(bytes.TrimSpace(rest)) > 0 {
		return Key{}, errors.New("expected one public key in a line, as in a .pub file: ssh-ed25519 AAAA… name")
	}
	if len(options) > 0 {
		return Key{}, errors.New("expected a key without options before it: remove what stands before " + public.Type())
	}
	if err := allowed(public); err != nil {
		return Key{}, err
	}
	comment = printable(comment)
	k := Key{Type: public.Type(), Fingerprint: ssh.FingerprintSHA256(public), Comment: comment}
	k.line = strings.TrimSpace(strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public))) + " " + comment)
	return k, nil
}

// allowed returns an error for a weak type or size of key.
func allowed(public ssh.PublicKey) error {
	if !slices.Contains(types, public.Type()) {
		return fmt.Errorf("keys of type %s may not log in: make one with ssh-keygen -t ed25519", public.Type())
	}
	crypto, ok := public.(ssh.CryptoPublicKey)
	if !ok {
		return nil
	}
	if key, ok := crypto.CryptoPublicKey().(*rsa.PublicKey); ok && key.N.BitLen() < minRSA {
		return fmt.Errorf("the RSA key has %d bits, fewer than %d: make one with ssh-keygen -t ed25519", key.N.BitLen(), minRSA)
	}
	return nil
}

// printable is a comment without what could disturb a terminal or a file of lines.
func printable(comment string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, comment)
}

// Equal says whether two lines hold the same key, whatever their comments.
func Equal(a, b string) bool {
	x, errX := Parse(a)
	y, errY := Parse(b)
	return errX == nil && errY == nil && x.Fingerprint == y.Fingerprint
}
