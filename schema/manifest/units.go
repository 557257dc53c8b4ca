package manifest

import "strings"

// UnitTypes lists the suffixes of systemd's units.
var UnitTypes = []string{
	".service", ".timer", ".socket", ".path", ".mount", ".automount", ".swap", ".target", ".slice",
}

// UnitName completes a unit's name: web is web.service.
func UnitName(key string) string {
	if strings.Contains(key, ".") {
		return key
	}
	return key + ".service"
}
