package deploy

import (
	"time"

	"github.com/pebble/spacel/deploy/release"
	"github.com/pebble/spacel/deploy/staging"
	"github.com/pebble/spacel/deploy/values"
)

// Options select the stacks to deploy, and say how. The zero value deploys all stacks.
type Options struct {
	// Stacks, Apps and Regions select the stacks that match all three. An empty one matches everything. A stack is given by name,
	// or as region/name.
	Stacks, Apps, Regions []string

	// Redeploy is for an assembly of the deployed stacks (snapshot.Keep). Templates and parameters stay, but for the token and the
	// version. A stack in a failed state is refused.
	Redeploy bool

	// RevertDrift is for an assembly of the deployed stacks (snapshot.Unchanged): templates and parameters stay, and CloudFormation
	// compares them with what AWS has, and not with the deployment before.
	RevertDrift bool

	// Rollback is for the artifact of a recorded release, nil for any other run. With it release tasks do not run, and waves of regions do
	// not wait.
	Rollback *Rollback

	Verify  bool      // compares every deployed template, whatever earlier comparisons found
	Handful int       // stacks of a region up to which each is asked for by name; 0: compared.Handful; negative: none
	Day     time.Time // chooses the stacks that are compared in any case; zero: today

	DryRun       bool          // Prepare is followed by Discard, and never by Execute
	AllowReplace []string      // dangers with the user's agreement, by Danger.ID
	Unrecorded   bool          // deploys although a release cannot be recorded
	IgnoreAlarms []string      // names of alarms that do not guard this deployment, as manifests have them
	Concurrency  int           // stacks at a time in each region; 0: schedule.DefaultConcurrency
	Timeout      time.Duration // of Execute, which then detaches; 0: none
	Poll         time.Duration // between two looks at a running operation; 0: live.DefaultPoll
	Session      Session       // of the credentials
	Minute       time.Duration // of a pause between waves; 0: a minute. Tests have shorter ones
	Patience     time.Duration // for an accepted operation to begin; 0: live.DefaultPatience
	Directory    string        // the artifact directory as the user gave it, for the recommended commands

	Buckets  staging.Buckets
	Binaries release.Binaries
	Values   values.Settings
}
