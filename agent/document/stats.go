package document

// Metrics of memory and disk, in percent, by auto scaling group. The agent publishes them when an app asks for cw_stats. Alarms
// on them use the same names.
const (
	StatsNamespaces = "System/Linux" // begins every app's namespace, and is what manifests call it

	StatMemory = "MemoryUtilization"
	StatDisk   = "DiskSpaceUtilization"

	StatsGroupDimension      = "AutoScalingGroupName"
	StatsFilesystemDimension = "Filesystem" // of disk: StatsRootFilesystem
	StatsMountDimension      = "MountPath"  // of disk: StatsRootMount
	StatsRootFilesystem      = "-"
	StatsRootMount           = "/"
)

// StatsNamespace returns the namespace of an app's metrics. It is the only property of a metric that IAM can restrict
// (cloudwatch:namespace), so with a namespace of its own an app cannot publish metrics that drive another one's scaling. The slash
// keeps orbit prod with app eu-web apart from orbit prod-eu with app web.
func StatsNamespace(orbit, app string) string { return StatsNamespaces + "/" + orbit + "/" + app }
