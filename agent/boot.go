// Package agent is what runs on an instance: it boots the machine into the app that its document describes, a stage at a
// time, and tells CloudFormation how that went.
//
//	boot.go        what the stages work on, and the list of them
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

// Boot is what the stages of one boot work on.
type Boot struct {
	Document *document.Document[string]
	Instance Instance
	AWS      *Clients
	Machine  Machine
	Log      *slog.Logger // journal, console and log groups; never given a secret

	hidden *hidden // what no log may show; nil keeps nothing back
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
	deadline time.Duration // the whole boot has one too, so that a failure is signalled while the stack waits
	run      func(ctx context.Context, b *Boot) error
}

// stages are the boot, in order. It fails with the first that fails. People come first: operators must be able to log in to a
// machine whose boot fails.
func stages() []stage {
	return []stage{
		{"document", 2 * time.Minute, fetchAsset},
		{"people", time.Minute, people},
		{"volumes", 10 * time.Minute, mountVolumes}, // most of the time that a stack waits: a snapshot may take it
		{"instance store", 2 * time.Minute, instanceStore},
		{"free elastic address", time.Minute, claimAddress},
		{"docker logging", 2 * time.Minute, dockerLogging},
		{"metrics", time.Minute, publishStats},
		{"files", 2 * time.Minute, files},
		{"environments", 2 * time.Minute, environments},
		{"ready", 10 * time.Second, ready},
		{"units", 10 * time.Minute, units},
		{"local health check", 10 * time.Minute, localHealth},
		{"elastic address", 3 * time.Minute, takeAddress},
		{"target health", 10 * time.Minute, targetHealth},
		{"keep the elastic address", 10 * time.Second, keepAddress},
	}
}

// giveBack undoes what a boot that failed must not keep.
func giveBack(ctx context.Context, b *Boot) error {
	return giveBackAddress(ctx, b)
}
