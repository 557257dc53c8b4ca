// Package agent is what runs on an instance: it boots the machine into the app that its document describes, a stage at a
// time, and tells CloudFormation how that went.
//
//	boot.go        the stages, in order
//	<stage>.go     a stage each
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
}

// Instance is the machine as its metadata service describes it.
type Instance struct {
	ID           string // i-…
	Region       string
	Zone         string    // us-east-1a
	Type         string    // t3.nano
	Architecture string    // amd64 or arm64
	Launched     time.Time // when it was started last
}

// Machine is the host's own side. Tests give it a directory for a root and programs of their own.
type Machine struct {
	Root string // "/" on an instance; every path a stage touches is below it
	Run  func(ctx context.Context, name string, args ...string) (output string, err error)
}

// stages are the boot, in order. It fails with the first that fails; the signal to CloudFormation comes after all of them. People come
// first: operators must be able to log in to a machine whose boot fails.
func stages() []stage {
	return []stage{
		// A3: {"people", 30 * time.Second, people},
		// A2: {"tags", 30 * time.Second, tagInstance},
		// A2: {"volumes", 6 * time.Minute, volumes},
		// A2: {"instance store", 2 * time.Minute, instanceStore},
		// A2: {"free elastic address", time.Minute, claimAddress},
		// A2: {"docker logging", time.Minute, dockerLogging},
		// A2: {"metrics", 30 * time.Second, publishStats},
		// A1: files, environments, ready, units, local health
		// A2: {"elastic address", time.Minute, takeAddress},
		// A1: target health; and on failure A2's giveBackAddress(ctx, b)
	}
}

// stage is a step of the boot. Each is safe to repeat: a second boot, or a restarted agent, runs all of them again.
type stage struct {
	name     string
	deadline time.Duration
	run      func(ctx context.Context, b *Boot) error
}
