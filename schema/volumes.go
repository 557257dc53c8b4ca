package schema

import (
	"slices"

	"github.com/pebble/spacel/schema/language"
	"github.com/pebble/spacel/schema/sections"
	"github.com/pebble/spacel/schema/units"
)

// volumes returns the app's EBS volumes and instance store disks.
func (b appBuilder) volumes(a *AppRegion) []Volume {
	var volumes []Volume
	mounts, disks := map[string]string{}, map[int]string{}
	for _, e := range b.section.Entries("volumes") {
		r := e.Record(b.scope.report, b.scope.facts.Defaults.Lookup("volume"))
		v := Volume{Node: r.Node(), Label: e.Key, MountPoint: units.MountPoint(r, e.Key)}
		if r.Has("instance") {
			disk := r.Number("instance")
			v.Instance = &disk
			v.Mapped = checkDisk(b.scope.facts, r, a, disk)
			if other, ok := disks[disk]; ok {
				r.Errorf("instance", "disk %d is already used by volume %s", disk, other)
			}
			disks[disk] = e.Key
		} else {
			readEBS(b.scope.facts, r, &v)
			checkInstances(b.section, r, a, v)
		}
		if other, ok := mounts[v.MountPoint]; ok {
			r.Errorf("mount_point", "%s is already the mount point of volume %s", v.MountPoint, other)
		}
		mounts[v.MountPoint] = e.Key
		volumes = append(volumes, v)
	}
	return volumes
}

// checkDisk checks an instance store disk: its fixed properties must not be set, and every instance type of the
// app must have the disk. It returns whether some type has the disk only if the launch maps it.
func checkDisk(facts *language.Facts, r sections.Record, a *AppRegion, disk int) (mapped bool) {
	for _, field := range []string{"count", "size", "type", "iops", "encrypted"} {
		if r.Has(field) {
			r.Errorf(field, "does nothing on an instance's own disk")
		}
	}
	for _, kind := range a.types() {
		// Older instance types attach their disks only if the launch maps them. Newer ones (NVMe) attach them always.
		count, counted := facts.Catalog.MappedDisks[kind]
		switch {
		case !facts.Catalog.InstanceStore.MatchString(kind):
			r.Errorf("instance", "%s has no disks of its own", kind)
		case counted && disk >= count:
			r.Errorf("instance", "%s has no disk %d: it has %d, numbered from 0", kind, disk, count)
		}
		mapped = mapped || counted
	}
	return mapped
}

// checkInstances compares the number of EBS volumes with the number of instances.
func checkInstances(s sections.Section, r sections.Record, a *AppRegion, v Volume) {
	if v.Count < a.InstanceMax && !slices.ContainsFunc([]string{"instance_max", "instance_min"}, s.Unknown) {
		r.Warnf("count",
			"%d for as many as %d instances (instance_max): an instance that finds none free cannot start. "+
				"For instances that keep their data, make instance_min and instance_max equal to count", v.Count, a.InstanceMax)
	}
}

// bootTime is the part of boot_timeout that a boot needs beside waiting for a volume, in seconds.
const bootTime = 300

// checkUpdates refuses ways of replacing instances that cannot hand their EBS volumes on.
func checkUpdates(s sections.Section, a *AppRegion) {
	if !a.HasEBS() {
		return
	}
	if a.UpdatePolicy == RedBlack && !s.Unknown("update_policy") {
		s.Errorf("update_policy", "redblack starts a second group, whose instances cannot have the EBS volumes of the first: "+
			"use rolling, which stops an instance before its successor starts with the same volume")
	}
	// A volume is free only after its holder has left the load balancer and stopped.
	known := !slices.ContainsFunc([]string{"deregistration_delay", "boot_timeout", "elb_availability"}, s.Unknown)
	if most := a.BootTimeout - bootTime; a.ELBAvailability != Disabled && known && a.DeregistrationDelay > most {
		s.Errorf("deregistration_delay", "must be at most %d seconds with EBS volumes and a boot_timeout of %d: an instance waits for the "+
			"volume of its predecessor, which leaves the load balancer first", most, a.BootTimeout)
	}
}

// HasEBS reports whether the app has EBS volumes.
func (a *AppRegion) HasEBS() bool {
	return slices.ContainsFunc(a.Volumes, func(v Volume) bool { return v.Instance == nil })
}

// readEBS reads the fields of an EBS volume, and checks size and IOPS against the limits of its type.
func readEBS(facts *language.Facts, r sections.Record, v *Volume) {
	v.Count, v.Size, v.Type = r.Number("count"), r.Number("size"), r.Text("type")
	v.IOPS, v.Encrypted = r.Number("iops"), r.Flag("encrypted")
	allowed := facts.Catalog.Storage.Volumes[v.Type]
	if v.Size < allowed.Size.Min || v.Size > allowed.Size.Max {
		r.Errorf("size", "must be %d to %d GiB for %s, got %d", allowed.Size.Min, allowed.Size.Max, v.Type, v.Size)
	}
	if v.IOPS == 0 {
		if v.Type == "io1" || v.Type == "io2" {
			r.Errorf("iops", "is missing: %s needs it, %d to %d", v.Type, allowed.IOPS.Min, allowed.IOPS.Max)
		}
		return
	}
	checkIOPS(r, allowed, v.Type, v.Size, v.IOPS)
}

// checkIOPS checks I/O operations per second against the limits of a storage type.
func checkIOPS(r sections.Record, allowed language.Storage, kind string, size, iops int) {
	switch {
	case allowed.IOPS == nil:
		r.Errorf("iops", "is not supported by %s: remove it", kind)
	case iops < allowed.IOPS.Min || iops > allowed.IOPS.Max:
		r.Errorf("iops", "must be %d to %d for %s, got %d", allowed.IOPS.Min, allowed.IOPS.Max, kind, iops)
	case allowed.IOPSPerGiB > 0 && iops > max(allowed.IOPSPerGiB*size, allowed.IOPS.Min):
		r.Errorf("iops",
			"must be at most %d per GiB for %s, which makes %d, got %d", allowed.IOPSPerGiB, kind, allowed.IOPSPerGiB*size, iops)
	}
}
