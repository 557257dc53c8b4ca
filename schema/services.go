package schema

// units returns the reader of the app's systemd units.
func (b appBuilder) units() unitReader {
	return unitReader{
		report: b.scope.report, section: b.section, defaults: b.scope.facts.Defaults.Lookup("service"), content: b.scope.reader(),
		debian: debianOf(b.image()),
	}
}

// debianOf returns the release of Debian of an image, "" for a machine image of the user's.
func debianOf(image Image) string {
	if image.AMI != "" {
		return ""
	}
	return image.Debian
}
