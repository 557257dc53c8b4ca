package compiler

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/pebble/spacel/internal/hexdigest"
)

// canonical names are those whose words can be told apart again in an id: laika, http-env-echo, use1-az1.
var canonical = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*$`)

// idPart makes a piece of a logical id of a name: http-env-echo gives HttpEnvEcho. A name of any other shape keeps its
// letters and digits and gets a suffix that comes from the whole name, so that two names never give one id and adding a
// name never changes another's.
func idPart(name string) string {
	id := camel(name)
	if canonical.MatchString(name) && len(id) <= maxIDPart {
		return id
	}
	return id[:min(len(id), maxIDPart)] + "X" + hash(name)
}

// maxIDPart keeps ids of several pieces below CloudFormation's limit, and readable.
const maxIDPart = 100

// hash is eight letters and digits that stand for a text.
func hash(text string) string {
	return strings.ToUpper(hexdigest.SHA256([]byte(text))[:8])
}

// camel removes everything but ASCII letters and digits and starts each word with a capital.
func camel(name string) string {
	var out strings.Builder
	start := true
	for _, r := range name {
		if r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			start = true
			continue
		}
		if start {
			r = unicode.ToUpper(r)
		}
		out.WriteRune(r)
		start = false
	}
	return out.String()
}
