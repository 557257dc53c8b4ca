package document

// Metrics of memory and disk, in percent, by auto scaling group. The agent publishes them when an app asks for cw_stats. Alarms
// on them use the same names.
const (
	StatsNamespace = "System/Linux"
	StatMemory     = "MemoryUtilization"
	StatDisk       = "DiskSpaceUtilization"

	StatsGroupDimension      = "AutoScalingGroupName"
	StatsFilesystemDimension = "Filesystem" // of disk: StatsRootFilesystem
	StatsMountDimension      = "MountPath"  // of disk: StatsRootMount
	StatsRootFilesystem      = "-"
	StatsRootMount           = "/"
)
