package live

import (
	"crypto/rand"
	"encoding/hex"
	"strings"

	"github.com/pebble/spacel/deploy/cloud"
)

// longestUser is how many characters of the user's name a token holds. CloudFormation takes tokens of up to 128 characters.
const longestUser = 40

// RunName returns the name of a new run: the user's name, which other users see while they wait for this run, and random
// digits, which no other run has. Change sets and tokens of the run begin with it: see startedBy.
func RunName(who cloud.Identity) string {
	random := make([]byte, 4)
	_, _ = rand.Read(random) // never fails (crypto/rand)
	return TokenPrefix + userName(who.ARN) + "-" + hex.EncodeToString(random)
}

// userName returns the last part of an ARN, in the characters allowed in a token.
func userName(arn string) string {
	name := arn[strings.LastIndexAny(arn, "/:")+1:]
	name = strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
			return c
		}
		return '-'
	}, name)
	name = strings.Trim(name[:min(len(name), longestUser)], "-")
	if name == "" {
		return "unknown"
	}
	return name
}
