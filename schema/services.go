package schema

import "github.com/pebble/spacel/schema/units"

// units returns the reader of the app's systemd units.
func (b appBuilder) units() units.Reader {
	return units.Reader{
		Report: b.scope.report, Section: b.section, Defaults: b.scope.facts.Defaults.Lookup("service"), Content: b.scope.reader(),
		Debian: debianOf(b.image()),
	}
}

// debianOf returns the release of Debian of an image, "" for a machine image of the user's.
func debianOf(image Image) string {
	if image.AMI != "" {
		return ""
	}
	return image.Debian
}
