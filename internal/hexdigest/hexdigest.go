// Package hexdigest names content by its digest, in the form shared by the artifact directory, S3 keys and the agent.
package hexdigest

import (
	"crypto/sha256"
	"encoding/hex"
)

// SHA256 returns the SHA-256 of body as 64 lowercase hexadecimal digits.
func SHA256(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
