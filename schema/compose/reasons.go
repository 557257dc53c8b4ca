package compose

import (
	_ "embed" // the reasons
	"strings"
)

// reasons.txt says why keys of a service are left out: a key's path below the service, a colon, and the reason. A key
// without a line there is listed without a particular reason.
//
//go:embed reasons.txt
var reasonsText string

// serviceReasons holds the lines of reasons.txt by path.
var serviceReasons = parseReasons(reasonsText)

// parseReasons reads lines of PATH: REASON.
func parseReasons(text string) map[string]string {
	reasons := map[string]string{}
	for line := range strings.Lines(text) {
		path, reason, _ := strings.Cut(strings.TrimSpace(line), ": ")
		reasons[path] = reason
	}
	return reasons
}
