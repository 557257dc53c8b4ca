package units

import (
	_ "embed" // the list of units
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/pebble/spacel/schema/sections"
)

// systemunits.txt lists the units that Debian's EC2 images have, and those of the packages that spacel installs: the units of
// Debian 12's and 13's systemd, udev, dbus, openssh-server, cron, cloud-init, chrony, docker.io, containerd, unattended-upgrades,
// apt, util-linux, e2fsprogs, logrotate, man-db, netplan.io, ifupdown, apparmor, polkitd, dpkg, grub-common and others.
//
//go:embed systemunits.txt
var systemUnitsText string

var systemUnits = sync.OnceValue(func() []string { return strings.Fields(systemUnitsText) })

// Beginnings of units that belong to systemd and to spacel, whatever follows.
const (
	systemdPrefix = "systemd-"
	dbusPrefix    = "dbus-org.freedesktop."
	spacelPrefix  = "spacel-"
)

// checkUnitName reports a unit that Debian or spacel has. A unit of the manifest would never start beside a running unit of the
// same name, and would replace it after a reboot: without ssh nobody logs in, without docker no container starts.
func checkUnitName(r sections.Record, name string) {
	switch {
	case strings.HasPrefix(name, spacelPrefix):
		r.Report.Errorf(r.At, "%s: names that begin with %s are those of spacel's own units: choose another name", name,
			spacelPrefix)
	case isSystemUnit(name):
		r.Report.Errorf(r.At, "%s is a unit of Debian's own, which would not start or would be replaced: "+
			"choose another name, such as app-%s", name, strings.TrimSuffix(name, path.Ext(name)))
	}
}

// ReservedUnit reports whether a unit of this name belongs to Debian or to spacel, so that no manifest can have it.
func ReservedUnit(name string) bool {
	return strings.HasPrefix(name, spacelPrefix) || isSystemUnit(name)
}

// isSystemUnit reports whether Debian has a unit of this name. An instance of a template, getty@tty1.service, is one when the
// template is.
func isSystemUnit(name string) bool {
	if strings.HasPrefix(name, systemdPrefix) || strings.HasPrefix(name, dbusPrefix) {
		return true
	}
	if before, _, found := strings.Cut(name, "@"); found {
		name = before + "@" + path.Ext(name)
	}
	_, found := slices.BinarySearch(systemUnits(), name)
	return found
}
