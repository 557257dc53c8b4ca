package document

// What the agent publishes of memory and disk when an app asks for cw_stats: percentages in use, by auto scaling group. Alarms
// look for the same names.
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
