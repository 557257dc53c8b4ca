// Package cloud connects deploy to an AWS account. It finds the credentials, makes one client per service and region,
// and explains AWS's errors.
//
//	cloud.go        configuration and credentials
//	owner.go        the account and the role of an orbit
//	region.go       the clients of a region
//	retry.go        retries and the rate limit that calls of one service share
//	timing.go       how long to wait for answers
//	waiting.go      tells the user about calls without an answer
//	answer.go       answers that AWS did not write
//	body.go         answers that begin and do not end
//	answers.go      answers which are asked for once in a run
//	explain.go      an SDK error in one sentence; refusal.go and connection.go know the causes
package cloud

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
)

// fallbackRegion is used for calls that work in any region, such as sts:AssumeRole, when the configuration names
// none.
const fallbackRegion = "us-east-1"

// Access says how to reach AWS. The SDK's own environment variables and files decide about every empty field.
type Access struct {
	Profile  string // of the shared configuration
	RoleARN  string // assumed for every call
	Endpoint string // the URL of an emulator, for all services instead of AWS's own

	MFA func() (string, error) // asks for the code when a profile has mfa_serial; nil without a terminal

	// Waiting tells the user, in one line, about a call without an answer for a while. Nil: nobody is told.
	Waiting func(line string)
	Timing  Timing // the zero value is right for AWS
}

// Cloud makes clients. It is safe for concurrent use.
type Cloud struct {
	config   aws.Config
	given    aws.Config // the configuration as New got it, for another Cloud with other credentials
	access   Access
	timing   Timing
	waiting  func(string) // see Access.Waiting
	answered atomic.Bool  // the endpoint, or AWS, answered something in this run

	mu       sync.Mutex
	told     time.Time // when waiting was called last
	regions  map[string]*Region
	identity Identity // once it is known

	ofUser bool // the user named the role, with --role-arn
}

// Connect reads the configuration. AWS is not called before a client is used.
func Connect(ctx context.Context, access Access) (*Cloud, error) {
	cfg, err := config.LoadDefaultConfig(ctx, options(access)...)
	if err != nil {
		return nil, explainConfiguration(err)
	}
	if access.Endpoint != "" {
		cfg.ConfigSources = nil // or AWS_ENDPOINT_URL_<SERVICE> would win over --endpoint
	}
	if access.RoleARN != "" {
		cfg.Credentials = roleCredentials(cfg, access.RoleARN, "spacel")
	}
	c := New(cfg, access)
	c.ofUser = access.RoleARN != ""
	return c, nil
}

// options returns the SDK's options for an Access. An empty field adds none: then the SDK's environment variables and files
// decide.
func options(access Access) []func(*config.LoadOptions) error {
	chosen := []func(*config.LoadOptions) error{config.WithAppID("spacel"), config.WithDefaultRegion(fallbackRegion)}
	if access.Profile != "" {
		chosen = append(chosen, config.WithSharedConfigProfile(access.Profile))
	}
	if access.Endpoint != "" {
		chosen = append(chosen, config.WithBaseEndpoint(access.Endpoint))
	}
	return append(chosen, config.WithAssumeRoleCredentialOptions(func(o *stscreds.AssumeRoleOptions) {
		o.Client = checkedRoles{o.Client}
		if access.MFA != nil {
			o.TokenProvider = access.MFA
		}
	}))
}

// explainConfiguration words the two mistakes that users make most: an unknown profile, and MFA without a terminal.
func explainConfiguration(err error) error {
	var absent config.SharedConfigProfileNotExistError
	var code config.AssumeRoleTokenProviderNotSetError
	switch {
	case errors.As(err, &absent):
		return fmt.Errorf("there is no AWS profile %s: name one that aws configure list-profiles shows", absent.Profile)
	case errors.As(err, &code):
		return errors.New("the AWS profile wants an MFA code, and there is no terminal to ask for it: use credentials that have none, " +
			"such as aws sso login's or a role's")
	}
	return fmt.Errorf("read the AWS configuration: %w", err)
}

// New makes a Cloud from a configuration. Its region does not matter: every client names its own.
//
// New sets the limit for the first byte of an answer. The client is copied, so the caller's own configuration stays as it is.
// A client of another kind, such as a test's, keeps its own limits.
func New(cfg aws.Config, access Access) *Cloud {
	given := cfg.Copy()
	client, ok := cfg.HTTPClient.(*awshttp.BuildableClient)
	if ok || cfg.HTTPClient == nil {
		if client == nil {
			client = awshttp.NewBuildableClient()
		}
		cfg.HTTPClient = client.WithTransportOptions(func(t *http.Transport) { t.ResponseHeaderTimeout = access.Timing.answer() })
	}
	cfg.Logger = logging.Nop{} // only cmd prints
	c := &Cloud{config: cfg, given: given, access: access, timing: access.Timing, waiting: access.Waiting, regions: map[string]*Region{}}
	c.config.APIOptions = append(slices.Clone(cfg.APIOptions), checkAnswers, c.limitBodies, c.tellOfWaiting)
	return c
}

// Default returns the region of the configuration, or us-east-1. It is for calls that work in any region.
func (c *Cloud) Default() *Region { return c.Region(cmp.Or(c.config.Region, fallbackRegion)) }

// Identity says which user or role the credentials belong to.
type Identity struct {
	Account string // 12 digits
	ARN     string // of the user or the role's session
}

// Identity asks STS who the caller is, once in a run. The question goes to a region which the run uses anyway, because
// a firewall or policy may block the others.
func (c *Cloud) Identity(ctx context.Context, region string) (Identity, error) {
	c.mu.Lock()
	known := c.identity
	c.mu.Unlock()
	if known != (Identity{}) {
		return known, nil
	}
	out, err := c.Region(region).STS().GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err == nil {
		err = CheckIdentity(out)
	}
	if err != nil {
		return Identity{}, fmt.Errorf("find out whose AWS credentials these are: %w", Explain(err))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.identity = Identity{Account: aws.ToString(out.Account), ARN: aws.ToString(out.Arn)}
	return c.identity, nil
}
