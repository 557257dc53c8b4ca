package live

import (
	"regexp"
	"strings"
)

// Secrets are values that must not be shown. AWS repeats them in its reasons and error messages.
type Secrets []string

// Mask replaces each secret in a text.
func (s Secrets) Mask(text string) string {
	for _, secret := range s {
		text = strings.ReplaceAll(text, secret, Masked)
	}
	return text
}

// addressPattern matches an address with its host and the part that may hold a key.
var addressPattern = regexp.MustCompile(`(https?://)([^\s/"'<>?#]+)([/?#][^\s"'<>]*)`)

// MaskReason masks a reason of CloudFormation and removes the space around it. It also hides the path of every address outside
// of AWS: the secrets of a stack are webhook addresses, and a run that deletes a stack does not know their values, because
// CloudFormation returns a parameter with NoEcho as ****.
func (s Secrets) MaskReason(reason string) string {
	text := s.Mask(strings.TrimSpace(reason))
	return addressPattern.ReplaceAllStringFunc(text, func(address string) string {
		parts := addressPattern.FindStringSubmatch(address)
		host := parts[2]
		if strings.HasSuffix(host, "amazonaws.com") || strings.HasSuffix(host, "amazon.com") || strings.HasSuffix(host, ".aws") {
			return address
		}
		return parts[1] + parts[2] + "/" + Masked
	})
}
