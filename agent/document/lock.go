package document

// LocksTable has an item for each lock: a firing of an exclusive job, or a release task. Package agent/lock writes it.
const (
	LockName    = "name"    // S, the key: LockKey
	LockExpires = "expires" // N, when DynamoDB may delete the item, in seconds since 1970; absent when never
)

// FenceVariable is the environment variable with the fencing number of an exclusive job's lock, for the job's command.
const FenceVariable = "SPACEL_FENCE"

// LockKey returns a lock's name. The IAM rights of an app's instances are for names with that beginning.
func LockKey(app, rest string) string { return app + "/" + rest }

// Key attributes of ReleasesTable, both S.
const (
	ReleaseKind = "kind"
	ReleaseID   = "id"
)
