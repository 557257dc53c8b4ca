// Package values finds the values of a stack's parameters. The artifact names the source of each: an output of another stack,
// a hosted zone, a certificate, an image, a program of the release, a secret.
//
//	values.go      the questions and answers, and the list of kinds
//	<kind>.go      one kind of source each
package values

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/pagerduty"
	"github.com/pebble/spacel/deploy/release"
	"github.com/pebble/spacel/deploy/staging"
)

// Settings are what the user says of a deployment.
type Settings struct {
	Version      string // of the apps; empty keeps what is deployed
	UpgradeAgent bool   // the release's programs in place of those that are deployed
	UpgradeImage bool   // the newest images in place of those that are deployed
	Force        bool   // a redeploy of every app, by a new token
	Keep         bool   // of what is deployed every value stays, but the version that is named and the token
	Token        string // the new token; made at random, once for the run, unless given

	Channel           string // stable (Debian's releases, and the default) or latest (its daily images)
	WebhooksPagerDuty string // where alarms go whose endpoint names no service: an https address
	PagerDutyKey      string // of PagerDuty's REST API
	PagerDutyAPI      string // where that is; empty for PagerDuty's own
	PagerDutyEvents   string // where its events go; empty for PagerDuty's own

	Asset       func(digest string) ([]byte, error)                    // of the artifact: assembly.Assembly.Asset
	Environment func(name string) (string, bool)                       // os.LookupEnv
	Ask         func(ctx context.Context, what string) (string, error) // a secret, on a terminal; nil if there is none
	DryRun      bool                                                   // nothing is uploaded and nothing is made
}

// ByName holds a stack's values, by the parameter's name.
type ByName map[string]Value

// Value is a parameter's value, or why there is none yet.
type Value struct {
	Text   string
	Secret bool // not to be shown; CloudFormation does not give it back, so it can't be compared, unless Keep
	Keep   bool // what is deployed stays: UsePreviousValue. Text is the deployed value, masked if Secret

	Missing string            // why an optional output is empty, for a warning; or why a required one is Pending
	Pending assembly.StackRef // the stack that a required output is awaited of: it, or the output, is not there
}

// Resolver finds values. What several stacks need is looked up once. It is safe for concurrent use.
type Resolver struct {
	cloud     *cloud.Cloud
	live      *live.Stacks
	stage     *staging.Stage
	binaries  release.Binaries
	settings  Settings
	pagerduty *pagerduty.Client

	zones        cloud.Answers[[]zone]
	certificates cloud.Answers[[]certificate] // by region
	parameters   cloud.Answers[string]        // of SSM, by region and name
	images       cloud.Answers[struct{}]      // that are good, by region, id and architecture
	programs     cloud.Answers[program]       // of the release, by name and architecture
	secrets      cloud.Answers[string]        // by what is read
}

// New resolves for one run.
func New(c *cloud.Cloud, l *live.Stacks, s *staging.Stage, b release.Binaries, st Settings) *Resolver {
	if st.Force && st.Token == "" {
		st.Token = strings.ToLower(rand.Text())
	}
	return &Resolver{
		cloud: c, live: l, stage: s, binaries: b, settings: st,
		pagerduty: &pagerduty.Client{Key: st.PagerDutyKey, API: st.PagerDutyAPI, Events: st.PagerDutyEvents},
	}
}

// question is a stack's parameter, and what is known of the stack.
type question struct {
	name     string
	source   assembly.ValueFrom
	stack    assembly.Stack
	deployed *live.Stack // nil if there is none
}

// orbit is the orbit that the stack is of.
func (q question) orbit() string { return q.stack.Tags[document.TagOrbit] }

// kept is the deployed value, if there is one.
func (q question) kept() (Value, bool) {
	if q.deployed == nil {
		return Value{}, false
	}
	text, ok := q.deployed.Parameters[q.name]
	if !ok {
		return Value{}, false
	}
	return Value{Text: text, Keep: true}, true
}

// Resolve finds the values of all of a stack's parameters. Deployed is the stack as it is, nil if there is none. The error
// holds every parameter's problem (errors.Join), by the parameter's name.
func (r *Resolver) Resolve(ctx context.Context, stack assembly.Stack, deployed *live.Stack) (ByName, error) {
	values := ByName{}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(stack.Parameters)) {
		q := question{name, stack.Parameters[name], stack, deployed}
		v, err := r.value(ctx, q)
		if err != nil {
			problems = append(problems, fmt.Errorf("parameter %s: %w", name, err))
		}
		values[name] = v
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := errors.Join(withoutRepeats(problems)...); err != nil {
		return nil, err
	}
	return values, nil
}

// withoutRepeats leaves out what another parameter says too: three of them are one program's.
func withoutRepeats(problems []error) []error {
	seen := map[string]bool{}
	return slices.DeleteFunc(problems, func(err error) bool {
		cause := errors.Unwrap(err).Error()
		again := seen[cause]
		seen[cause] = true
		return again
	})
}

func (r *Resolver) value(ctx context.Context, q question) (Value, error) {
	if v, ok := q.kept(); ok && r.settings.Keep && q.source.Version == nil && q.source.Token == nil {
		return v, nil
	}
	switch s := q.source; {
	case s.Literal != nil:
		return Value{Text: *s.Literal}, nil
	case s.Output != nil:
		return r.output(ctx, q, *s.Output)
	case s.HostedZone != nil:
		return r.hostedZone(ctx, s.HostedZone.Hostname)
	case s.Certificate != nil:
		return r.certificate(ctx, q, s.Certificate.Hostnames)
	case s.Asset != nil:
		return r.asset(ctx, q, *s.Asset)
	case s.Secret != nil:
		return r.secret(ctx, q, *s.Secret)
	case s.PagerDuty != nil:
		return r.pagerDuty(ctx, q, *s.PagerDuty)
	case s.Version != nil:
		return r.version(q, *s.Version), nil
	case s.Image != nil:
		return r.image(ctx, q, *s.Image)
	case s.Binary != nil:
		return r.binary(ctx, q, *s.Binary)
	case s.Token != nil:
		return r.token(q), nil
	}
	return Value{}, errors.New("the artifact doesn't say where its value comes from: build it again with this spacel")
}

// version is the version of the app that --version names, and stays what it is until it does.
func (r *Resolver) version(q question, s assembly.Version) Value {
	if r.settings.Version != "" {
		return Value{Text: r.settings.Version}
	}
	if v, ok := q.kept(); ok {
		return v
	}
	return Value{Text: s.Default}
}

// token is another when a redeploy is forced.
func (r *Resolver) token(q question) Value {
	if r.settings.Force {
		return Value{Text: r.settings.Token}
	}
	v, _ := q.kept()
	return v
}
