// Package history keeps the records of releases: who deployed what, when, from where, and how it ended. They are items of the
// orbit's table of releases (document.ReleasesTable), one in each region of a release, and are signed with the orbit's KMS key. The
// artifact of a release stays in the region's bucket, to be deployed again without the repository.
//
//	history.go    a record, and the outcomes of a release
//	store.go      reads and writes the records of one region
//	item.go       a record as an item of the table, with its format
//	signature.go  signs and verifies an item with KMS
//	number.go     gives a release its number in all of its regions
//	releases.go   the records of all regions, by release
//	target.go     the release to go back to
//	latest.go     the newest record, and the release that runs
//	origin.go     the commit and the run of a CI system
//	artifact.go   the artifact of a release in the region's bucket
package history

import (
	"errors"
	"time"
)

// Format is the version of a record's form. A record of an older format can be read, one of a newer format cannot.
const Format = 1

// A record is written twice: at the beginning with the outcome running, and at the end. Between the two the run may die, and nobody
// writes the record again. Readers then see from later records of the region how far it can have come (settle).

// Record is one release of an app in one region. The records of a release in its regions have the same number and id. No
// parameter of a record is secret: see Parameters.
type Record struct {
	Format int    `json:"format"`
	Orbit  string `json:"orbit"`
	App    string `json:"app"`
	Region string `json:"region"`

	Number int    `json:"number"` // counts the app's releases from 1
	ID     string `json:"id"`     // random, of the release

	Command string    `json:"command"`         // deploy, redeploy or rollback
	Again   int       `json:"again,omitempty"` // the release that a rollback deploys again
	Began   time.Time `json:"began"`           // by the clock of the machine that deployed
	Seconds float64   `json:"seconds,omitempty"`
	Outcome Outcome   `json:"outcome"`
	Why     string    `json:"why,omitempty"` // one line, when the outcome is not good

	By     string  `json:"by"`             // the ARN of the caller, from STS
	From   *Origin `json:"from,omitempty"` // nil outside of a CI system
	MadeBy string  `json:"madeBy,omitempty"`

	Version    string            `json:"version,omitempty"` // of the app; empty for one without
	Artifact   *Artifact         `json:"artifact,omitempty"`
	Template   string            `json:"template"`             // sha256 of the region's template, in hex
	Parameters map[string]string `json:"parameters,omitempty"` // values that deploy keeps, without any of a hidden parameter

	Regions []string `json:"regions"`         // of the release, sorted
	Wave    int      `json:"wave,omitempty"`  // of this region, from 1; 0 without waves
	Tasks   []Task   `json:"tasks,omitempty"` // that ran for this release in this region
	Stack   *Stack   `json:"stack,omitempty"` // after the release; nil while it runs
}

// Artifact is the place of a release's artifact: the manifest under its digest, and beside it templates and assets under theirs.
type Artifact struct {
	Digest string `json:"digest"`           // sha256 of the manifest, in hex; the same in all regions
	Bucket string `json:"bucket"`           // of the manifest and the template
	Assets string `json:"assets,omitempty"` // the bucket of the assets, if it is another
}

// Task is a release task that ran.
type Task struct {
	Name    string `json:"name"`
	Outcome string `json:"outcome"` // done, failed or unknown
}

// Stack tells the stack's state after the release. Another time means that somebody updated the stack without a record.
type Stack struct {
	ID      string    `json:"id"`      // ARN
	Changed time.Time `json:"changed"` // LastUpdatedTime, else CreationTime
}

// Outcome is the end of a release in one region.
type Outcome string

// The outcomes. A record begins as Waiting or Running, before anything of its region is touched.
const (
	Waiting     Outcome = "waiting" // for an earlier wave: nothing in this region is touched yet
	Running     Outcome = "running"
	Good        Outcome = "good"
	Failed      Outcome = "failed"
	RolledBack  Outcome = "rolled back" // CloudFormation went back to the release before
	Interrupted Outcome = "interrupted" // the run ended before the release did
)

// Ended reports whether the outcome is final.
func (o Outcome) Ended() bool { return o != Waiting && o != Running }

// ErrNoTable is the error for an orbit without a table of releases in the region: its tables stack is older than this spacel, or not
// deployed.
var ErrNoTable = errors.New("there is no table of releases")

// ErrNoKey is the error for an orbit without a key for records in the region. The table and the key come with one update of the tables
// stack, but the table outlives that stack.
var ErrNoKey = errors.New("there is no key for records")

// ErrTaken means that another run has written a record of this number.
var ErrTaken = errors.New("another run has taken the number")
