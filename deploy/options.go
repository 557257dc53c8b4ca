package deploy

import (
	"time"

	"github.com/pebble/spacel/deploy/release"
	"github.com/pebble/spacel/deploy/staging"
	"github.com/pebble/spacel/deploy/values"
)

// Options say what to deploy and how. The zero value deploys all there is.
type Options struct {
	// Stacks, Apps and Regions narrow the run to what all of them name; an empty one names everything. A stack is given by
	// name, or as region/name.
	Stacks, Apps, Regions []string

	// Redeploy says that the assembly is of what is deployed (snapshot.Keep): the templates stay, and of the parameters all but
	// the version that is named and the token. What is not deployed soundly is refused.
	Redeploy bool

	DryRun       bool          // Prepare is followed by Discard, and never by Execute
	AllowReplace []string      // dangers that are agreed to, by Danger.ID
	Concurrency  int           // stacks at a time in each region; 0: 10
	Timeout      time.Duration // of Execute, which then detaches; 0: none
	Poll         time.Duration // between two looks at a running operation; 0: 3 s
	Directory    string        // the artifact directory as the user gave it, for the commands that a failure recommends

	Buckets  staging.Buckets
	Binaries release.Binaries
	Values   values.Settings
}

const defaultConcurrency = 10

func (o Options) concurrency() int {
	if o.Concurrency <= 0 {
		return defaultConcurrency
	}
	return o.Concurrency
}
