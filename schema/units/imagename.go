package units

import (
	"errors"
	"regexp"
	"strings"

	"github.com/distribution/reference"

	names "github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/schema/sections"
)

// tagPattern matches a whole tag.
var tagPattern = regexp.MustCompile(`^(?:` + names.VersionPattern + `)$`)

// checkImageName reads an image's name with Docker's own parser. On the instance, `docker pull` would refuse it.
func checkImageName(r sections.Record, image string) {
	if image == "" {
		return // its absence is reported elsewhere
	}
	// The agent puts the deployed version in place of __VERSION__. Any version is a valid part of a name or tag, if it has no capitals.
	named, err := reference.ParseNormalizedNamed(strings.ReplaceAll(image, "__VERSION__", "1"))
	switch {
	case err != nil && strings.Contains(err.Error(), "must be lowercase"): // not errors.Is: the parser gives another error
		name := image
		if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
			name = name[:i]
		}
		r.Errorf("image", "%s is not an image's name: Docker allows no capitals before the tag: write %s%s", image, strings.ToLower(name),
			image[len(name):])
	case errors.Is(err, reference.ErrReferenceInvalidFormat):
		r.Errorf("image", "%s is not an image's name, such as nginx:1.27 or ghcr.io/team/web@sha256:…: %s", image, oddImagePart(image))
	case err != nil:
		r.Errorf("image", "%s is not an image's name: %v", image, err)
	default:
		_, digested := named.(reference.Digested)
		if !digested && strings.Contains(image, "@") {
			r.Errorf("image", "%s is not an image's name: the part after @ is not a digest", image)
		}
	}
}

// oddImagePart says which part of an invalid name is wrong, as far as that is plain.
func oddImagePart(image string) string {
	name, digest, hasDigest := strings.Cut(image, "@")
	slash := strings.LastIndexByte(name, '/')
	colon := strings.LastIndexByte(name, ':')
	switch {
	case hasDigest && !validDigest(digest):
		return "after @ comes a digest, sha256: and 64 hexadecimal digits"
	case strings.HasSuffix(name, ":"):
		return "the tag after the colon is missing"
	case strings.HasSuffix(name, "/"):
		return "the name after the last slash is missing"
	case strings.Contains(name, "//"):
		return "a part between two slashes is empty"
	case colon > slash && !tagPattern.MatchString(name[colon+1:]):
		return "a tag is at most 128 letters, digits, _ . and -, and does not begin with . or -"
	}
	return "parts between slashes are lower-case letters and digits, with single . _ or - between them"
}

// validDigest reports whether a digest has the one form that registries use.
func validDigest(digest string) bool {
	hex, found := strings.CutPrefix(digest, "sha256:")
	return found && len(hex) == 64 && strings.Trim(hex, "0123456789abcdef") == ""
}
