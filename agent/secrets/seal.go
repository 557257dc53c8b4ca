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

// Generator is the call of KMS that sealing a payload takes.
type Generator interface {
	GenerateDataKey(context.Context, *kms.GenerateDataKeyInput, ...func(*kms.Options)) (*kms.GenerateDataKeyOutput, error)
}

// Seal encrypts a value for one place of one app, with the app's key in a region: a payload of version 1.
func Seal(ctx context.Context, client Generator, plaintext []byte, c Context, region string) (document.Payload, error) {
	out, err := client.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
		KeyId: aws.String(c.Alias()), KeySpec: types.DataKeySpecAes256, EncryptionContext: c.encryption(),
	}, in(region))
	if err != nil {
		return document.Payload{}, fmt.Errorf("have KMS make a data key with %s in %s: %w", c.Alias(), region, err)
	}
	defer clear(out.Plaintext)
	aead, err := gcm(out.Plaintext)
	if err != nil {
		return document.Payload{}, fmt.Errorf("use the data key of KMS: %w", err)
	}
	nonce := make([]byte, aead.NonceSize())
	rand.Read(nonce) // never fails
	text := base64.StdEncoding.EncodeToString
	return document.Payload{
		Version:    1,
		IV:         text(nonce),
		Key:        text(out.CiphertextBlob),
		Ciphertext: text(aead.Seal(nil, nonce, plaintext, c.bytes())),
		KeyRegion:  region,
		Encoding:   encoding(plaintext),
	}, nil
}

// encoding is utf-8 for text and bytes for anything else.
func encoding(plaintext []byte) string {
	if utf8.Valid(plaintext) {
		return "utf-8"
	}
	return "bytes"
}
