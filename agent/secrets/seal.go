package secrets

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/pebble/spacel/agent/document"
)

// Sealer is the calls of KMS that sealing a payload takes.
type Sealer interface {
	GenerateDataKey(context.Context, *kms.GenerateDataKeyInput, ...func(*kms.Options)) (*kms.GenerateDataKeyOutput, error)
	Encrypt(context.Context, *kms.EncryptInput, ...func(*kms.Options)) (*kms.EncryptOutput, error)
}

// Seal encrypts a value for one place of one app: a payload of version 1. The app's key in each of the regions, of which
// there is one at least, can open it.
func Seal(ctx context.Context, client Sealer, plaintext []byte, c Context, regions []string) (document.Payload, error) {
	first := regions[0]
	out, err := client.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
		KeyId: aws.String(c.Alias()), KeySpec: types.DataKeySpecAes256, EncryptionContext: c.encryption(),
	}, in(first))
	if err != nil {
		return document.Payload{}, fmt.Errorf("have KMS make a data key with %s in %s: %w", c.Alias(), first, err)
	}
	if len(out.Plaintext) != keySize || len(out.CiphertextBlob) == 0 {
		return document.Payload{}, fmt.Errorf(
			"the answer to kms:GenerateDataKey is unusable (HTTP status 200): it has no data key of %d bytes", keySize)
	}
	// The data key is overwritten in memory when the function ends. KMS keeps no copy of it.
	defer clear(out.Plaintext)
	aead, err := gcm(out.Plaintext)
	if err != nil {
		return document.Payload{}, fmt.Errorf("use the data key of KMS: %w", err)
	}
	// An instance only calls KMS in its own region, so the data key is wrapped once for each region.
	keys, err := wrapAlso(ctx, client, out.Plaintext, c, regions[1:])
	if err != nil {
		return document.Payload{}, err
	}
	nonce := make([]byte, aead.NonceSize())
	rand.Read(nonce) // never fails
	text := base64.StdEncoding.EncodeToString
	return document.Payload{
		Version:    1,
		IV:         text(nonce),
		Key:        text(out.CiphertextBlob),
		Ciphertext: text(aead.Seal(nil, nonce, plaintext, c.bytes())),
		KeyRegion:  first,
		Keys:       keys,
		Encoding:   encoding(plaintext),
	}, nil
}

// wrapAlso wraps a data key with the app's keys of more regions.
func wrapAlso(ctx context.Context, client Sealer, dataKey []byte, c Context, regions []string) (map[string]string, error) {
	var keys map[string]string
	for _, region := range regions {
		out, err := client.Encrypt(ctx, &kms.EncryptInput{KeyId: aws.String(c.Alias()), Plaintext: dataKey,
			EncryptionContext: c.encryption()}, in(region))
		if err != nil {
			return nil, fmt.Errorf("have KMS wrap the data key with %s in %s: %w", c.Alias(), region, err)
		}
		if len(out.CiphertextBlob) == 0 {
			return nil, fmt.Errorf("the answer to kms:Encrypt in %s is unusable (HTTP status 200): it has no CiphertextBlob", region)
		}
		if keys == nil {
			keys = map[string]string{}
		}
		keys[region] = base64.StdEncoding.EncodeToString(out.CiphertextBlob)
	}
	return keys, nil
}

// encoding is utf-8 for text and bytes for anything else.
func encoding(plaintext []byte) string {
	if utf8.Valid(plaintext) {
		return "utf-8"
	}
	return "bytes"
}
