package language

import (
	"bytes"
	"regexp"
)

// Version is the version of the definitions as a CUE module. It changes with every change of schema/*.cue that a manifest or
// a team's library can notice: the last number for a repair, the middle one for new fields and for any field that is no
// longer accepted. The module's major version is 0.
const Version = "v0.1.0"

// versionNote begins the first line of a copy that spacel schema printed.
const versionNote = "The manifest language of spacel, version "

// noted matches the line with the version in such a copy.
var noted = regexp.MustCompile(`(?m)^// ` + regexp.QuoteMeta(versionNote) + `(\S+)$`)

// VersionOf returns the version of a copy of the definitions, "" if the copy does not state one: older releases of spacel
// wrote none.
func VersionOf(copied []byte) string {
	if m := noted.FindSubmatch(bytes.TrimSpace(copied)); m != nil {
		return string(m[1])
	}
	return ""
}
