// Package values finds the values of a stack's parameters. The artifact names the source of each: an output of
// another stack, a hosted zone, a certificate, an image, a program of the release, a secret.
//
// Three kinds keep the deployed value until a flag says otherwise: the version of an app, its image, and the
// programs. A deploy that changes one line of a manifest must not replace every instance because Debian published an
// image in the meantime. The sizes of an app's group are kept until a change replaces the group's instances.
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

// Settings are the user's choices for a deployment.
type Settings struct {
	Version      string // of the apps; empty keeps the deployed one
	UpgradeAgent bool   // replaces deployed programs by those of this release
	UpgradeImage bool   // replaces deployed images by the newest
	Force        bool   // gives every app a new token, which replaces its instances
	Keep         bool   // keeps every deployed value except Version, if set, and the token
	// Recorded has the values of an earlier release by stack and parameter. The version, the image, the programs and the token are taken
	// from it instead of the deployed stack.
	Recorded map[assembly.StackRef]map[string]string

	Token string // the new token; a random one for the run if empty

	Channel           string // stable (Debian's releases, and the default) or latest (its daily images)
	WebhooksPagerDuty string // https address for alarms whose endpoint names no service
	PagerDutyKey      string // of PagerDuty's REST API
	PagerDutyAPI      string // base URL of the API; empty for PagerDuty's own
	PagerDutyEvents   string // base URL for events; empty for PagerDuty's own

	Asset       func(digest string) ([]byte, error)                    // of the artifact: assembly.Assembly.Asset
	Environment func(name string) (string, bool)                       // os.LookupEnv
	Ask         func(ctx context.Context, what string) (string, error) // asks for a secret; nil without a terminal
	DryRun      bool                                                   // uploads nothing and creates nothing
}

// ByName holds a stack's values, by the parameter's name.
type ByName map[string]Value

// Value is the value of a parameter, or the reason why there is none yet.
type Value struct {
	Text   string
	Secret bool // must not be shown. CloudFormation does not return it (NoEcho), so only Keep shows it is unchanged
	Keep   bool // keep the deployed value (UsePreviousValue). Text is that value, **** if Secret

	// Version tells a secret's value from every other value of its source; "" when the source has no versions.
	Version string

	Missing string            // why an optional output is empty, for a warning; or why a required one is Pending
	Moves   []Move            // of Subnets: the EBS volumes that the value moves
	Pending assembly.StackRef // the stack whose required output is missing: this stack must wait for it
}

// Resolver finds values for one run. A value that several stacks need is looked up once. Resolver is safe for
// concurrent use.
type Resolver struct {
	cloud     *cloud.Cloud
	live      *live.Stacks
	stage     *staging.Stage
	binaries  release.Binaries
	settings  Settings
	pagerduty *pagerduty.Client

	zones        cloud.Answers[[]zone]
	certificates cloud.Answers[[]certificate] // by region
	parameters   cloud.Answers[versioned]     // of SSM's parameter store, by region and name
	images       cloud.Answers[struct{}]      // checked images, by region, id and architecture
	subnetZones  cloud.Answers[[]subnet]      // by region and ids
	programs     cloud.Answers[program]       // of the release, by name and architecture
	secrets      cloud.Answers[versioned]     // by kind, region and name
}

// New makes a Resolver for one run. All apps which are forced to redeploy get the same token.
func New(c *cloud.Cloud, l *live.Stacks, s *staging.Stage, b release.Binaries, st Settings) *Resolver {
	if st.Force && st.Token == "" {
		st.Token = strings.ToLower(rand.Text())
	}
	return &Resolver{
		cloud: c, live: l, stage: s, binaries: b, settings: st,
		pagerduty: &pagerduty.Client{Key: st.PagerDutyKey, API: st.PagerDutyAPI, Events: st.PagerDutyEvents},
	}
}

// question is a parameter to find the value of, with its stack as written and as deployed.
type question struct {
	name     string
	source   assembly.ValueFrom
	stack    assembly.Stack
	deployed *live.Stack // nil if there is none
}

// orbit returns the name of the stack's orbit.
func (q question) orbit() string { return q.stack.Tags[document.TagOrbit] }

// kept returns the deployed value of the parameter, false if the stack or the parameter is new.
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

// Resolve finds the values of all parameters of a stack. deployed is the stack in AWS, nil if there is none. The
// error joins the problems of all parameters (errors.Join), in the order of their names, so a user can fix them
// together.
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
	// After an interrupt every call fails. Its error counts instead of a list of broken parameters.
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := errors.Join(withoutRepeats(problems)...); err != nil {
		return nil, err
	}
	return values, nil
}

// withoutRepeats drops a problem that another parameter reported in the same words. A program, for example, has three
// parameters (bucket, key, digest), which fail for one reason.
func withoutRepeats(problems []error) []error {
	seen := map[string]bool{}
	return slices.DeleteFunc(problems, func(err error) bool {
		// Unwrap removes the parameter's name, which Resolve has put in front.
		cause := errors.Unwrap(err).Error()
		again := seen[cause]
		seen[cause] = true
		return again
	})
}

// value finds one value. A redeploy (Settings.Keep) keeps every deployed value and looks nothing up, so it works
// without the artifact, the bucket or the secrets.
func (r *Resolver) value(ctx context.Context, q question) (Value, error) {
	if v, ok := q.kept(); ok && r.settings.Keep && q.source.Version == nil && q.source.Token == nil {
		return v, nil
	}
	if v, ok, err := r.recorded(ctx, q); ok || err != nil {
		return v, err
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
	case s.GroupSize != nil:
		return r.groupSize(ctx, q, *s.GroupSize)
	case s.Subnets != nil:
		return r.subnets(ctx, q, *s.Subnets)
	}
	return Value{}, errors.New("the artifact doesn't say where its value comes from: build it again with this spacel")
}

// version returns the version of --version, else the deployed one, else the default of the manifest.
func (r *Resolver) version(q question, s assembly.Version) Value {
	if r.settings.Version != "" {
		return Value{Text: r.settings.Version}
	}
	if v, ok := q.kept(); ok {
		return v
	}
	return Value{Text: s.Default}
}

// token returns a new token when a redeploy is forced, else the deployed one. The token is a part of the launch
// template, so a new one replaces the instances and changes nothing else.
func (r *Resolver) token(q question) Value {
	if r.settings.Force {
		return Value{Text: r.settings.Token}
	}
	v, _ := q.kept()
	return v
}
