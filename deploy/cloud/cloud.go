// Package cloud is an AWS account as deploy reaches it: credentials, and one client per service and region.
package cloud

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// attempts is how often a call is made before its failure is the world's. With the SDK's backoff of at most 20 s this
// outlasts a throttled minute.
const attempts = 12

// Access says how to reach AWS. What is empty is left to the SDK's own environment and files.
type Access struct {
	Profile  string // of the shared configuration
	RoleARN  string // assumed for every call
	Endpoint string // an URL instead of AWS's own, for all services: an emulator's
}

// Cloud gives clients. It is safe for concurrent use.
type Cloud struct {
	config aws.Config

	mu      sync.Mutex
	regions map[string]*Region
}

// Connect reads the configuration. It calls AWS only when a client is used.
func Connect(ctx context.Context, access Access) (*Cloud, error) {
	cfg, err := config.LoadDefaultConfig(ctx, options(access)...)
	if err != nil {
		return nil, fmt.Errorf("read the AWS configuration: %w", err)
	}
	if access.RoleARN != "" {
		// STS has a global endpoint, which is that of this region.
		source := cfg.Copy()
		if source.Region == "" {
			source.Region = "us-east-1"
		}
		role := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(source), access.RoleARN, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = "spacel"
		})
		cfg.Credentials = aws.NewCredentialsCache(role)
	}
	return New(cfg), nil
}

// New is a cloud of a configuration whose region does not matter.
func New(cfg aws.Config) *Cloud { return &Cloud{config: cfg, regions: map[string]*Region{}} }

func options(access Access) []func(*config.LoadOptions) error {
	chosen := []func(*config.LoadOptions) error{config.WithAppID("spacel")}
	if access.Profile != "" {
		chosen = append(chosen, config.WithSharedConfigProfile(access.Profile))
	}
	if access.Endpoint != "" {
		chosen = append(chosen, config.WithBaseEndpoint(access.Endpoint))
	}
	return chosen
}

// newRetryer is one service's in one region. All calls share its rate limit, which falls when AWS throttles; there is no
// quota of retries, for giving up in the middle of a deployment helps nobody.
func newRetryer() aws.Retryer {
	return retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
		o.StandardOptions = append(o.StandardOptions, func(o *retry.StandardOptions) {
			o.MaxAttempts = attempts
			o.RateLimiter = ratelimit.None
		})
	})
}

// Identity is whose credentials these are.
type Identity struct {
	Account string // 12 digits
	ARN     string // of the user or the role's session
}

// Identity asks who calls, in a region that is in use anyway.
func (c *Cloud) Identity(ctx context.Context, region string) (Identity, error) {
	out, err := c.Region(region).STS().GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return Identity{}, fmt.Errorf("find out whose AWS credentials these are: %w; set AWS_PROFILE, or log in with aws sso login", plain(err))
	}
	return Identity{Account: aws.ToString(out.Account), ARN: aws.ToString(out.Arn)}, nil
}

// plain is the innermost error of the SDK's chain that still says what happened.
func plain(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
