package secrets

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"errors"
)

// openCBC is version 0: AES-256-CBC with PKCS#7 padding, which can be read and never made.
func openCBC(key []byte, s sealed, _ Context) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	// CryptBlocks panics for other lengths, so a payload that was cut by copying must be noticed before.
	if len(s.iv) != aes.BlockSize || len(s.ciphertext)%aes.BlockSize != 0 {
		return nil, errors.New("iv or ciphertext is cut: encrypt the value again with spacel secret")
	}
	padded := make([]byte, len(s.ciphertext))
	cipher.NewCBCDecrypter(block, s.iv).CryptBlocks(padded, s.ciphertext)
	return unpad(padded)
}

// unpad removes PKCS #7 padding: n bytes of the value n at the end.
func unpad(padded []byte) ([]byte, error) {
	// decode refuses an empty ciphertext, so there is a last byte.
	n := int(padded[len(padded)-1])
	if n < 1 || n > aes.BlockSize || !bytes.HasSuffix(padded, bytes.Repeat([]byte{byte(n)}, n)) {
		return nil, errors.New("its padding is wrong, so it was altered: encrypt the value again with spacel secret")
	}
	return padded[:len(padded)-n], nil
}
