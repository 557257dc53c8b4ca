package secrets

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
)

// openGCM is version 1: AES-256-GCM with a nonce of 96 bits, the tag at the end, and the context as additional data.
func openGCM(key []byte, s sealed, c Context) ([]byte, error) {
	aead, err := gcm(key)
	if err != nil {
		return nil, err
	}
	// GCM cannot tell which of the reasons is true: key, nonce, tag and context are checked together.
	altered := errors.New("it was altered, or encrypted for another app, orbit or name: encrypt it again with spacel secret")
	if len(s.iv) != aead.NonceSize() {
		return nil, altered
	}
	plaintext, err := aead.Open(nil, s.iv, s.ciphertext, c.bytes())
	if err != nil {
		return nil, altered
	}
	return plaintext, nil
}

// gcm returns the cipher AES-256-GCM with this key.
func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
