// Package doctor checks an account and this machine for everything that a deployment needs. It changes nothing.
//
//	doctor.go   the list of checks
//	caller.go   credentials, account and clock
//	owner.go    the orbit's account and role
//	region.go   buckets and image parameters
//	quotas.go   quotas of EC2 and VPC
//	roles.go    service-linked roles
package doctor

import (
	"context"
	"os/exec"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/staging"
)

// State is the result of a check.
type State string

// A problem keeps a deployment from succeeding. A warning may do so later, or for some manifests. Unknown means that the
// account's answer could not be read.
const (
	OK      State = "ok"
	Warning State = "warning"
	Problem State = "problem"
	Unknown State = "unknown"
)

// Finding is the result of one check.
type Finding struct {
	Check  string `json:"check"`
	Region string `json:"region,omitempty"` // "" for what holds in all regions
	State  State  `json:"state"`
	Found  string `json:"found"`
	Fix    string `json:"fix,omitempty"` // the next step, unless the state is ok
}

// Scope says where to look.
type Scope struct {
	Regions []string
	Buckets staging.Buckets
	Owner   cloud.Owner // of the orbit; empty without one
}

// Machine is the part of this machine that the checks ask.
type Machine struct {
	LookPath func(program string) (string, error)
	Now      func() time.Time
}

// ThisMachine is the machine that the program runs on.
func ThisMachine() Machine { return Machine{LookPath: exec.LookPath, Now: time.Now} }

// Examine makes all checks. The regions are asked at the same time, and their findings are in the order of the scope. Without
// valid credentials AWS answers nothing else, so only the checks of this machine follow.
func Examine(ctx context.Context, c *cloud.Cloud, scope Scope, m Machine) []Finding {
	findings, account := caller(ctx, c, m)
	if account == "" {
		return append(findings, sshClient(m))
	}
	c, of := owned(ctx, c, scope.Owner)
	findings = append(append(findings, of...), sshClient(m))
	if c == nil {
		return findings
	}
	findings = append(findings, roles(ctx, c)...)
	regions := make([][]Finding, len(scope.Regions))
	var group errgroup.Group
	for i, region := range scope.Regions {
		group.Go(func() error {
			regions[i] = inRegion(ctx, c, scope.Buckets, region)
			return nil
		})
	}
	_ = group.Wait() // the functions return no error
	return append(findings, slices.Concat(regions...)...)
}

// sshClient looks for the program that spacel ssh runs.
func sshClient(m Machine) Finding {
	path, err := m.LookPath("ssh")
	if err != nil {
		return Finding{Check: "ssh client", State: Warning, Found: "there is no program ssh on the PATH",
			Fix: "install OpenSSH's client; only spacel ssh needs it"}
	}
	return Finding{Check: "ssh client", State: OK, Found: path}
}

// unread is the finding for an answer that could not be read. A missing permission is no problem of the account: other
// credentials may deploy.
func unread(check, region string, err error) Finding {
	return Finding{Check: check, Region: region, State: Unknown, Found: cloud.Explain(err).Error(),
		Fix: "check it with credentials that may read it, or go on without"}
}
