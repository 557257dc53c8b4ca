// Package secrets opens the encrypted values of manifests, on whatever runs with the right to: an instance's agent, the
// function that posts to Slack, the commands that write and turn such values.
//
// A value is encrypted under a data key of its own, which KMS wrapped with the app's key, alias/<orbit>-<app>.
package secrets

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/pebble/spacel/agent/document"
)

// WebhookKey is the Key of a webhook's Context: the field of a manifest's endpoint that holds it.
const WebhookKey = document.WebhookKey

// keySize is that of AES-256, in bytes.
const keySize = 32

// Decrypter is the call of KMS that opening a payload takes.
type Decrypter interface {
	Decrypt(context.Context, *kms.DecryptInput, ...func(*kms.Options)) (*kms.DecryptOutput, error)
}

// Context is the place of a payload of version 1, which opens nowhere else. Key is the name of the value in the
// manifest: of a variable, a file, a unit, or WebhookKey.
type Context struct {
	Orbit string `json:"orbit"`
	App   string `json:"app"`
	Key   string `json:"key"`
}

// Alias is the KMS key of an orbit's app, as KMS wants it.
func (c Context) Alias() string {
	return document.KeyAlias(c.Orbit, c.App)
}

// String returns the context for messages. It names the place of a value and holds no part of the value.
func (c Context) String() string {
	return fmt.Sprintf("%s of app %s in orbit %s", c.Key, c.App, c.Orbit)
}

// encryption is the context as KMS takes it, which writes it to CloudTrail.
func (c Context) encryption() map[string]string {
	return map[string]string{"orbit": c.Orbit, "app": c.App, "key": c.Key}
}

// bytes are the context as the cipher takes it.
func (c Context) bytes() []byte {
	data, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings always marshal
	}
	return data
}

// Open returns the plaintext of a payload. Payloads of version 0, the 2016 tool's, are bound to the app's key only, so their
// place in the manifest is not checked. No error holds a piece of the plaintext.
func Open(ctx context.Context, client Decrypter, p document.Payload, c Context) ([]byte, error) {
	open, wrapping := openGCM, c.encryption()
	switch p.Version {
	case 0:
		open, wrapping = openCBC, nil
	case 1:
	default:
		return nil, fmt.Errorf("open %s: the payload has version %d, and this spacel knows 0 and 1: "+
			"use the release that wrote it, or a later one", c, p.Version)
	}
	parts, err := decode(p)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", c, err)
	}
	key, err := unwrap(ctx, client, p.KeyRegion, parts.key, c.Alias(), wrapping)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", c, err)
	}
	defer clear(key)
	plaintext, err := open(key, parts, c)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", c, err)
	}
	return plaintext, nil
}

// sealed is a payload's binary content.
type sealed struct{ iv, key, ciphertext []byte }

// decode decodes the base64 parts of a payload. An empty part is an error.
func decode(p document.Payload) (sealed, error) {
	iv, errIV := base64.StdEncoding.DecodeString(p.IV)
	key, errKey := base64.StdEncoding.DecodeString(p.Key)
	ciphertext, errText := base64.StdEncoding.DecodeString(p.Ciphertext)
	if errors.Join(errIV, errKey, errText) != nil || len(iv) == 0 || len(key) == 0 || len(ciphertext) == 0 {
		return sealed{}, errors.New("iv, key and ciphertext must be base64: encrypt the value again with spacel secret")
	}
	return sealed{iv: iv, key: key, ciphertext: ciphertext}, nil
}

// unwrap has KMS open a data key, with the app's key and no other.
func unwrap(ctx context.Context, client Decrypter, region string, wrapped []byte, alias string, wrapping map[string]string) ([]byte,
	error) {
	out, err := client.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: wrapped, KeyId: aws.String(alias), EncryptionContext: wrapping},
		in(region))
	if refused(err) {
		return nil, fmt.Errorf("KMS refuses it: it was encrypted for another app, orbit or name, or altered; "+
			"encrypt it again with spacel secret (%w)", err)
	}
	if err != nil {
		return nil, fmt.Errorf("have KMS decrypt its data key with %s in %s: %w", alias, region, err)
	}
	if len(out.Plaintext) == 0 {
		return nil, errors.New("the answer to kms:Decrypt is unusable (HTTP status 200): it has no Plaintext")
	}
	if len(out.Plaintext) != keySize {
		return nil, fmt.Errorf("the data key has %d bytes, not %d: encrypt the value again with spacel secret", len(out.Plaintext), keySize)
	}
	return out.Plaintext, nil
}

// refused is KMS's answer to a data key that isn't this alias's and this context's.
func refused(err error) bool {
	var ciphertext *types.InvalidCiphertextException
	var key *types.IncorrectKeyException
	return errors.As(err, &ciphertext) || errors.As(err, &key)
}

// in has one call go to a region: that of a payload's key, which one client need not be of.
func in(region string) func(*kms.Options) {
	return func(o *kms.Options) {
		if region != "" {
			o.Region = region
		}
	}
}
