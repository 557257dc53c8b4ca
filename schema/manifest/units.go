package manifest

import "strings"

// UnitTypes are the suffixes of systemd's units.
var UnitTypes = []string{
	".service", ".timer", ".socket", ".path", ".mount", ".automount", ".swap", ".target", ".slice",
}

// UnitName completes a unit's name.
func UnitName(key string) string {
	if strings.Contains(key, ".") {
		return key
	}
	return key + ".service"
}
