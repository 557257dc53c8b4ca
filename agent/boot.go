// Package agent is what runs on an instance: it boots the machine into the app that its document describes, a stage at a
// time, and tells CloudFormation how that went.
//
//	boot.go        Boot, and the list of stages
//	run.go         one boot: load, stages, signal
//	<stage>.go     a stage each
//	systemd.go     the only file that speaks D-Bus
package agent

import (
	"context"
	"log/slog"
	"time"

	"github.com/pebble/spacel/agent/document"
)

// Boot is the input of the stages of one boot. The stages do not change it, except that fetchAsset completes the
// document, and that values of references are kept.
type Boot struct {
	Document *document.Document[string]
	Instance Instance
	AWS      *Clients
	Machine  Machine
	Log      *slog.Logger // journal, console and log groups; never given a secret

	hidden *hidden // what no log may show; nil keeps nothing back
	found  found   // values of references, so that one boot uses one version of each secret
}

// Instance is the machine as its metadata service describes it.
type Instance struct {
	ID           string // i-…
	Region       string
	Zone         string    // us-east-1a
	Type         string    // t3.nano
	Architecture string    // amd64 or arm64
	Launched     time.Time // when it was started last; a reboot does not count
}

// Machine is the host's own side. Tests give it a directory for a root and programs of their own.
type Machine struct {
	Root    string // "/" on an instance; every path a stage touches is below it
	Run     func(ctx context.Context, name string, args ...string) (output string, err error)
	Systemd func(context.Context) (Systemd, error) // nil: there is no systemd, and units are an error
	Notify  func(state string) error               // tells systemd of this service's own state; nil: nobody asks
}

// stage is a step of the boot. Each is safe to repeat: a second boot, or a restarted agent, runs all of them again.
type stage struct {
	name     string
	deadline time.Duration // the whole boot has one too, so a failure is signalled while the stack waits
	run      func(ctx context.Context, b *Boot) error
	waits    bool // for something whose duration the app knows: a longer boot_timeout is for this stage
	tasks    bool // runs release tasks: it has their timeouts, too
}

// usualTimeout is the default of boot_timeout. The stages' deadlines fit into it.
const usualTimeout = 15 * time.Minute

// deadlineOf returns the deadline of a stage. A boot_timeout above the default extends the stages that wait.
func (b *Boot) deadlineOf(s stage) time.Duration {
	tasks := tasksLimit(b)
	if s.tasks {
		return s.deadline + tasks
	}
	if more := time.Duration(b.Document.Signal.Timeout)*time.Second - tasks - usualTimeout; s.waits && more > 0 {
		return s.deadline + more
	}
	return s.deadline
}

// stages lists the boot, in order. The boot fails with the first stage that fails. People come first, so an operator can
// log in to a machine and find out why a later stage failed. The agent reports ready before it starts units, since units
// are ordered after the agent.
func stages() []stage {
	return []stage{
		{name: "document", deadline: 2 * time.Minute, run: fetchAsset},
		{name: "people", deadline: time.Minute, run: people},
		{name: "host key", deadline: 30 * time.Second, run: recordHostKey},
		{name: "volumes", deadline: 10 * time.Minute, run: mountVolumes, waits: true}, // for a predecessor that stops, or for a snapshot
		{name: "instance store", deadline: 2 * time.Minute, run: instanceStore},
		{name: "free elastic address", deadline: time.Minute, run: claimAddress},
		{name: "docker logging", deadline: 2 * time.Minute, run: dockerLogging},
		{name: "database authorities", deadline: 10 * time.Second, run: databaseAuthorities},
		{name: "registries", deadline: 10 * time.Second, run: registries},
		{name: "metrics", deadline: time.Minute, run: publishStats},
		{name: "files", deadline: 2 * time.Minute, run: files},
		{name: "environments", deadline: 2 * time.Minute, run: environments},
		{name: "release tasks", deadline: 2 * time.Minute, run: releaseTasks, tasks: true},
		{name: "ready", deadline: 10 * time.Second, run: ready},
		{name: "units", deadline: 10 * time.Minute, run: units, waits: true},
		{name: "local health check", deadline: 10 * time.Minute, run: localHealth, waits: true},
		{name: "elastic address", deadline: 3 * time.Minute, run: takeAddress},
		{name: "target health", deadline: 10 * time.Minute, run: targetHealth, waits: true},
		{name: "keep the elastic address", deadline: 10 * time.Second, run: keepAddress},
		{name: "watch elastic addresses", deadline: time.Minute, run: watchAddress},
	}
}

// giveBack undoes the changes of a failed boot that harm other instances.
func giveBack(ctx context.Context, b *Boot) error {
	return giveBackAddress(ctx, b)
}
