package document

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Task is a release task: a container that one instance of a release runs to its end, before the units of the release start.
type Task struct {
	Name        string     `json:"name"`
	Unit        Content    `json:"unit"`                  // of the unit TaskUnit(Name)
	Environment []Variable `json:"environment,omitempty"` // of its .env file, without those of databases and caches
	Definition  string     `json:"definition"`            // of TaskLock
	Timeout     int        `json:"timeout"`               // seconds
}

// TaskUnit returns the name of the unit that runs a task. No unit of a manifest has such a name.
func TaskUnit(task string) string { return "spacel-task-" + task + ".service" }

// Definition returns the digest of a task: of its image, entry point and command. Its variables and limits are left out: a
// changed setting is no reason to run a migration again.
func Definition(image string, entrypoint, command []string) string {
	sum := sha256.New()
	for _, words := range [][]string{{image}, entrypoint, command} {
		for _, word := range words {
			sum.Write([]byte(word + "\x00"))
		}
		sum.Write([]byte("\x00"))
	}
	return hex.EncodeToString(sum.Sum(nil))[:16]
}

// TaskLocks begins the names of the locks of an app's release tasks. No unit is called task, so no job has such a lock.
func TaskLocks(app string) string { return LockKey(app, "task/") }

// The parts of a lock's name decide what counts as the same release. Each has a reason:
//
//   - The version is what people release. A scale-out, a retry and a rollback have a version whose task has ended.
//   - The definition covers a release without a version: an image by digest, or a corrected command.
//   - The stack's id differs after a stack was deleted and created again, with an empty database under the same names.
//
// The token of a forced redeploy is left out, since a redeploy is a restart and no release. So is the image of the machine.

// TaskLock returns the name of the lock of a task for a release. A release of a task is a version, its definition, and the stack: a new
// stack has a new database. Instances of the same release find the end of the task there, now and after a rollback.
func TaskLock(app, task, version, definition, stackID string) string {
	sum := sha256.Sum256([]byte(stackID + "\x00" + definition))
	return TaskLocks(app) + strings.Join([]string{task, version, hex.EncodeToString(sum[:])[:12]}, "/")
}

// CutTaskLock returns the task and the version of a lock of TaskLock, and false for another name.
func CutTaskLock(app, name string) (task, version string, found bool) {
	rest, found := strings.CutPrefix(name, TaskLocks(app))
	parts := strings.Split(rest, "/")
	if !found || len(parts) != 3 {
		return "", "", false
	}
	return parts[0], parts[1], true
}
